/** The whole story of labs as people see it on GitHub, with nothing but pull requests, comments and time. */

import { expect, test } from "vitest";
import { gone, lab, labPath, labs, names } from "../promises/files.ts";
import { plain } from "../pull-requests/hosted-world.ts";
import { talkingWorld } from "./talking-world.ts";

test("add, plan, merge, ready, link; edit; delete, receipt: all in one comment", async () => {
  // The last lab of a catalog is another story: the guard of empty catalogs.
  await using h = await talkingWorld({
    teams: [{ name: "team-a", maxActiveLabs: 5, monthlyBudget: 5000 }],
    files: lab("other"),
  });
  await h.turn();
  const number = h.open(lab("one", { spec: { ttlHours: 24 } }), { title: "A lab for me" });
  await h.talk();
  const planned = h.comment(number);
  expect(planned).toContain("one");
  expect(planned).toMatch(/create/i);
  expect(planned).toContain("24.00");
  const head = h.github.pullRequest(number).head.sha;
  expect(h.github.checkRuns(head)).toMatchObject([
    { name: "labkeeper/plan", status: "completed", conclusion: "success" },
  ]);
  expect(await h.w.states()).toEqual({ other: "ready" });

  const merged = h.github.merge(number, { method: "squash" });
  await h.turn();
  expect(await h.w.states()).toEqual({ one: "ready", other: "ready" });
  const ready = h.comment(number);
  expect(ready).toMatch(/ready/i);
  expect(ready).toContain("labkeeper credentials one");
  expect(h.github.statuses(merged).at(-1)).toMatchObject({ context: "labkeeper/one", state: "success" });
  expect((await h.w.events("one")).find(({ type }) => type === "lab.created")?.cause).toMatchObject({
    kind: "commit",
    commit: merged,
    pullRequest: number,
  });

  const edit = h.open(lab("one", { spec: { ttlHours: 48 } }));
  await h.talk();
  expect(h.comment(edit)).toMatch(/ttlHours/);
  h.github.merge(edit, { method: "rebase" });
  await h.turn();
  expect((await h.w.lab("one")).spec.ttlHours).toBe(48);
  expect(h.comment(edit)).toMatch(/ready/i);

  const removal = h.open(gone("one"));
  await h.talk();
  const warned = h.comment(removal);
  expect(warned).toContain("CAUTION");
  expect(warned).toContain("octocat");
  h.github.merge(removal);
  await h.turn();
  expect(await h.w.existing()).toEqual(["other"]);
  const receipt = h.comment(removal);
  expect(receipt).toMatch(/receipt/i);
  expect(receipt).toMatch(/absent|nothing/i);
  // The first pull request's board tells the end too.
  expect(h.comment(number)).toMatch(/gone|destroyed/i);
  expect(h.failures).toEqual([]);
  expect(h.told).toEqual([]);
});

test("a hold is released by an approver's comment, never by the author's own", async () => {
  await using h = await talkingWorld({
    teams: [{ name: "team-a", approvers: ["monalisa", "octocat"] }],
    guards: { maxDestroys: 0 },
    files: labs(["one", "two"]),
  });
  for (const login of ["monalisa", "octocat"]) h.github.setPermission(login, "write");
  await h.turn();
  const number = h.open(gone("one"));
  await h.talk();
  const hold = /hold-[0-9a-f]{10}/.exec(h.comment(number))?.[0] ?? "";
  expect(hold).not.toBe("");
  expect(h.comment(number)).toContain("monalisa");
  h.github.merge(number);
  await h.turn();
  expect(await h.w.states()).toEqual({ one: "ready", two: "ready" });
  expect(h.comment(number)).toContain(hold);

  h.github.comment(number, `/lab approve ${hold}`, "octocat");
  await h.turn();
  expect(await h.w.states()).toEqual({ one: "ready", two: "ready" });
  expect(h.comment(number)).toMatch(/somebody else has to approve/);

  h.github.comment(number, `Fine with me.\n\n/lab approve ${hold}`, "monalisa");
  await h.turn();
  await h.turn();
  expect(await h.w.existing()).toEqual(["two"]);
  expect((await h.w.events("one")).find(({ type }) => type === "hold.approved")?.actor).toBe("github:monalisa");
  expect(h.failures).toEqual([]);
});

