/** What became of the labs of a merged pull request. */

import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { BoardRow } from "../../src/github-ports.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { aLabFile, aPolicy, aProfile } from "../fixtures.ts";
import { aChange, aPullRequest, idOf, mergeReviewed } from "./pull-request-seed.ts";
import { absences, applyCatalog, asJanitor, claimOne, makeReady } from "./seed.ts";

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

const rowOf = async (pullRequest: number, lab = "a"): Promise<BoardRow> => {
  const row = (await store.board(pullRequest)).find(({ name }) => name === lab);
  if (row === undefined) throw new Error(`${lab} is not on the board of ${pullRequest}`);
  return row;
};

test("is empty until the merge, and knows labs that are not taken up yet", async () => {
  const one = aPullRequest(1);
  await store.recordPullRequests([one]);
  expect(await store.board(1)).toEqual([]);
  await mergeReviewed(store, one, [aChange("b"), aChange("a")]);
  const board = await store.board(1);
  expect(board.map(({ name }) => name)).toEqual(["a", "b"]);
  expect(board[0]).toEqual({
    name: "a",
    team: "team-a",
    action: "create",
    labId: null,
    state: null,
    since: null,
    job: null,
    typicalSeconds: null,
    outputs: {},
    expiresAt: null,
    expiring: false,
    leavingUntil: null,
    destroyCause: null,
    failure: null,
    failedJobId: null,
    holds: [],
    receipt: null,
    expiryRequest: null,
  });
});

test("a lab from the queue to ready, with history to foretell from", async () => {
  await applyCatalog(store, [aLabFile("old")]);
  await makeReady(store);
  await raw.query("update jobs set claimed_at = finished_at - interval '90 seconds'");
  await mergeReviewed(store, aPullRequest(1), [aChange("a"), aChange("b")]);
  await applyCatalog(store, [aLabFile("old"), aLabFile("a"), aLabFile("b")]);
  const queued = await store.board(1);
  expect(queued.map(({ job }) => job?.position).sort()).toEqual([1, 2]);
  expect(queued[0]).toMatchObject({ state: "pending", job: { kind: "provision", state: "queued" } });
  expect(queued[0]?.typicalSeconds).toBeCloseTo(90);

  const job = await claimOne(store);
  const lab = job.lab.name;
  await store.recordIntent(job, {});
  await store.beginStep(job, "install", null);
  await store.recordProgress(job, "bootstrapping", 40);
  expect(await rowOf(1, lab)).toMatchObject({
    labId: job.lab.id,
    state: "provisioning",
    job: { state: "running", step: "install", phase: "bootstrapping", percent: 40, position: null },
  });
  await store.finish(job, { kind: "provisioned", outputs: { consoleUrl: "https://console.example.com" } });
  const ready = await rowOf(1, lab);
  expect(ready).toMatchObject({
    state: "ready",
    job: null,
    outputs: { consoleUrl: "https://console.example.com" },
    expiring: false,
  });
  expect(ready.expiresAt?.getTime()).toBeGreaterThan(Date.now());
});

test("a failure, with the job whose log tells of it, while it waits and when it is given up", async () => {
  await mergeReviewed(store, aPullRequest(1), [aChange("a")]);
  await applyCatalog(store, [aLabFile("a")]);
  const job = await claimOne(store);
  const failure = {
    code: "LK5002",
    message: "m",
    remedy: "r",
    step: "install",
    attempt: 1,
    at: "now",
    retryAt: "then",
  };
  await store.finish(job, { kind: "retry", failure, retryAt: new Date(0) });
  const { attempt, at, ...told } = failure;
  expect(await rowOf(1)).toMatchObject({
    state: "failed",
    failure: told,
    failedJobId: job.id,
    job: { state: "queued" },
  });
  const again = await claimOne(store);
  await store.finish(again, { kind: "dead", failure: { ...failure, retryAt: null }, timedOut: false });
  expect(await rowOf(1)).toMatchObject({
    state: "failed_permanent",
    failure: { ...told, retryAt: null },
    failedJobId: again.id,
    job: { state: "dead" },
  });
});

test("a deletion from the grace to the receipt, and the looks that confirmed it", async () => {
  const graceful = aProfile("simulated", { lifecycle: { ...aProfile().spec.lifecycle, deletionGraceHours: 4 } });
  const policy = aPolicy({ profiles: [graceful] });
  await applyCatalog(store, [aLabFile("a")], { policy });
  await makeReady(store);
  await mergeReviewed(store, aPullRequest(2), [aChange("a", { action: "destroy", labId: await idOf(store, "a") })]);
  await applyCatalog(store, [], { policy });
  const leaving = await rowOf(2);
  expect(leaving).toMatchObject({ action: "destroy", state: "ready", destroyCause: null });
  expect(leaving.leavingUntil?.getTime()).toBeGreaterThan(Date.now());

  await applyCatalog(store, [], { policy, now: new Date(Date.now() + 5 * 3_600_000) });
  const job = await claimOne(store);
  expect(await rowOf(2)).toMatchObject({
    state: "destroying",
    destroyCause: { kind: "commit", pullRequest: 2 },
    receipt: null,
  });
  await store.finish(job, { kind: "destroyed", receipt: absences() });
  const gone = await rowOf(2);
  expect(gone).toMatchObject({
    state: "destroyed",
    leavingUntil: null,
    receipt: { provisioner: "simulated", checkedAgain: [] },
  });
  expect(gone.receipt?.observations).toHaveLength(2);
  expect(gone.receipt?.observations[0]).toEqual({ at: expect.any(String), evidence: ["nothing there"] });

  const tomorrow = new Date(Date.now() + 25 * 3_600_000);
  const [check] = await store.dueChecks(tomorrow, 10);
  if (check === undefined) throw new Error("a check is due");
  await asJanitor(store, (lease) => store.recordCheck(check, { verdict: "absent", evidence: [] }, tomorrow, lease));
  expect((await rowOf(2)).receipt?.checkedAgain).toEqual([tomorrow]);
});

