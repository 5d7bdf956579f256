/** Plans go when nothing can ask for them any more, and what they permitted stays as it was. */

import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { connect } from "../../src/store/connection.ts";
import { mergedLast, reviewedDestroys } from "../../src/store/merged-requests.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { aLabFile, wholeCatalog } from "../fixtures.ts";
import { aChange, aPullRequest, aReview, idOf, merged, mergeReviewed, record } from "./pull-request-seed.ts";
import { applyCatalog, makeReady } from "./seed.ts";

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

const DAY = 86_400_000;
const prune = (): Promise<number> => store.pruneReviews(new Date(Date.now() - 30 * DAY), 100);

/** Past the triggers, which let nobody choose these times. */
async function asOwner(sql: string, values: readonly unknown[] = []): Promise<void> {
  await raw.query("set session_replication_role = replica");
  await raw.query(sql, [...values]);
  await raw.query("set session_replication_role = origin");
}
const age = (days: number, number = 1): Promise<void> =>
  asOwner(
    `with p as (update pull_requests set ended_at = ended_at - $1::interval, updated_at = updated_at - $1::interval
      where number = $2 returning number)
     update reviews r set created_at = created_at - $1::interval from p where r.pull_request = p.number`,
    [`${days} days`, number],
  );
const hashes = async (): Promise<string[]> =>
  (await raw.query<{ hash: string }>("select hash from reviews order by created_at")).rows.map(({ hash }) => hash);
const reviewed = async (): Promise<string[]> => {
  const { facts } = await store.compare(wholeCatalog([]), new Date(), 24);
  return [...(facts.reviewedDestroys ?? [])];
};
const plan = (hash: string, number = 1, changes: Parameters<typeof aReview>[1] = []) =>
  record(store, { ...aReview(aPullRequest(number), changes), hash });
const aLab = async (): Promise<string> => {
  await applyCatalog(store, [aLabFile("a")]);
  await makeReady(store);
  return idOf(store, "a");
};
const kill = (): Promise<void> =>
  asOwner(`update labs set state = 'destroyed', destroy_cause = '{"kind":"commit"}', destroy_requested_at = now(),
    receipt_id = gen_random_uuid() where name = 'a'`);

describe("plans of a pull request that ended before the retention", () => {
  test("go when it was closed, and it is planned anew when it is opened again", async () => {
    const one = aPullRequest(1);
    await store.recordPullRequests([one]);
    for (const hash of ["first", "second"]) await plan(hash);
    const at = new Date(Date.now() + 1_000);
    await store.recordPullRequests([{ ...one, state: "closed", updatedAt: at, endedAt: at }]);
    await age(29);
    expect(await prune()).toBe(0);
    await age(2);
    expect(await prune()).toBe(2);
    expect(await hashes()).toEqual([]);
    await store.recordPullRequests([{ ...one, updatedAt: new Date(Date.now() + 2_000) }]);
    expect(await store.openPullRequests()).toMatchObject([{ review: null }]);
    await plan("third");
    await store.recordPullRequests([{ ...one, state: "closed", updatedAt: new Date(Date.now() + 3_000), endedAt: at }]);
    await age(31);
    expect(await prune()).toBe(1);
  });

  test("go but for the last one of what was merged, which stays known as planned", async () => {
    const one = aPullRequest(1);
    await store.recordPullRequests([one]);
    for (const hash of ["first", "second", "third"]) await plan(hash);
    await store.recordPullRequests([merged(one)]);
    await age(31);
    expect(await prune()).toBe(2);
    expect(await hashes()).toEqual(["third"]);
    expect(await store.unreviewedMerges()).toEqual([]);
    expect(await prune()).toBe(0);
  });

  test("stay while a lab lives whose end they showed, and may still end it", async () => {
    const a = await aLab();
    await store.recordPullRequests([aPullRequest(1)]);
    await plan("first");
    await plan("second", 1, [aChange("a", { action: "destroy", labId: a })]);
    await store.recordPullRequests([merged(aPullRequest(1))]);
    await age(31);
    expect(await reviewed()).toEqual([a]);
    expect(await prune()).toBe(0);
    expect(await reviewed()).toEqual([a]);
    await kill();
    expect(await prune()).toBe(1);
    expect(await hashes()).toEqual(["second"]);
  });

  test("stay while one took back what another said of a lab that lives", async () => {
    const a = await aLab();
    await store.recordPullRequests([aPullRequest(1)]);
    await plan("ends a", 1, [aChange("a", { action: "destroy", labId: a })]);
    await plan("does not");
    await store.recordPullRequests([merged(aPullRequest(1))]);
    await age(31);
    await prune();
    expect(await hashes()).toEqual(["ends a", "does not"]);
    expect(await reviewed()).toEqual([]);
  });

  test("stay while something of theirs is held", async () => {
    await store.recordPullRequests([aPullRequest(1)]);
    await plan("first", 1, [aChange("x")]);
    await plan("second", 1, [aChange("x")]);
    await store.recordPullRequests([merged(aPullRequest(1))]);
    await age(31);
    await asOwner(`insert into holds select (jsonb_populate_record(null::holds, h.h)).* from (select '{"id":"hold-1",
      "lab":"x","team":"team-a","action":"create","guard":"quota","message":"","release":"","approvable":true,"state":"open",
      "created_at":"2026-01-01"}'::jsonb as h) h`);
    expect(await prune()).toBe(0);
    await asOwner("update holds set state = 'withdrawn'");
    expect(await prune()).toBe(1);
  });
});

