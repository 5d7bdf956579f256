/** Which reports are due. What they say is made elsewhere; here it only matters that none is forgotten. */

import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { DueReport } from "../../src/github-ports.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { aLabFile, commitNumber } from "../fixtures.ts";
import { aChange, aPullRequest, aReview, idOf, merged, mergeReviewed, record } from "./pull-request-seed.ts";
import { applyCatalog, claimAll, claimOne, makeReady } from "./seed.ts";

let database: TestDatabase;
let store: Store;
let raw: pg.Client;

beforeEach(async () => {
  database = await createDatabase();
  store = await openStore(database.connection);
  raw = new pg.Client(database.connection);
  await raw.connect();
});
afterEach(async () => {
  await raw.end();
  await store.close();
  await database.drop();
});

const PROGRESS = 30;
const due = (now = new Date()): Promise<readonly DueReport[]> => store.dueReports(now, PROGRESS, 100);
const words = (reports: readonly DueReport[]): string[] =>
  reports.map(({ pullRequest, kind, subject }) => [pullRequest.number, kind, subject].filter(Boolean).join(" ")).sort();
const send = async (report: DueReport, digest = "sha256:1", at = new Date()): Promise<void> =>
  store.recordSent(report, { remoteId: 42, digest, at, notBefore: at });
/** Says everything that is due; answers what that was. */
const sendAll = async (at?: Date): Promise<string[]> => {
  const reports = await due(at);
  for (const report of reports) await send(report, "sha256:1", at);
  return words(reports);
};
/** What is due because of what happened to labs since it was last asked. */
const news = async (): Promise<string[]> => {
  await store.noteEvents();
  return sendAll();
};

describe("a pull request that moves", () => {
  test("opened, pushed to, closed, reopened", async () => {
    const one = aPullRequest(1);
    await store.recordPullRequests([one]);
    expect(await sendAll()).toEqual(
      ["1 check", "1 comment"].map((each) => each.replace("check", `check ${one.head.commit}`)),
    );
    await store.recordPullRequests([one]);
    expect(await sendAll()).toEqual([]);
    const head = { ...one.head, commit: commitNumber(77) };
    await store.recordPullRequests([{ ...one, head }]);
    expect(await sendAll()).toEqual([`1 check ${head.commit}`, "1 comment"]);
    const now = new Date();
    await store.recordPullRequests([{ ...one, head, state: "closed", updatedAt: now, endedAt: now }]);
    expect(await sendAll()).toEqual(["1 comment"]);
    await store.recordPullRequests([{ ...one, head, updatedAt: now }]);
    expect(await sendAll()).toEqual([`1 check ${head.commit}`, "1 comment"]);
  });

  test("a check of an earlier head that was not made yet is not made any more", async () => {
    const one = aPullRequest(1);
    await store.recordPullRequests([one]);
    const head = { ...one.head, commit: commitNumber(77) };
    await store.recordPullRequests([{ ...one, head }]);
    expect(await sendAll()).toEqual([`1 check ${head.commit}`, "1 comment"]);
  });

  test("a review made anew: the comment and the check", async () => {
    const one = aPullRequest(1);
    await store.recordPullRequests([one]);
    await record(store, aReview(one));
    await sendAll();
    await record(store, aReview({ ...one, base: { ...one.base, commit: commitNumber(2) } }));
    expect(await sendAll()).toEqual([`1 check ${one.head.commit}`, "1 comment"]);
    expect((await store.review(1))?.baseCommit).toBe(commitNumber(2));
  });

  test("merged: the comment, and a status a lab that the last review touches", async () => {
    const one = aPullRequest(1);
    await store.recordPullRequests([one]);
    await record(store, aReview(one, [aChange("a"), aChange("b")]));
    await record(store, aReview(one, [aChange("b"), aChange("c")]));
    await store.recordPullRequests([merged(one)]);
    expect(await sendAll()).toEqual(["1 comment", "1 status b", "1 status c"]);
    await record(store, aReview(one, [aChange("c"), aChange("d")]), true);
    expect(await sendAll()).toEqual(["1 comment", "1 status c", "1 status d"]);
  });

  test("one that had ended before it was first heard of is nobody's news, until it is reviewed", async () => {
    const one = aPullRequest(1);
    await store.recordPullRequests([merged(one)]);
    expect(await sendAll()).toEqual([]);
    await record(store, aReview(one, [aChange("a")]), true);
    expect(await sendAll()).toEqual(["1 comment", "1 status a"]);
  });

  test("a command that was answered", async () => {
    await store.recordPullRequests([aPullRequest(1)]);
    await sendAll();
    const command = {
      commentId: 7,
      commentUrl: "u",
      pullRequest: 1,
      author: "octocat",
      authorId: null,
      command: "/lab help",
      at: new Date(),
    };
    await store.receive([command, { ...command, commentId: 8, pullRequest: 99 }]);
    await store.answer(7, "done", "Here you are.");
    // On a pull request that nobody recorded there is nothing to edit.
    await store.answer(8, "done", "Here you are.");
    expect(await sendAll()).toEqual(["1 comment"]);
  });
});

