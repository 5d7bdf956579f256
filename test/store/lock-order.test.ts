/** Plans, commands and runs that meet on the same labs wait for each other, and never both: one order of locks for all. */

import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ClaimedJob, JobOutcome } from "../../src/ports.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { aLabFile } from "../fixtures.ts";
import { applyCatalog, claimAll } from "./seed.ts";

const TIME = { timeout: 60_000 };
const PATIENT = { timeout: 30_000, interval: 20 };

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
  // Once its sessions are over: a batch that loses is tried again, so that nobody else would notice.
  await store.close();
  const count = "select deadlocks::int as n from pg_stat_database where datname = current_database()";
  const { rows } = await raw.query<{ n: number }>(count);
  expect(rows[0]?.n, "deadlocks").toBe(0);
  await raw.end();
  await database.drop();
});

const waiting = async (): Promise<number> => {
  const { rows } = await raw.query<{ n: number }>(
    "select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
  );
  return rows[0]?.n ?? 0;
};

/** Runs `first` until it has changed its labs and is about to tell of it, then `second`; both go on together. */
async function interleaved(first: () => Promise<unknown>, second: () => Promise<unknown>): Promise<void> {
  await raw.query("begin; lock table lab_events in exclusive mode");
  const one = first();
  await expect.poll(waiting, PATIENT).toBe(1);
  const two = second();
  await expect.poll(waiting, PATIENT).toBe(2);
  await raw.query("commit");
  await Promise.all([one, two]);
}

const failure = { code: "LK5002", message: "no", remedy: "", step: null, attempt: 1, at: "", retryAt: null } as const;
const outcomes: Readonly<Record<string, JobOutcome>> = {
  released: { kind: "released" },
  failed: { kind: "retry", failure, retryAt: new Date(0) },
  provisioned: { kind: "provisioned", outputs: {} },
};

const files = ["a", "b", "c"].map((name) => aLabFile(`lab-${name}`));

async function running(): Promise<readonly ClaimedJob[]> {
  await applyCatalog(store, files);
  const jobs = await claimAll(store);
  for (const job of jobs) await store.recordIntent(job, {});
  return jobs;
}

const ended = (jobs: readonly ClaimedJob[], outcome: JobOutcome) =>
  Promise.all([...jobs].reverse().map((job) => store.finish(job, outcome)));

const destroys = async (): Promise<string[]> =>
  (await raw.query<{ state: string }>("select state from jobs where kind = 'destroy' order by 1")).rows.map(
    ({ state }) => state,
  );

describe.each(Object.entries(outcomes))("runs that end as %s", (_, outcome) => {
  test("while a plan destroys their labs", TIME, async () => {
    const jobs = await running();
    await interleaved(
      () => applyCatalog(store, []),
      () => ended(jobs, outcome),
    );
    expect(await destroys()).toEqual(["queued", "queued", "queued"]);
  });

  test("while a command cancels one of their labs", TIME, async () => {
    const jobs = await running();
    await interleaved(
      () => store.cancel("lab-b", "octocat"),
      () => ended(jobs, outcome),
    );
    expect(await destroys()).toEqual(["queued"]);
  });
});

test("leases that are renewed while the runs under them end", TIME, async () => {
  const jobs = await running();
  const leases = jobs.map(({ lease }) => lease);
  // Whichever order they are asked in: a renewal waits for nobody who waits for it.
  for (const asked of [leases, [...leases].reverse()]) expect(await store.renew(asked, 60)).toEqual(asked);
  const writes = Array.from({ length: 20 }, () => [
    store.renew(leases, 60),
    store.renew([...leases].reverse(), 60),
    ...jobs.map((job, i) => store.recordProgress(job, `phase ${i}`, i)),
    ...[...jobs].reverse().map((job) => store.recordOutputs(job, {})),
  ]).flat();
  await Promise.all(writes);
  await Promise.all([store.renew(leases, 60), ended(jobs, { kind: "released" })]);
  expect((await raw.query("select distinct state from jobs")).rows).toEqual([{ state: "queued" }]);
});
