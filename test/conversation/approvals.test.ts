/** Nobody releases a hold on a change that is theirs, however they came to have a hand in it. */

import { expect, test } from "vitest";
import { gone, labs } from "../promises/files.ts";
import { plain } from "../pull-requests/hosted-world.ts";
import { type TalkingWorld, talkingWorld } from "./talking-world.ts";

/** No destroy passes without an approval, of which these may give one. */
async function withApprovers(...approvers: string[]): Promise<TalkingWorld> {
  const h = await talkingWorld({
    teams: [{ name: "team-a", approvers }],
    guards: { maxDestroys: 0 },
    files: labs(["one", "two"]),
  });
  for (const login of approvers) h.github.setPermission(login, "write");
  await h.turn();
  return h;
}

/** Merges it as planned; answers the hold on its lab. */
async function mergedAndHeld(h: TalkingWorld, number: number): Promise<string> {
  await h.talk();
  h.github.merge(number);
  await h.turn();
  const hold = (await h.w.holds()).find(({ lab, state }) => lab === "one" && state === "open");
  if (hold === undefined) throw new Error("nothing is held");
  return hold.id;
}

/** What is answered to a command, the last one first known. */
async function answered(h: TalkingWorld, number: number, body: string, by: string): Promise<string> {
  h.github.comment(number, body, by);
  await h.turn();
  const rows = await h.w.sql<{ state: string; answer: string }>(
    "select state, answer from comment_commands order by comment_id desc limit 1",
  );
  return rows.map(({ state, answer }) => `${state}: ${answer}`).join();
}

const commitAs = (h: TalkingWorld, number: number, options: Parameters<TalkingWorld["github"]["commit"]>[0]) =>
  h.github.commit({ branch: h.github.pullRequest(number).head.ref, by: "octocat", ...options });

test("whoever pushed a commit to somebody else's pull request cannot approve what it does; another can", async () => {
  await using h = await withApprovers("monalisa", "hubot");
  const number = h.open({ "README.md": "words\n" });
  h.github.push(number, plain(gone("one")), "monalisa");
  const hold = await mergedAndHeld(h, number);
  expect(await answered(h, number, `/lab approve ${hold}`, "monalisa")).toMatch(/^refused: You had a hand in/);
  expect(await h.w.existing()).toEqual(["one", "two"]);
  expect(await answered(h, number, `/lab approve ${hold}`, "hubot")).toMatch(/^done/);
  await h.turn();
  expect(await h.w.existing()).toEqual(["two"]);
});

test.each([
  ["its author, whatever else is in it", { author: "mona" }],
  ["its committer alone", { committer: "mona" }],
  ["a co-author by an address with an id", { message: "mona" }],
] as const)("a hand in it has %s", async (_, how) => {
  await using h = await withApprovers("monalisa");
  const number = h.open({ "README.md": "words\n" });
  h.github.comment(number, "words", "monalisa");
  const [comment] = await h.edge.host.comments(number);
  const mona = { name: "M", email: `${comment?.authorId}+a-login-of-before@users.noreply.github.com` };
  commitAs(h, number, {
    changes: plain(gone("one")),
    ...("author" in how && { author: mona, committer: { name: "GitHub", email: "noreply@github.com" } }),
    ...("committer" in how && { committer: mona }),
    ...("message" in how && { message: `Remove one\n\nCo-authored-by: Mona <${mona.email}>\n` }),
  });
  const hold = await mergedAndHeld(h, number);
  expect(await answered(h, number, `/lab approve ${hold}`, "monalisa")).toMatch(/^refused: You had a hand in/);
});

test("a merge of the base into it by the button is a hand in it too; commits of the base are not", async () => {
  await using h = await withApprovers("monalisa", "hubot");
  const number = h.open(gone("one"));
  h.github.commit({ changes: { "README.md": "by hubot\n" }, by: "hubot" });
  h.github.updateBranch(number, "monalisa");
  const hold = await mergedAndHeld(h, number);
  expect(await answered(h, number, `/lab approve ${hold}`, "monalisa")).toMatch(/^refused/);
  expect(await answered(h, number, `/lab approve ${hold}`, "hubot")).toMatch(/^done/);
});