test("a destroy that no merged plan showed is held: a direct push, until somebody approves it", async () => {
  await using h = await talkingWorld({ roles: { operators: ["monalisa"] }, files: labs(["one", "two"]) });
  h.github.setPermission("monalisa", "admin");
  await h.turn();
  h.push(gone("one"));
  await h.turn();
  expect(await h.w.existing()).toEqual(["one", "two"]);
  const [hold] = await h.w.holds();
  expect(hold).toMatchObject({ lab: "one", guard: "unreviewed-destroy" });
  const somewhere = h.open(lab("three"));
  await h.talk();
  h.github.comment(somewhere, `/lab approve ${hold?.id}`, "monalisa");
  await h.turn();
  await h.turn();
  expect(await h.w.existing()).toEqual(["two"]);
});

test("two pull requests merged within a second keep their own boards", async () => {
  await using h = await talkingWorld({ files: labs(["one"]) });
  await h.turn();
  const [first, second] = [h.open(gone("one")), h.open(labs(["two", "three"]))];
  await h.talk();
  h.github.merge(first, { method: "squash" });
  h.github.merge(second);
  await h.turn();
  expect(await h.w.states()).toEqual({ three: "ready", two: "ready" });
  expect(h.comment(first)).toMatch(/one/);
  expect(h.comment(first)).not.toMatch(/\btwo\b/);
  expect(h.comment(second)).toMatch(/two/);
  expect((await h.w.holds()).length).toBe(0);
});

test("one pull request with fifty labs has one comment, all of them on it, and a status each", async () => {
  await using h = await talkingWorld({ teams: [{ name: "team-a" }] });
  await h.turn();
  const fifty = names("lab", 50);
  const number = h.open(labs(fifty));
  await h.talk();
  for (const name of fifty) expect(h.comment(number)).toContain(name);
  const merged = h.github.merge(number);
  await h.turn();
  for (const name of fifty) expect(h.comment(number)).toContain(name);
  expect(h.comments(number).length).toBe(1);
  expect(new Set(h.github.statuses(merged).map(({ context }) => context)).size).toBe(50);
}, 60_000);

test("reverting a deletion within the grace keeps the same lab", async () => {
  await using h = await talkingWorld({
    profiles: { quick: { lifecycle: { deletionGraceHours: 4 } } },
    files: lab("one"),
  });
  await h.turn();
  const { id } = await h.w.lab("one");
  const removal = h.open(gone("one"));
  await h.talk();
  h.github.merge(removal);
  await h.turn();
  expect(h.comment(removal)).toMatch(/grace|until/i);
  const revert = h.open(lab("one"));
  await h.talk();
  h.github.merge(revert);
  await h.turn();
  expect((await h.w.lab("one")).id).toBe(id);
  expect((await h.w.lab("one")).leaving).toBeNull();
  h.w.later(5);
  await h.turn();
  expect(await h.w.existing()).toEqual(["one"]);
});

test("a force-push makes the plan anew, in the same comment", async () => {
  await using h = await talkingWorld({ files: labs(["one", "two"]) });
  await h.turn();
  const number = h.open(gone("one"));
  await h.talk();
  expect(h.comment(number)).toMatch(/\bone\b/);
  const head = h.github.forcePush(number, plain(lab("three")));
  await h.talk();
  expect(h.comment(number)).toContain("three");
  expect(h.comment(number)).not.toContain(labPath("one"));
  expect(h.github.checkRuns(head).length).toBe(1);
  // What was pushed after the last plan was not reviewed.
  h.github.forcePush(number, plain(gone("two")));
  h.github.merge(number);
  await h.turn();
  expect(await h.w.existing()).toEqual(["one", "two"]);
  expect(await h.w.holds()).toMatchObject([{ guard: "unreviewed-destroy", lab: "two" }]);
});
