/** Two hundred open pull requests, and an hour without GitHub: what that costs in requests, and what is said after it. */

import { expect, test } from "vitest";
import type { ProposalSource } from "../../src/github-ports.ts";
import { lab, labPath, labText } from "../promises/files.ts";
import { plain } from "../pull-requests/hosted-world.ts";
import { type TalkingWorld, talkingWorld } from "./talking-world.ts";

const COUNT = 200;
/** How many of them add a lab, and so get a comment. */
const LABS = 20;

/** So many pull requests, the first of which add a lab of their own, opened by hand and not looked at yet. */
async function crowded(count: number): Promise<TalkingWorld> {
  const h = await talkingWorld({ files: lab("other") });
  await h.turn();
  const names = Array.from({ length: count }, (_, index) => `lab-${index + 1}`);
  const branch = (name: string): string => {
    const file = labText(name);
    const person = "octocat <octocat@users.noreply.github.com> 1800000000 +0000";
    return `commit refs/heads/${name}\nauthor ${person}\ncommitter ${person}\ndata 1\nx\nfrom refs/heads/main^0\nM 100644 inline ${labPath(name)}\ndata ${file.length}\n${file}\n`;
  };
  h.github.repository.git(["fast-import", "--quiet"], names.map(branch).join(""));
  // What is read by git is told without it here: two hundred small fetches are another test's.
  const proposal: ProposalSource["proposal"] = async (number, head, base) => {
    const name = names[number - 1] ?? "";
    const bytes = new TextEncoder().encode(labText(name));
    const path = labPath(name);
    return {
      head,
      forkPoint: base,
      labs: number > LABS ? [] : [{ path, kind: "file", blobOid: head, bytes }],
      addedLabs: number > LABS ? [] : [path],
      policyFiles: await h.deps.catalog.policyFiles(base),
      policyPaths: [],
      conflicts: [],
      inBase: false,
    };
  };
  Object.assign(h.deps.catalog, { proposal });
  for (const name of names) h.github.openPullRequest({ branch: name });
  return h;
}

interface Spent {
  readonly reads: number;
  /** Of these, what GitHub does not count: nothing had changed. */
  readonly unchanged: number;
  readonly writes: number;
}

/** What requests to the API something took. */
async function spent(h: TalkingWorld, work: () => Promise<unknown>): Promise<Spent> {
  const before = h.github.requests.length;
  await work();
  const made = h.github.requests
    .slice(before)
    .filter(({ path }) => path.startsWith("/repos/") || path.startsWith("/app"));
  return {
    reads: made.filter(({ method }) => method === "GET").length,
    unchanged: made.filter(({ status }) => status === 304).length,
    writes: made.filter(({ method }) => method !== "GET").length,
  };
}

const rows = async (h: TalkingWorld): Promise<number> =>
  (await h.w.sql<{ count: number }>("select count(*)::int as count from reports"))[0]?.count ?? 0;

/** How often each pull request was commented on by labkeeper, and each head checked: never more than once. */
const saidTwice = (h: TalkingWorld): unknown[] => {
  const checks = h.github.checkRuns().map(({ headSha }) => headSha);
  return [
    ...h.github.pullRequests().filter(({ number }) => h.comments(number).length > 1),
    ...checks.filter((sha, index) => checks.indexOf(sha) !== index),
  ];
};

test("200 open pull requests cost as many writes as there is to say, and nothing while nothing moves", {
  timeout: 600_000,
}, async () => {
  await using h = await crowded(COUNT);
  // Lists come in a few pages, and before the first comment of each is looked whether there is one.
  const first = await spent(h, () => h.talk());
  expect(first.writes).toBe(COUNT + LABS);
  expect(first.reads).toBeLessThanOrEqual(COUNT + LABS + 10);
  expect(saidTwice(h)).toEqual([]);
  expect(h.github.checkRuns().length).toBe(COUNT);

  // It meets its own comments, and looks from there on; then nothing is new.
  for (let round = 0; round < 2; round++) await h.talk();
  const counted = h.github.limits.counted;
  const quiet = await spent(h, () => h.turn());
  expect(quiet.writes).toBe(0);
  expect(quiet.reads).toBeLessThanOrEqual(10);
  expect(quiet.unchanged).toBe(quiet.reads);
  expect(h.github.limits.counted).toBe(counted);

  h.github.push(1, plain(lab("lab-1", { owner: "hubot" })));
  const one = await spent(h, () => h.talk());
  // Its comment and the check of its new head.
  expect(one.writes).toBe(2);
  expect(one.reads).toBeLessThanOrEqual(10);
  expect(h.failures).toEqual([]);
});

test("an hour without GitHub costs a few requests a round and keeps no more than there is to say; then one round says it", {
  timeout: 600_000,
}, async () => {
  await using h = await crowded(15);
  // Planned, and nothing of it told when GitHub goes.
  await h.conversation.round();
  const before = await rows(h);
  const outage = h.github.faults.add(/^(GET|POST|PATCH|PUT|DELETE) \/(repos|app)/, { kind: "status", status: 503 });
  for (let number = 1; number <= 5; number++) h.github.push(number, plain(lab(`lab-${number}`, { owner: "hubot" })));
  h.github.merge(11);
  h.github.close(12);
  const costs: number[] = [];
  for (let minute = 0; minute < 60; minute += 10) {
    const { reads, writes } = await spent(h, () => h.turn());
    costs.push(reads + writes);
    h.w.later(1 / 6);
  }
  // Each question is asked three times before it counts as unanswered, and nothing is asked after the first of a kind.
  expect(Math.max(...costs)).toBeLessThanOrEqual(20);
  expect(await rows(h)).toBeLessThanOrEqual(before + 2);
  expect(await h.w.states()).toMatchObject({ "lab-11": "ready" });

  outage.remove();
  h.failures.length = 0;
  await h.turn();
  expect(h.failures).toEqual([]);
  expect(saidTwice(h)).toEqual([]);
  expect(h.comment(11)).toMatch(/\*\*ready/);
  expect(h.comment(12)).toContain("Closed without a merge");
  for (let number = 1; number <= 5; number++)
    expect(h.github.checkRuns(h.github.pullRequest(number).head.sha).length).toBe(1);
  expect((await spent(h, () => h.turn())).writes).toBe(0);
});