test("bots and GitHub itself may have a hand in it", async () => {
  await using h = await withApprovers("monalisa");
  const number = h.open({ "README.md": "words\n" });
  h.github.push(number, { "README.md": "more words\n" }, "dependabot[bot]");
  commitAs(h, number, { changes: plain(gone("one")), committer: { name: "GitHub", email: "noreply@github.com" } });
  const hold = await mergedAndHeld(h, number);
  expect(await answered(h, number, `/lab approve ${hold}`, "monalisa")).toMatch(/^done/);
});

test("a commit of somebody whom GitHub does not know is approved by nobody in a comment", async () => {
  await using h = await withApprovers("monalisa", "hubot");
  const number = h.open({ "README.md": "words\n" });
  commitAs(h, number, { changes: plain(gone("one")), author: { name: "Mona", email: "mona@example.com" } });
  const hold = await mergedAndHeld(h, number);
  for (const login of ["monalisa", "hubot"]) {
    const answer = await answered(h, number, `/lab approve ${hold}`, login);
    expect(answer).toMatch(/^refused: .*GitHub knows no account/);
    expect(answer).toContain(`labkeeper approve ${hold}`);
  }
  await h.w.store.approve(hold, "operator");
  await h.turn();
  expect(await h.w.existing()).toEqual(["two"]);
});

test.each([
  ["its author", (h: TalkingWorld) => h.github.openPullRequest({ changes: plain(gone("one")), by: "monalisa" }).number],
  [
    "one who pushed to it",
    (h: TalkingWorld) => {
      const number = h.open({ "README.md": "words\n" });
      h.github.push(number, plain(gone("one")), "monalisa");
      return number;
    },
  ],
] as const)("another login does not make %s another person", async (_, opened) => {
  await using h = await withApprovers("monalisa", "mona-the-second");
  const number = opened(h);
  const hold = await mergedAndHeld(h, number);
  h.github.renameUser("monalisa", "mona-the-third");
  h.push({ "catalog.yaml": (h.github.file("catalog.yaml") ?? "").replace('"monalisa"', '"mona-the-third"') });
  expect(await answered(h, number, `/lab approve ${hold}`, "mona-the-third")).toMatch(
    /^refused: (It holds your|You had)/,
  );
});

test("who asked labkeeper for a pull request is known by the id as well", async () => {
  await using h = await withApprovers("monalisa");
  const number = h.open({ "README.md": "words\n" });
  h.github.setOrganizationMember("monalisa", true);
  expect(await answered(h, number, "/lab destroy one", "monalisa")).toMatch(/^done/);
  const own = h.github.pullRequests().find(({ head }) => head.ref.startsWith("labkeeper/"))?.number ?? 0;
  const hold = await mergedAndHeld(h, own);
  h.github.renameUser("monalisa", "mona-the-second");
  h.push({ "catalog.yaml": (h.github.file("catalog.yaml") ?? "").replace('"monalisa"', '"mona-the-second"') });
  expect(await answered(h, own, `/lab approve ${hold}`, "mona-the-second")).toMatch(/^refused: It holds your own/);
});

test("while GitHub does not say whose commits they are, the command waits; when it refuses to, it is refused", async () => {
  await using h = await withApprovers("monalisa");
  const number = h.open(gone("one"));
  const hold = await mergedAndHeld(h, number);
  const silent = h.github.faults.add(/pulls\/\d+\/commits/, { kind: "status", status: 503 });
  expect(await answered(h, number, `/lab approve ${hold}`, "monalisa")).toBe("received: ");
  silent.remove();
  h.github.faults.add(/pulls\/\d+\/commits/, { kind: "status", status: 404 });
  await h.turn();
  expect(await h.w.sql("select state from comment_commands")).toEqual([{ state: "refused" }]);
  expect((await h.w.holds()).map(({ state }) => state)).toEqual(["open"]);
});