describe("the database lets nobody remove a plan", () => {
  const removal = async (): Promise<string> =>
    await raw.query("delete from reviews").then(
      () => "removed",
      (error: { code: string }) => error.code,
    );

  test("of what is open, of what has just ended, nor the last one of a merge", async () => {
    const one = aPullRequest(1);
    await store.recordPullRequests([one]);
    await plan("first");
    expect(await removal()).toBe("LK003");
    const at = new Date(Date.now() + 1_000);
    await store.recordPullRequests([{ ...one, state: "closed", updatedAt: at, endedAt: at }]);
    expect(await removal()).toBe("LK003");
    await age(2);
    expect(await removal()).toBe("removed");
    await mergeReviewed(store, aPullRequest(2), []);
    await age(2, 2);
    expect(await removal()).toBe("LK003");
  });

  test("nor take the lab from one that may end it", async () => {
    const a = await aLab();
    await mergeReviewed(store, aPullRequest(1), [aChange("a", { action: "destroy", labId: a })]);
    await age(2);
    await expect(raw.query("delete from reviewed_destroys")).rejects.toMatchObject({ code: "LK003" });
  });
});

test("years of merges are not read to know what was merged of a few labs, or not planned", {
  timeout: 60_000,
}, async () => {
  const MERGES = 20_000;
  const long = `now() - make_interval(mins => ${MERGES} + 10 - i)`;
  await asOwner(`
    with made as (
      insert into pull_requests (number, title, author, url, state, head_commit, head_ref, fork, base_ref, base_commit,
        merge_commit, updated_at, ended_at)
      select i, '', '', '', 'merged', i::text, '', false, 'main', '', 'm', ${long}, ${long}
      from generate_series(1, ${MERGES}) i returning number
    ), planned as (
      insert into reviews (id, pull_request, head_commit, base_commit, hash, body, after_merge, created_at)
      select md5(i || '-' || k)::uuid, i, i::text, '', '', '{}', false, ${long} - make_interval(mins => 9 - k)
      from generate_series(1, ${MERGES}) i, generate_series(0, 1) k returning id
    ), shown as (
      insert into reviewed_destroys select md5(i || '-1')::uuid, md5('lab' || i)::uuid from generate_series(1, ${MERGES}) i
      returning lab_id
    )
    insert into pull_request_labs (pull_request, lab, team, path, action, lab_id)
    select i, 'lab-' || i % 1000, '', '', 'destroy', md5('lab' || i)::uuid from generate_series(1, ${MERGES}) i`);
  await raw.query("analyze");
  const read = async (): Promise<number> => {
    const { rows } = await raw.query<{ rows: string }>(
      "select sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) as rows from pg_stat_user_tables where relname ~ 'review|pull_request'",
    );
    return Number(rows[0]?.rows);
  };
  const before = await read();
  // What a session counted is told when it ends.
  const { db, close } = connect(database.connection, { max: 1 });
  const { rows } = await raw.query<{ id: string }>("select md5('lab' || i)::uuid as id from generate_series(41, 60) i");
  const heard = [merged({ ...aPullRequest(7), head: { commit: "x", ref: "", fork: false } })];
  expect(
    (
      await reviewedDestroys(
        db,
        rows.map(({ id }) => id),
        heard,
      )
    ).size,
  ).toBe(20);
  expect((await mergedLast(db, ["lab-1", "lab-2", "unknown"], heard)).size).toBe(2);
  await close();
  const own = await openStore(database.connection, { max: 1 });
  expect(await own.unreviewedMerges()).toEqual([]);
  expect(await own.openPullRequests()).toEqual([]);
  expect(await own.openNumbers()).toEqual([]);
  await own.close();
  await expect.poll(read, { timeout: 20_000 }).toBeGreaterThan(before);
  // Each lab has one, and each name twenty merges: nothing near the 100,000 rows that there are.
  expect((await read()) - before).toBeLessThan(1_000);
});
