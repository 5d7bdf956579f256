/** Who may release what, and what becomes of requests that were closed or cannot be made. */

import { expect, test } from "vitest";
import { gone, lab, labs } from "../promises/files.ts";
import { plain } from "../pull-requests/hosted-world.ts";
import { type TalkingWorld, talkingWorld } from "./talking-world.ts";

const own = (h: TalkingWorld) => h.github.pullRequests().filter(({ head }) => head.ref.startsWith("labkeeper/"));

const answers = async (h: TalkingWorld) =>
  (
    await h.w.sql<{ state: string; answer: string }>("select state, answer from comment_commands order by comment_id")
  ).map(({ state, answer }) => `${state}: ${answer}`);

test("nobody releases what was added to a pull request of labkeeper's own, for its author is labkeeper", async () => {
  await using h = await talkingWorld({
    teams: [{ name: "team-a", approvers: ["monalisa"] }],
    guards: { maxDestroys: 0 },
    files: { ...labs(["one", "two"]), ...lab("other", { spec: { ttlHours: 168 } }) },
  });
  h.github.setPermission("monalisa", "write");
  await h.turn();
  h.w.later(23);
  await h.turn();
  const number = own(h).find(({ head }) => head.ref.includes("/one-"))?.number ?? 0;
  h.github.forcePush(number, plain(gone("one", "two")));
  await h.talk();
  h.github.merge(number);
  await h.turn();
  const two = (await h.w.holds()).find((hold) => hold.lab === "two");
  expect(two).toMatchObject({ guard: "destroy-budget" });
  h.github.comment(number, `/lab approve ${two?.id}`, "monalisa");
  await h.turn();
  expect(await answers(h)).toEqual([expect.stringContaining("refused: Somebody added it")]);
  expect((await h.w.holds()).map((hold) => hold.lab)).toContain("two");
});

test("approvers of the team that a file moves a lab to are no judges of the lab's end", async () => {
  await using h = await talkingWorld({
    teams: [
      { name: "team-a", approvers: ["monalisa"] },
      { name: "team-b", approvers: ["hubot"] },
    ],
    files: { ...lab("one", { team: "team-b" }), ...lab("two") },
  });
  for (const login of ["monalisa", "hubot"]) h.github.setPermission(login, "write");
  await h.turn();
  const { id } = await h.w.lab("one");
  const number = h.open({ "labs/team-b/one.yaml": null, ...lab("one", { spec: { version: "4.20.2" } }) });
  await h.talk();
  expect(h.comment(number)).toContain("hubot");
  expect(h.comment(number)).not.toContain("monalisa");
  h.github.merge(number);
  await h.turn();
  const [hold] = await h.w.holds();
  expect(hold).toMatchObject({ lab: "one", guard: "immutable-change" });
  h.github.comment(number, `/lab approve ${hold?.id}`, "monalisa");
  await h.turn();
  await h.turn();
  expect((await h.w.lab("one")).id).toBe(id);
  h.github.comment(number, `/lab approve ${hold?.id}`, "hubot");
  for (let cycle = 0; cycle < 3; cycle++) await h.turn();
  expect((await answers(h)).map((answer) => answer.split(":")[0])).toEqual(["refused", "done"]);
  expect((await h.w.lab("one")).id).not.toBe(id);
});

test("what was closed can be asked for again, and is one pull request however often it is asked for then", async () => {
  await using h = await talkingWorld({ files: labs(["one", "two"]) });
  h.github.setPermission("octocat", "write");
  await h.turn();
  const number = h.open(lab("three"));
  await h.talk();
  const ask = async () => {
    h.github.comment(number, "/lab destroy one", "octocat");
    await h.talk();
  };
  await ask();
  h.github.close(own(h)[0]?.number ?? 0);
  await h.talk();
  await ask();
  await ask();
  expect(
    own(h)
      .map(({ state }) => state)
      .sort(),
  ).toEqual(["closed", "open"]);
  const open = own(h).find(({ state }) => state === "open")?.number ?? 0;
  expect((await answers(h)).at(-1)).toContain(`Pull request ${open} `);
  h.github.merge(open);
  await h.turn();
  expect(await h.w.existing()).toEqual(["two"]);
  expect(h.failures).toEqual([]);
});