test("a receipt that turned out wrong is not shown", async () => {
  await applyCatalog(store, [aLabFile("a")]);
  await makeReady(store);
  await mergeReviewed(store, aPullRequest(2), [aChange("a", { action: "destroy", labId: await idOf(store, "a") })]);
  await applyCatalog(store, []);
  await store.finish(await claimOne(store), { kind: "destroyed", receipt: absences() });
  const tomorrow = new Date(Date.now() + 25 * 3_600_000);
  const [check] = await store.dueChecks(tomorrow, 10);
  if (check === undefined) throw new Error("a check is due");
  const residue = { verdict: "present", evidence: ["a volume"] } as const;
  await asJanitor(store, (lease) => store.recordCheck(check, residue, tomorrow, lease));
  await claimOne(store);
  expect(await rowOf(2)).toMatchObject({ state: "destroying", receipt: null });
});

test("what is held: a lab's own, and what has no lab yet on the last pull request of the name", async () => {
  const hold =
    (id: string) => (plan: Parameters<NonNullable<Parameters<typeof applyCatalog>[2]>["hold"] & object>[0]) => ({
      ...plan,
      changes: plan.changes.map((change) => ({
        ...change,
        held: { hold: id, guard: "quota" as const, message: "m", release: "r", approvable: true },
      })),
    });
  await mergeReviewed(store, aPullRequest(1), [aChange("a")]);
  await applyCatalog(store, [aLabFile("a")], { hold: hold("hold-create") });
  expect(await rowOf(1)).toMatchObject({
    holds: [{ id: "hold-create", guard: "quota", message: "m", release: "r", state: "open", approvable: true }],
  });
  await store.approve("hold-create", "octocat");
  expect(await rowOf(1)).toMatchObject({ holds: [{ state: "approved" }] });
  await applyCatalog(store, [aLabFile("a")]);
  await makeReady(store);
  expect(await rowOf(1)).toMatchObject({ holds: [] });
  await mergeReviewed(store, aPullRequest(2), [aChange("a", { action: "destroy", labId: await idOf(store, "a") })]);
  await applyCatalog(store, [], { hold: hold("hold-destroy") });
  expect((await rowOf(1)).holds).toMatchObject([{ id: "hold-destroy" }]);
  expect((await rowOf(2)).holds).toMatchObject([{ id: "hold-destroy" }]);
});

test("a lab that was made before its merge was heard of is found by its name", async () => {
  await applyCatalog(store, [aLabFile("a")]);
  await mergeReviewed(store, aPullRequest(1), [aChange("a")]);
  expect(await rowOf(1)).toMatchObject({ state: "pending", labId: await idOf(store, "a") });
  // But not when it is known to be another pull request's.
  await raw.query(
    "insert into pull_requests select 7, title, author, url, state, head_commit, head_ref, fork, base_ref, base_commit, merge_commit, purpose, updated_at, ended_at from pull_requests",
  );
  await raw.query("insert into pull_request_labs select 7, lab, team, path, action, $1 from pull_request_labs", [
    await idOf(store, "a"),
  ]);
  expect(await rowOf(1)).toMatchObject({ state: null });
});

test("a replaced lab is followed by the one in its place", async () => {
  await applyCatalog(store, [aLabFile("a")]);
  await makeReady(store);
  const before = await idOf(store, "a");
  const policy = aPolicy({ profiles: [aProfile(), aProfile("other")] });
  const file = aLabFile("a", { spec: { profile: "other" } });
  await mergeReviewed(store, aPullRequest(1), [aChange("a", { action: "replace", labId: before })]);
  await applyCatalog(store, [file], { policy });
  expect(await rowOf(1)).toMatchObject({ labId: before, destroyCause: { kind: "replace" } });
  await store.finish(await claimOne(store), { kind: "destroyed", receipt: absences() });
  expect(await rowOf(1)).toMatchObject({ labId: before, state: "destroyed" });
  await applyCatalog(store, [file], { policy });
  const after = await rowOf(1);
  expect(after).toMatchObject({ state: "pending", receipt: null });
  expect(after.labId).not.toBe(before);
});

test("the pull request that would remove an expiring lab's file, while it is open", async () => {
  await mergeReviewed(store, aPullRequest(1), [aChange("a")]);
  await applyCatalog(store, [aLabFile("a")]);
  await makeReady(store);
  await applyCatalog(store, [aLabFile("a")], { now: new Date(Date.now() + 23 * 3_600_000) });
  expect(await rowOf(1)).toMatchObject({ expiring: true, expiryRequest: null });
  const labId = await idOf(store, "a");
  const request = {
    labId,
    lab: "a",
    purpose: "expire",
    detail: "x",
    branch: "b",
    askedBy: { login: "labkeeper", id: null },
  } as const;
  await store.recordRequest({ ...request, pullRequest: 2 });
  const own = aPullRequest(2);
  await store.recordPullRequests([own]);
  expect(await rowOf(1)).toMatchObject({ expiryRequest: 2 });
  const now = new Date();
  await store.recordPullRequests([{ ...own, state: "closed", updatedAt: now, endedAt: now }]);
  expect(await rowOf(1)).toMatchObject({ expiryRequest: null });
});
