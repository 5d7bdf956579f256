/** What is recorded of pull requests, and what a merge lets a plan destroy. */

import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Comparison } from "../../src/core/types.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { aLabFile, aPolicy, aProfile, commitNumber, wholeCatalog } from "../fixtures.ts";
import { aChange, aPullRequest, aReview, idOf, merged, mergeReviewed, record } from "./pull-request-seed.ts";
import { absences, applyCatalog, claimOne, makeReady } from "./seed.ts";

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

const compareAll = (files: readonly string[]) =>
  store.compare(wholeCatalog(files.map((name) => aLabFile(name))), new Date(), 24);
const comparisonOf = async (name: string, files: readonly string[]): Promise<Comparison | undefined> =>
  (await compareAll(files)).comparisons.find((each) => each.name === name);
const mayDestroy = async (): Promise<string[]> => [...((await compareAll([])).facts.reviewedDestroys ?? [])];

/** A lab that is ready, and its id. */
async function aLab(name = "a"): Promise<string> {
  await applyCatalog(store, [aLabFile(name)]);
  await makeReady(store);
  return idOf(store, name);
}
const gone = (lab: string, labId: string) => aChange(lab, { action: "destroy", labId });

describe("what the host says", () => {
  test("is recorded as it is, and reopened when it says so", async () => {
    const one = aPullRequest(1);
    await store.recordPullRequests([one, aPullRequest(2)]);
    expect((await store.openPullRequests()).map(({ pullRequest }) => pullRequest)).toMatchObject([one, { number: 2 }]);
    const later = new Date(Date.now() + 1_000);
    await store.recordPullRequests([{ ...one, state: "closed", updatedAt: later, endedAt: later }]);
    expect(await store.openPullRequests()).toMatchObject([{ pullRequest: { number: 2 } }]);
    await store.recordPullRequests([{ ...one, title: "Again", updatedAt: new Date(Date.now() + 2_000) }]);
    expect(await store.openPullRequests()).toMatchObject([
      { pullRequest: { number: 1, title: "Again", endedAt: null }, purpose: null, review: null },
      { pullRequest: { number: 2 } },
    ]);
  });

  test("a late answer changes nothing, and no merge is undone", async () => {
    const one = aPullRequest(1);
    await store.recordPullRequests([one]);
    await store.recordPullRequests([{ ...one, title: "Old", updatedAt: new Date(0) }]);
    expect(await store.openPullRequests()).toMatchObject([{ pullRequest: { title: "Change 1" } }]);
    await store.recordPullRequests([merged(one)]);
    await store.recordPullRequests([{ ...one, updatedAt: new Date(Date.now() + 60_000) }]);
    expect(await store.openPullRequests()).toEqual([]);
    expect(await store.unreviewedMerges()).toMatchObject([{ pullRequest: { number: 1, state: "merged" } }]);
  });

  test("the same one twice in one answer: the newer counts", async () => {
    const one = aPullRequest(1);
    await store.recordPullRequests([merged(one), one]);
    expect(await store.unreviewedMerges()).toMatchObject([{ pullRequest: { number: 1 } }]);
  });

  test("a merge of a head that nobody planned for is told from one that was reviewed", async () => {
    const [one, two] = [aPullRequest(1), aPullRequest(2)];
    await mergeReviewed(store, one, []);
    await store.recordPullRequests([two]);
    await record(store, aReview(two));
    const pushed = { ...two, head: { ...two.head, commit: commitNumber(77) } };
    await store.recordPullRequests([merged(pushed)]);
    expect(await store.unreviewedMerges()).toMatchObject([
      { pullRequest: { number: 2 }, review: { headCommit: two.head.commit } },
    ]);
    await record(store, aReview(pushed), true);
    expect(await store.unreviewedMerges()).toEqual([]);
  });

  test("cursors", async () => {
    expect(await store.cursor("ended")).toBeNull();
    await store.setCursor("ended", new Date(1_000));
    await store.setCursor("ended", new Date(2_000));
    expect(await store.cursor("ended")).toEqual(new Date(2_000));
  });
});

