/**
 * Who is suspected of its workers' deaths, and given up: histories of crashes over the real queue, with a clock of their own.
 * A model of processes stands for labkeeper's: what they die of is known here, and nowhere else.
 */

import fc from "fast-check";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ClaimedJob } from "../../src/ports.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { aLabFile } from "../fixtures.ts";
import { applyCatalog, UNLIMITED } from "./seed.ts";

/** Of a lease, and between two heartbeats and polls of a process. Seconds. */
interface Pace {
  readonly lease: number;
  readonly beat: number;
}

let database: TestDatabase;
let store: Store;
let raw: pg.Client;

beforeEach(async () => {
  database = await createDatabase();
  raw = new pg.Client(database.connection);
  await raw.connect();
  // Time passes in steps: Postgres's own clock, and what is added to it.
  await raw.query(`
    create schema model;
    create table model.passed (by interval not null);
    insert into model.passed values ('0');
    create function model.clock_timestamp() returns timestamptz language sql volatile as
      'select pg_catalog.clock_timestamp() + by from model.passed';`);
  await raw.query(`alter database ${database.connection.database} set search_path = public, model, pg_catalog`);
  store = await openStore(database.connection);
});
afterEach(async () => {
  await raw.end();
  await store.close();
  await database.drop();
});

/** A lab as the model knows it. Seconds. */
interface Nature {
  readonly name: string;
  /** How long its install takes when it is left alone. */
  readonly takes: number;
  /** How long after its install began it kills the process; null: it never does. */
  readonly fuse: number | null;
}

interface Running {
  readonly job: ClaimedJob;
  readonly nature: Nature;
  readonly endsAt: number;
  readonly killsAt: number;
}

interface Process {
  readonly name: string;
  readonly running: Map<string, Running>;
}

interface Told {
  readonly states: Readonly<Record<string, string>>;
  /** Deaths by a poisonous lab, and processes ended from outside. */
  readonly deaths: number;
  readonly seconds: number;
}

/** Lives until every lab is ready or given up. `outside`: when all processes are killed for no lab's sake, seconds. */
async function live(
  natures: readonly Nature[],
  {
    processes,
    slots,
    outside = [],
    limit = 48 * 3_600,
    pace = { lease: 60, beat: 15 },
  }: {
    readonly processes: number;
    readonly slots: number;
    readonly outside?: readonly number[];
    readonly limit?: number;
    readonly pace?: Pace;
  },
): Promise<Told> {
  await applyCatalog(
    store,
    natures.map(({ name }) => aLabFile(name)),
  );
  // What an earlier history left: files that went, and labs that go with them.
  await raw.query(
    "update jobs set state = 'cancelled', finished_at = now() where kind = 'destroy' and state = 'queued'",
  );
  const natureOf = new Map(natures.map((nature) => [nature.name, nature]));
  const states: Record<string, string> = {};
  const kills = [...outside].sort((a, b) => a - b);
  let incarnations = 0;
  const born = (): Process => ({ name: `process-${++incarnations}`, running: new Map() });
  const alive = Array.from({ length: processes }, born);
  let now = 0;
  let deaths = 0;

  const begin = async (process: Process): Promise<void> => {
    for (let more = true; more; ) {
      const free = slots - process.running.size;
      if (free === 0) return;
      const jobs = await store.claim({
        worker: process.name,
        slots: free,
        destroySlots: 0,
        leaseSeconds: pace.lease,
        limits: UNLIMITED,
      });
      more = jobs.length > 0;
      for (const job of jobs) {
        const nature = natureOf.get(job.lab.name);
        if (nature === undefined) throw new Error("a lab of nowhere");
        if (job.poisonous) {
          const failure = { code: "LK5010", message: "", remedy: "", step: null, attempt: 1, at: "", retryAt: null };
          await store.finish(job, { kind: "dead", failure, timedOut: false });
          states[nature.name] = "given up";
          continue;
        }
        await store.beginStep(job, "record-intent", null);
        await store.recordIntent(job, {});
        await store.beginStep(job, "install", "record-intent");
        const killsAt = nature.fuse === null ? Number.POSITIVE_INFINITY : now + nature.fuse;
        process.running.set(job.id, { job, nature, endsAt: now + nature.takes, killsAt });
      }
    }
  };

  while (Object.keys(states).length < natures.length) {
    expect(now, "it converges").toBeLessThan(limit);
    for (const [index, process] of alive.entries()) {
      const all = [...process.running.values()];
      if (all.some(({ killsAt }) => killsAt <= now)) {
        deaths += 1;
        alive[index] = born();
        continue;
      }
      for (const { job, nature } of all.filter(({ endsAt }) => endsAt <= now)) {
        await store.finish(job, { kind: "provisioned", outputs: {} });
        states[nature.name] = "ready";
        process.running.delete(job.id);
      }
      await store.renew(
        [...process.running.values()].map(({ job }) => job.lease),
        pace.lease,
      );
    }
    if ((kills[0] ?? Number.POSITIVE_INFINITY) <= now) {
      kills.shift();
      for (const index of alive.keys()) alive[index] = born();
    }
    for (const process of alive) await begin(process);
    now += pace.beat;
    await raw.query("update model.passed set by = by + make_interval(secs => $1)", [pace.beat]);
  }
  return { states, deaths, seconds: now };
}