test("somebody else's pull request on the branch of one is told and not used; labkeeper opens its own beside it", async () => {
  await using h = await talkingWorld({ files: labs(["one", "two"]) });
  h.github.setPermission("octocat", "write");
  await h.turn();
  const number = h.open(lab("three"));
  const { id } = await h.w.lab("one");
  const branch = `labkeeper/destroy/one-${id.slice(-8)}`;
  const theirs = h.github.openPullRequest({ branch, changes: plain(gone("one", "two")), by: "mallory" }).number;
  await h.talk();
  h.github.comment(number, "/lab destroy one", "octocat");
  await h.talk();
  const mine = own(h).find(({ head }) => head.ref === `${branch}-2`)?.number ?? 0;
  expect((await answers(h)).at(-1)).toBe(
    `done: Pull request ${mine} removes the file; merging it destroys the lab. Branch ${branch} was left alone: it has pull request ${theirs} of mallory onto main.`,
  );
  h.github.comment(number, "/lab destroy one", "octocat");
  await h.talk();
  expect(own(h).length).toBe(2);
  expect(await h.w.sql("select number, purpose from pull_requests where purpose is not null")).toEqual([
    { number: mine, purpose: "destroy" },
  ]);
  h.github.merge(mine);
  await h.turn();
  expect(await h.w.existing()).toEqual(["two"]);
});

test("before an expiry the same: its own is opened beside it, and it is told once", async () => {
  await using h = await talkingWorld({ files: { ...labs(["one"]), ...lab("other", { spec: { ttlHours: 168 } }) } });
  await h.turn();
  const { id, expiresAt } = await h.w.lab("one");
  const branch = `labkeeper/expire/one-${id.slice(-8)}-${expiresAt?.toISOString().replace(/[^0-9a-z]/gi, "")}`;
  h.github.openPullRequest({ branch, changes: plain(gone("one", "other")), by: "mallory" });
  h.w.later(23);
  for (let round = 0; round < 3; round++) await h.turn();
  expect(own(h).map(({ head, author }) => [head.ref, author.login])).toEqual([
    [branch, "mallory"],
    [`${branch}-2`, "labkeeper[bot]"],
  ]);
  expect(h.failures).toMatchObject([{ code: "LK8008" }]);
});

test("a request that cannot be made keeps no other from being made", async () => {
  await using h = await talkingWorld({
    files: { ...labs(["one", "two"]), ...lab("other", { spec: { ttlHours: 168 } }) },
  });
  await h.turn();
  h.w.later(23);
  h.github.faults.add(/contents\/labs(\/|%2F)team-a(\/|%2F)one/, { kind: "status", status: 422 });
  await h.turn();
  expect(own(h).map(({ head }) => head.ref.split("-")[0])).toEqual(["labkeeper/expire/two"]);
  expect(h.failures.length).toBe(1);
});

test("a command of somebody about whom GitHub says nothing keeps nobody else's waiting", async () => {
  await using h = await talkingWorld({
    teams: [{ name: "team-a", githubTeam: "octo-org/team-a" }],
    files: labs(["one", "two"]),
  });
  h.github.setPermission("octocat", "write");
  await h.turn();
  const number = h.open(lab("three"));
  await h.talk();
  h.github.faults.add(/memberships\/stranger/, { kind: "status", status: 502 });
  h.github.comment(number, "/lab status one", "stranger");
  h.github.comment(number, "/lab status one", "octocat");
  await h.talk();
  expect(await answers(h)).toEqual([expect.stringContaining("done: ")]);
});