describe("a destroy counts as reviewed", () => {
  test("once exactly the head that was planned is merged", async () => {
    const id = await aLab();
    const one = aPullRequest(1);
    await store.recordPullRequests([one]);
    await record(store, aReview(one, [gone("a", id)]));
    expect(await mayDestroy()).toEqual([]);
    await store.recordPullRequests([merged(one)]);
    expect(await mayDestroy()).toEqual([id]);
  });

  test("an edit that ends a lab is one too", async () => {
    const id = await aLab();
    const running = { owner: "octocat", state: "ready", since: "", lastUsed: null, graceHours: 2 } as const;
    await mergeReviewed(store, aPullRequest(1), [
      aChange("a", { action: "update", labId: id, running }),
      aChange("b", { action: "update", labId: null }),
    ]);
    expect(await mayDestroy()).toEqual([id]);
  });

  test("but not when another head was merged", async () => {
    const id = await aLab();
    const one = aPullRequest(1);
    await store.recordPullRequests([one]);
    await record(store, aReview(one, [gone("a", id)]));
    await store.recordPullRequests([merged({ ...one, head: { ...one.head, commit: commitNumber(77) } })]);
    expect(await mayDestroy()).toEqual([]);
  });

  test("nor when it was planned after the merge, whatever the planner thinks", async () => {
    const id = await aLab();
    const one = aPullRequest(1);
    await store.recordPullRequests([merged(one)]);
    await record(store, aReview(one, [gone("a", id)]), false);
    await record(store, aReview(one, [gone("a", id)]), true);
    expect(await mayDestroy()).toEqual([]);
  });

  test("nor when the host merged before the plan was made, though that was heard of later", async () => {
    const id = await aLab();
    const one = aPullRequest(1);
    await store.recordPullRequests([one]);
    await record(store, aReview(one, [gone("a", id)]));
    await store.recordPullRequests([{ ...merged(one, new Date(Date.now() - 60_000)), updatedAt: new Date() }]);
    expect(await store.openPullRequests()).toEqual([]);
    expect(await mayDestroy()).toEqual([]);
  });

  test("nor when a newer plan of the same head no longer showed it", async () => {
    const id = await aLab();
    const one = aPullRequest(1);
    await store.recordPullRequests([one]);
    await record(store, aReview(one, [gone("a", id)]));
    await record(store, aReview({ ...one, base: { ...one.base, commit: commitNumber(2) } }, []));
    await store.recordPullRequests([merged(one)]);
    expect(await mayDestroy()).toEqual([]);
  });

  test("a plan made in the second of the merge takes nothing away: it may be of what the merge left", async () => {
    const id = await aLab();
    const one = aPullRequest(1);
    await store.recordPullRequests([one]);
    await record(store, aReview(one, [gone("a", id)]));
    const second = new Date();
    await record(store, aReview(one, []));
    await store.recordPullRequests([{ ...merged(one, second), updatedAt: new Date() }]);
    expect(await mayDestroy()).toEqual([id]);
  });

  test("and not a second time after the file came back", async () => {
    const graceful = aProfile("simulated", { lifecycle: { ...aProfile().spec.lifecycle, deletionGraceHours: 4 } });
    const policy = aPolicy({ profiles: [graceful] });
    await applyCatalog(store, [aLabFile("a")], { policy });
    await makeReady(store);
    const id = await idOf(store, "a");
    await mergeReviewed(store, aPullRequest(1), [gone("a", id)]);
    await applyCatalog(store, [], { policy });
    expect(await mayDestroy()).toEqual([id]);
    // The events of the return have to lie after the merge, which was a little in the future.
    await raw.query("alter table pull_requests disable trigger all");
    await raw.query("update pull_requests set ended_at = now() - interval '1 second'");
    await raw.query("alter table pull_requests enable trigger all");
    expect(await mayDestroy()).toEqual([id]);
    await applyCatalog(store, [aLabFile("a")], { policy });
    expect(await mayDestroy()).toEqual([]);
  });

  test("nor after another pull request that changes the lab", async () => {
    const id = await aLab();
    await mergeReviewed(store, aPullRequest(1), [gone("a", id)]);
    const two = aPullRequest(2);
    await store.recordPullRequests([two]);
    await record(store, aReview(two, [aChange("a", { action: "update", labId: id })]));
    await store.recordPullRequests([merged(two, new Date(Date.now() + 60_000))]);
    expect(await mayDestroy()).toEqual([]);
  });
});