const innocent = (n: number, takes = 2_400): Nature[] =>
  Array.from({ length: n }, (_, i) => ({ name: `lab-${i}`, takes, fuse: null }));

const expectJudged = ({ states }: Told, natures: readonly Nature[]): void =>
  expect(states).toEqual(
    Object.fromEntries(natures.map(({ name, fuse }) => [name, fuse === null ? "ready" : "given up"])),
  );

const TIME = { timeout: 120_000 };

describe("one process that a lab kills", TIME, () => {
  test.each([30, 1_200])("%d s into its install: the lab alone is given up, after six deaths", async (fuse) => {
    const natures = [...innocent(5), { name: "poison", takes: 2_400, fuse }];
    const told = await live(natures, { processes: 1, slots: 8 });
    expectJudged(told, natures);
    expect(told.deaths).toBe(6);
  });

  test("two such labs: both are found out", async () => {
    const natures = [
      ...innocent(5),
      { name: "poison", takes: 2_400, fuse: 45 },
      { name: "venom", takes: 2_400, fuse: 300 },
    ];
    const told = await live(natures, { processes: 1, slots: 8 });
    expectJudged(told, natures);
    expect(told.deaths).toBeLessThanOrEqual(12);
  });
});

test("days of deploys that kill every process at once, twelve times a day, give nothing up", TIME, async () => {
  const outside = Array.from({ length: 84 }, (_, i) => 3_600 + i * 7_200);
  const natures = innocent(120, 3_000);
  const told = await live(natures, {
    processes: 2,
    slots: 2,
    outside,
    limit: 7 * 86_400,
    pace: { lease: 1_200, beat: 300 },
  });
  expectJudged(told, natures);
  expect(told.seconds).toBeGreaterThan(86_400);
});

test("one that is killed again and again while it suspects gets on when that ends", TIME, async () => {
  // Four kills within one install: everything is suspected, and tried one by one; none is alone with its suspicion.
  const natures = innocent(6, 2_400);
  const told = await live(natures, { processes: 1, slots: 6, outside: [600, 1_500, 2_400, 3_300] });
  expectJudged(told, natures);
});

test(
  "whatever the history: innocent labs become ready, poisonous ones are given up, in bounded time and deaths",
  TIME,
  async () => {
    const lab = fc.record({ takes: fc.integer({ min: 60, max: 3_600 }), fuse: fc.integer({ min: 15, max: 1_800 }) });
    const history = fc.record({
      innocent: fc.array(lab, { minLength: 1, maxLength: 6 }),
      poisonous: fc.array(lab, { maxLength: 3 }),
      processes: fc.integer({ min: 1, max: 3 }),
      slots: fc.integer({ min: 1, max: 8 }),
      outside: fc.array(fc.integer({ min: 0, max: 14_400 }), { maxLength: 3 }),
    });
    let round = 0;
    for (const drawn of fc.sample(history, { numRuns: 8, seed: 11 })) {
      round += 1;
      const natures: Nature[] = [
        ...drawn.innocent.map(({ takes }, i) => ({ name: `r${round}-good-${i}`, takes, fuse: null })),
        ...drawn.poisonous.map(({ fuse }, i) => ({ name: `r${round}-bad-${i}`, takes: 3_600, fuse })),
      ];
      const told = await live(natures, { ...drawn, pace: { lease: 240, beat: 60 } });
      expectJudged(told, natures);
      const poisonous = drawn.poisonous.length;
      expect([round, told.deaths <= 8 * poisonous]).toEqual([round, true]);
      // The work itself, the leases of the dead, and a trial for each: far from for ever.
      expect([round, told.seconds < 24 * 3_600]).toEqual([round, true]);
    }
  },
);