describe("a report that is due", () => {
  const theComment = async (now?: Date): Promise<DueReport> => {
    const found = (await due(now)).find(({ kind }) => kind === "comment");
    if (found === undefined) throw new Error("the comment is not due");
    return found;
  };

  test("tells what it said last", async () => {
    const one = aPullRequest(1);
    await store.recordPullRequests([one]);
    expect(await theComment()).toMatchObject({ pullRequest: one, remoteId: null, sentDigest: null, failures: 0 });
    await send(await theComment(), "sha256:x");
    await record(store, aReview(one));
    expect(await theComment()).toMatchObject({ remoteId: 42, sentDigest: "sha256:x" });
  });

  test("stays due when something moved while it was said, however the clocks go", async () => {
    const one = aPullRequest(1);
    await store.recordPullRequests([one]);
    const report = await theComment();
    await record(store, aReview(one));
    await send(report, "sha256:before", new Date(Date.now() + 3_600_000));
    const later = new Date(Date.now() + 7_200_000);
    expect((await theComment(later)).sentDigest).toBe("sha256:before");
    await send(await theComment(later));
    expect(words(await due(later))).not.toContain("1 comment");
  });

  test("waits for its time after an edit and after a failure", async () => {
    const one = aPullRequest(1);
    await store.recordPullRequests([one]);
    const soon = new Date(Date.now() + 5_000);
    const at = new Date();
    await store.recordSent(await theComment(), { remoteId: 1, digest: "d", at, notBefore: soon });
    await record(store, aReview(one));
    expect(words(await due())).not.toContain("1 comment");
    const later = new Date(soon.getTime() + 1);
    await store.recordFailure(
      await theComment(later),
      "GitHub cannot be reached:\0 no route",
      new Date(later.getTime() + 60_000),
    );
    expect(words(await due(later))).not.toContain("1 comment");
    expect(await store.backlog()).toEqual({
      waiting: 2,
      failing: 1,
      lastError: "GitHub cannot be reached:\ufffd no route",
    });
    const muchLater = new Date(later.getTime() + 60_001);
    expect((await theComment(muchLater)).failures).toBe(1);
    await send(await theComment(muchLater));
    expect(await store.backlog()).toEqual({ waiting: 1, failing: 0, lastError: null });
  });

  test("the longest waiting comes first, and being wanted again does not lose a place", async () => {
    const [one, two, three] = [aPullRequest(1), aPullRequest(2), aPullRequest(3)];
    for (const each of [two, three, one]) await store.recordPullRequests([each]);
    await record(store, aReview(two));
    const first = await store.dueReports(new Date(), PROGRESS, 3);
    expect(first.map(({ pullRequest }) => pullRequest.number)).toEqual([2, 2, 3]);
  });
});

describe("a pull request with many labs", () => {
  test("lets what others wait for have every other turn, and keeps its own", async () => {
    const many = ["a", "b", "c", "d", "e", "f"];
    await mergeReviewed(
      store,
      aPullRequest(1),
      many.map((name) => aChange(name)),
    );
    for (const number of [2, 3]) await store.recordPullRequests([aPullRequest(number)]);
    const kinds = (await due()).map(({ kind, pullRequest }) => `${pullRequest.number} ${kind}`);
    expect(kinds.slice(0, 6).filter((each) => each === "1 status").length).toBe(3);
    expect(kinds.indexOf("3 comment")).toBeLessThan(kinds.lastIndexOf("1 status"));
    expect(kinds.filter((each) => each === "1 status").length).toBe(6);
  });
});