describe("the pull request behind a change", () => {
  const compared = async (name: string, files: readonly string[]) => (await comparisonOf(name, files))?.pullRequest;

  test("is the one merged last that touches the name", async () => {
    expect(await compared("a", ["a"])).toBeNull();
    const [one, two] = [aPullRequest(1), aPullRequest(2)];
    await mergeReviewed(store, two, [aChange("a"), aChange("b")]);
    expect(await compared("a", ["a"])).toEqual({ number: 2, endsNow: false });
    await store.recordPullRequests([one]);
    await record(store, aReview(one, [aChange("a")]));
    expect(await compared("a", ["a"])).toEqual({ number: 2, endsNow: false });
    await store.recordPullRequests([merged(one, new Date(Date.now() + 60_000))]);
    expect(await compared("a", ["a"])).toEqual({ number: 1, endsNow: false });
    expect(await compared("b", ["b"])).toEqual({ number: 2, endsNow: false });
  });

  test("is nobody's where a push went past all of them", async () => {
    const id = await aLab();
    await mergeReviewed(store, aPullRequest(1), [aChange("a")]);
    expect(await compared("a", [])).toBeNull();
    await mergeReviewed(store, aPullRequest(2), [gone("a", id), gone("b", id)]);
    expect(await compared("a", [])).toEqual({ number: 2, endsNow: false });
    expect(await compared("b", ["b"])).toBeNull();
  });

  test("ends a lab at once only where labkeeper opened it for that lab", async () => {
    await applyCatalog(store, [aLabFile("a"), aLabFile("b")]);
    await makeReady(store);
    const [a, b] = [await idOf(store, "a"), await idOf(store, "b")];
    const request = { labId: a, lab: "a", purpose: "expire", detail: "x", branch: "labkeeper/expire/a" } as const;
    await store.recordRequest({ ...request, askedBy: { login: "labkeeper", id: null }, pullRequest: 1 });
    await mergeReviewed(store, aPullRequest(1), [gone("a", a), gone("b", b)]);
    expect(await compared("a", [])).toEqual({ number: 1, endsNow: true });
    expect(await compared("b", [])).toEqual({ number: 1, endsNow: false });
  });

  test("stands in the events, jobs and labs that come of it", async () => {
    await mergeReviewed(store, aPullRequest(1), [aChange("a")]);
    await applyCatalog(store, [aLabFile("a")]);
    const id = await idOf(store, "a");
    const known = await raw.query("select lab, lab_id from pull_request_labs");
    expect(known.rows).toEqual([{ lab: "a", lab_id: id }]);
    const [provision] = await makeReady(store);
    expect(provision?.cause).toMatchObject({ kind: "commit", pullRequest: 1 });

    await mergeReviewed(store, aPullRequest(2), [aChange("a", { action: "update", labId: id })]);
    await applyCatalog(store, [aLabFile("a", { spec: { workers: 1 } })]);
    const three = aPullRequest(3);
    await store.recordPullRequests([three]);
    await record(store, aReview(three, [gone("a", id)]));
    await store.recordPullRequests([merged(three, new Date(Date.now() + 60_000))]);
    await applyCatalog(store, []);
    const told = (await store.events("a")).filter(({ actor }) => actor === "reconciler");
    expect(
      told.map(({ type, cause, payload }) => [
        type,
        cause?.kind === "commit" && cause.pullRequest,
        payload["pullRequest"],
      ]),
    ).toEqual([
      ["lab.created", 1, 1],
      ["lab.updated", 2, 2],
      ["destroy.requested", 3, 3],
    ]);
    expect((await store.lab("a"))?.lab.destroyCause).toMatchObject({ kind: "commit", pullRequest: 3 });
  });

  test("knows the lab that it made, not the next of the same name", async () => {
    await mergeReviewed(store, aPullRequest(1), [aChange("a")]);
    const first = await aLab();
    await applyCatalog(store, []);
    await store.finish(await claimOne(store), { kind: "destroyed", receipt: absences() });
    const second = await aLab();
    expect(second).not.toBe(first);
    expect((await raw.query("select lab_id from pull_request_labs")).rows).toEqual([{ lab_id: first }]);
    // A plan that is made after the merge does not forget it.
    await record(store, aReview(aPullRequest(1), [aChange("a")]), true);
    expect((await raw.query("select lab_id from pull_request_labs")).rows).toEqual([{ lab_id: first }]);
  });
});

describe("what a review tells of the past", () => {
  test("how long labs took, when they were used, and which live labs pinned a profile", async () => {
    const policy = aPolicy({ profiles: [aProfile(), aProfile("other")] });
    const files = Array.from({ length: 12 }, (_, i) => aLabFile(`lab-${String(i).padStart(2, "0")}`));
    await applyCatalog(store, [...files, aLabFile("b", { spec: { profile: "other" } })], { policy });
    await makeReady(store);
    await raw.query("update jobs set claimed_at = finished_at - make_interval(secs => 10) where state = 'succeeded'");
    expect(await store.durations(["simulated", "unheard-of"])).toEqual([
      { profile: "simulated", count: 12, p50: expect.closeTo(10), p90: expect.closeTo(10) },
    ]);
    const id = await idOf(store, "b");
    expect((await store.lastUsed([id])).size).toBe(0);
    await store.recordAccess("b", "octocat");
    expect((await store.lastUsed([id])).get(id)?.getTime()).toBeGreaterThan(Date.now() - 60_000);
    const live = await store.liveLabsByProfile(["simulated", "other", "unheard-of"]);
    expect(live.get("other")).toEqual({ count: 1, names: ["b"] });
    expect(live.get("simulated")).toEqual({ count: 12, names: files.slice(0, 10).map(({ name }) => name) });
    expect(live.has("unheard-of")).toBe(false);
  });
});