describe("what happens to labs", () => {
  /** Pull request 1 made lab a. */
  async function oneLab(): Promise<void> {
    await mergeReviewed(store, aPullRequest(1), [aChange("a")]);
    await applyCatalog(store, [aLabFile("a"), aLabFile("other")]);
    expect(await news()).toEqual(["1 comment", "1 status a"]);
    expect(await news()).toEqual([]);
  }

  test("makes the reports of its pull request due, once", async () => {
    await oneLab();
    await makeReady(store);
    expect(await news()).toEqual(["1 comment", "1 status a"]);
    await store.recordAccess("a", "octocat");
    expect(await news()).toEqual([]);
    await store.cancel("a", "octocat");
    expect(await news()).toEqual(["1 comment", "1 status a"]);
  });

  test("concerns every pull request of the same lab, and none of a later one of its name", async () => {
    await oneLab();
    await makeReady(store);
    await mergeReviewed(store, aPullRequest(2), [aChange("a", { action: "destroy", labId: await idOf(store, "a") })]);
    await news();
    await applyCatalog(store, [aLabFile("other")]);
    expect(await news()).toEqual(["1 comment", "1 status a", "2 comment", "2 status a"]);
    const destroy = await claimOne(store);
    const observation = { at: "now", verdict: "absent", evidence: [] } as const;
    await store.finish(destroy, {
      kind: "destroyed",
      receipt: { provisioner: "simulated", observations: [observation, observation] },
    });
    await news();
    const three = aPullRequest(3);
    await store.recordPullRequests([three]);
    await record(store, aReview(three, [aChange("a")]));
    await store.recordPullRequests([merged(three, new Date(Date.now() + 60_000))]);
    await sendAll();
    await applyCatalog(store, [aLabFile("a"), aLabFile("other")]);
    expect(await news()).toEqual(["3 comment", "3 status a"]);
  });

  test("is not overlooked when a transaction that began earlier ends later", async () => {
    await oneLab();
    const insert = `insert into lab_events (event_type, source, lab_id, lab, actor, correlation_id)
      select 'lab.tested', 'worker', id, name, 'test', gen_random_uuid() from labs where name = $1`;
    const slow = new pg.Client(database.connection);
    await slow.connect();
    await slow.query("begin");
    await slow.query(insert, ["a"]);
    // Later numbers are given, committed and looked at meanwhile, more than once.
    for (let round = 0; round < 3; round += 1) {
      await raw.query(insert, ["a"]);
      expect(await news()).toEqual(["1 comment", "1 status a"]);
      expect(await news()).toEqual([]);
    }
    await slow.query("commit");
    await slow.end();
    expect(await news()).toEqual(["1 comment", "1 status a"]);
    expect(await news()).toEqual([]);
  });

  test("is looked at once by many who look at the same time", async () => {
    await oneLab();
    await makeReady(store);
    await Promise.all(Array.from({ length: 5 }, () => store.noteEvents()));
    const mark = async () => (await raw.query("select mark from reports where kind = 'comment'")).rows;
    const before = await mark();
    await store.noteEvents();
    expect(await mark()).toEqual(before);
    expect(await sendAll()).toEqual(["1 comment", "1 status a"]);
  });

  test("is found after the database was restored where transactions count anew", async () => {
    await oneLab();
    await raw.query("update report_cursor set seen = '9000000000:9000000000:'");
    await makeReady(store);
    expect(await news()).toEqual(["1 comment", "1 status a"]);
    expect(await news()).toEqual([]);
  });

  test("comes due by itself while jobs wait or run, and no longer", async () => {
    await oneLab();
    const in20 = new Date(Date.now() + 20_000);
    const in31 = new Date(Date.now() + 31_000);
    expect(words(await due(in20))).toEqual([]);
    expect(words(await due(in31))).toEqual(["1 comment", "1 status a"]);
    const jobs = await claimAll(store);
    await news();
    expect(words(await due(in31))).toEqual(["1 comment", "1 status a"]);
    await sendAll(in31);
    expect(words(await due(in31))).toEqual([]);
    for (const job of jobs) {
      await store.recordIntent(job, {});
      await store.finish(job, { kind: "provisioned", outputs: {} });
    }
    const [inAnHour, inADay] = [3_600_000, 86_400_000].map((ms) => new Date(Date.now() + ms));
    await store.noteEvents();
    expect(await sendAll(inAnHour)).toEqual(["1 comment", "1 status a"]);
    expect(words(await due(inADay))).toEqual([]);
  });

  test("an expiry that is near is told where the lab was last changed", async () => {
    await mergeReviewed(store, aPullRequest(1), [aChange("a")]);
    await applyCatalog(store, [aLabFile("a")]);
    await makeReady(store);
    await mergeReviewed(store, aPullRequest(2), [aChange("a", { action: "update", labId: await idOf(store, "a") })]);
    await news();
    const near = new Date(Date.now() + 23 * 3_600_000);
    await applyCatalog(store, [aLabFile("a")], { now: near });
    const id = await idOf(store, "a");
    expect(await news()).toEqual(["1 comment", "1 status a", "2 comment", `2 expiry ${id}`, "2 status a"]);
    // Told again once there is a pull request to point to.
    const request = {
      labId: id,
      lab: "a",
      purpose: "expire",
      detail: "x",
      branch: "b",
      askedBy: { login: "labkeeper", id: null },
    } as const;
    await store.recordRequest({ ...request, pullRequest: null });
    expect(await sendAll()).toEqual([]);
    await store.recordRequest({ ...request, pullRequest: 9 });
    expect(await sendAll()).toEqual(["1 comment", "2 comment", `2 expiry ${id}`]);
  });

  test("a hold of a lab that is not there yet concerns who asked for it", async () => {
    await mergeReviewed(store, aPullRequest(1), [aChange("a")]);
    await news();
    await applyCatalog(store, [aLabFile("a")], {
      hold: (plan) => ({
        ...plan,
        changes: plan.changes.map((change) => ({
          ...change,
          held: { hold: "hold-a", guard: "quota", message: "m", release: "r", approvable: true },
        })),
      }),
    });
    expect(await news()).toEqual(["1 comment", "1 status a"]);
  });
});
