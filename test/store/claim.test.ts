/** Claiming: limits, fairness, lanes, take-over. The queue is looked at from outside, through what is claimed. */

import fc from "fast-check";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ClaimedJob, ClaimRequest, QueueLimits } from "../../src/ports.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { aLabFile, aPolicy, aProfile } from "../fixtures.ts";
import { absences, applyCatalog, claimAll, claimOne, makeReady, UNLIMITED } from "./seed.ts";

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

const claim = (change: Partial<ClaimRequest> & { limits?: QueueLimits }): Promise<readonly ClaimedJob[]> =>
  store.claim({ worker: "worker-1", slots: 100, destroySlots: 0, leaseSeconds: 60, limits: UNLIMITED, ...change });

const files = (team: string, count: number) =>
  Array.from({ length: count }, (_, i) => aLabFile(`${team}-${i}`, { team }));
const countBy = (jobs: readonly ClaimedJob[], key: (job: ClaimedJob) => string): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const job of jobs) counts[key(job)] = (counts[key(job)] ?? 0) + 1;
  return counts;
};

describe("limits", () => {
  test("creates over all processes", async () => {
    await applyCatalog(store, files("team-a", 10));
    const limits = { ...UNLIMITED, creates: 4 };
    expect(await claim({ limits, worker: "one", slots: 3 })).toHaveLength(3);
    expect(await claim({ limits, worker: "two" })).toHaveLength(1);
    expect(await claim({ limits, worker: "three" })).toHaveLength(0);
  });

  test("jobs over all processes", async () => {
    await applyCatalog(store, files("team-a", 10));
    expect(await claim({ limits: { ...UNLIMITED, jobs: 6 } })).toHaveLength(6);
    expect(await claim({ limits: { ...UNLIMITED, jobs: 6 } })).toHaveLength(0);
  });

  test("creates of a team: the default, or the team's own from catalog.yaml", async () => {
    const policy = aPolicy({ teams: [{ name: "team-a" }, { name: "team-b", maxConcurrentCreates: 1 }] });
    await applyCatalog(store, [...files("team-a", 5), ...files("team-b", 5)], { policy });
    const jobs = await claim({ limits: { ...UNLIMITED, createsPerTeam: 3 } });
    const more = await claim({ limits: { ...UNLIMITED, createsPerTeam: 3 } });
    expect(countBy([...jobs, ...more], (job) => job.lab.team)).toEqual({ "team-a": 3, "team-b": 1 });
  });

  test("creates of an account and region do not block another region behind them", async () => {
    const regions = { allowlist: ["eu", "us"], default: "eu" };
    const policy = aPolicy({ profiles: [aProfile("simulated", { regions })] });
    const inRegion = (region: string, n: number) =>
      Array.from({ length: n }, (_, i) => aLabFile(`${region}-${i}`, { spec: { region } }));
    await applyCatalog(store, [...inRegion("eu", 8), ...inRegion("us", 2)], { policy });
    const limits = { ...UNLIMITED, createsPerAccountRegion: 2 };
    const jobs = [...(await claim({ limits, slots: 2 })), ...(await claim({ limits })), ...(await claim({ limits }))];
    expect(countBy(jobs, (job) => job.lab.spec.region ?? "")).toEqual({ eu: 2, us: 2 });
  });

  test("never exceeded, whatever the order of claims and ends", async () => {
    await applyCatalog(store, [...files("team-a", 12), ...files("team-b", 12)]);
    const limits: QueueLimits = { jobs: 7, creates: 5, createsPerTeam: 3, createsPerAccountRegion: 4 };
    const running = new Map<string, ClaimedJob>();
    const action = fc.record({
      worker: fc.constantFrom("w1", "w2", "w3"),
      slots: fc.integer({ min: 0, max: 6 }),
      end: fc.nat({ max: 3 }),
    });
    for (const { worker, slots, end } of fc.sample(action, { numRuns: 40, seed: 7 })) {
      for (const job of await claim({ worker, slots, limits })) running.set(job.id, job);
      const now = [...running.values()];
      expect(now.length).toBeLessThanOrEqual(4);
      for (const n of Object.values(countBy(now, (job) => job.lab.team))) expect(n).toBeLessThanOrEqual(3);
      for (const job of now.slice(0, end)) {
        await store.recordIntent(job, {});
        await store.finish(job, { kind: "provisioned", outputs: {} });
        running.delete(job.id);
      }
    }
  });
});

describe("fairness", () => {
  test("a team with a thousand labs does not keep one with two waiting", async () => {
    await applyCatalog(store, files("team-a", 1_000));
    await applyCatalog(store, [...files("team-a", 1_000), ...files("team-b", 2)]);
    const jobs = await claim({ slots: 10 });
    expect(countBy(jobs, (job) => job.lab.team)).toEqual({ "team-a": 8, "team-b": 2 });
  });

  test("what a team runs already counts against it", async () => {
    await applyCatalog(store, [...files("team-a", 10), ...files("team-b", 10)]);
    const first = await claim({ slots: 4 });
    for (const job of first.filter(({ lab }) => lab.team === "team-b")) {
      await store.recordIntent(job, {});
      await store.finish(job, { kind: "provisioned", outputs: {} });
    }
    expect(countBy(await claim({ slots: 2 }), (job) => job.lab.team)).toEqual({ "team-b": 2 });
  });
});

describe("destroys", () => {
  test("go first, and have places of their own", async () => {
    await applyCatalog(store, files("team-a", 3));
    await makeReady(store);
    await applyCatalog(store, [...files("team-a", 3), ...files("team-b", 10)]);
    const creates = await claim({ slots: 5 });
    expect(countBy(creates, ({ kind }) => kind)).toEqual({ provision: 5 });
    await applyCatalog(store, files("team-b", 10));
    expect(countBy(await claim({ slots: 0, destroySlots: 2 }), ({ kind }) => kind)).toEqual({ destroy: 2 });
    expect(countBy(await claim({ slots: 3 }), ({ kind }) => kind)).toEqual({ destroy: 1, provision: 2 });
  });

  test("are not held up by any limit of creates, however full it is", async () => {
    await applyCatalog(store, files("team-a", 2));
    await makeReady(store);
    await applyCatalog(store, [...files("team-a", 2), aLabFile("team-a-new", { team: "team-a" })]);
    const limits = { ...UNLIMITED, creates: 1, createsPerTeam: 1, createsPerAccountRegion: 1 };
    expect(countBy(await claim({ limits }), ({ kind }) => kind)).toEqual({ provision: 1 });
    await applyCatalog(store, [...files("team-a", 0), aLabFile("team-a-new", { team: "team-a" })]);
    expect(countBy(await claim({ limits }), ({ kind }) => kind)).toEqual({ destroy: 2 });
  });

  test("wait for the running job, which is asked to stop", async () => {
    await applyCatalog(store, files("team-a", 1));
    const job = await claimOne(store);
    await store.cancel("team-a-0", "octocat");
    expect(await claimAll(store)).toHaveLength(0);
    expect(await store.cancelRequested([job.id])).toEqual([job.id]);
    await store.finish(job, { kind: "cancelled" });
    const [next] = await claimAll(store);
    expect(next).toMatchObject({ kind: "destroy", lab: { name: "team-a-0", state: "destroying" } });
  });

  test("are tried for ever", async () => {
    await applyCatalog(store, files("team-a", 1));
    await makeReady(store);
    await store.cancel("team-a-0", "octocat");
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      const job = await claimOne(store);
      expect(job.attempt).toBe(attempt);
      const failure = { code: "LK5007", message: "m", remedy: "r", step: "observe", attempt, at: "", retryAt: null };
      await store.finish(job, { kind: "retry", failure, retryAt: new Date(0) });
      expect((await store.lab("team-a-0"))?.lab.state).toBe("destroy_failed");
    }
    const job = await claimOne(store);
    const dead = store.finish(job, {
      kind: "dead",
      failure: { code: "", message: "", remedy: "", step: null, attempt: 6, at: "", retryAt: null },
      timedOut: false,
    });
    await expect(dead).rejects.toMatchObject({ code: "LK4005" });
    await store.finish(job, { kind: "destroyed", receipt: absences() });
  });
});

describe("P3 one job per lab, by lease", () => {
  test("concurrent claimers never share a job", async () => {
    await applyCatalog(store, files("team-a", 60));
    const claims = await Promise.all(Array.from({ length: 12 }, (_, i) => claim({ worker: `w${i}`, slots: 10 })));
    const ids = claims.flat().map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length + (await claimAll(store)).length).toBe(60);
  });

  test("a lease that ran out is taken over with a higher token, and its old holder can write nothing", async () => {
    await applyCatalog(store, files("team-a", 1));
    const old = await claimOne(store, "old");
    await raw.query("update leases set expires_at = clock_timestamp() - interval '1 second'");
    const taken = await claimOne(store, "new");
    expect(taken.id).toBe(old.id);
    expect(taken.lease.token).toBeGreaterThan(old.lease.token);
    expect(taken.attempt).toBe(old.attempt);

    const before = await raw.query("select * from labs, jobs");
    const lost = { code: "LK4004" };
    await expect(store.recordIntent(old, { infraId: "mine" })).rejects.toMatchObject(lost);
    await expect(store.beginStep(old, "record-intent", null)).rejects.toMatchObject(lost);
    await expect(store.finish(old, { kind: "provisioned", outputs: {} })).rejects.toMatchObject(lost);
    expect(await store.renew([old.lease], 60)).toEqual([]);
    expect((await raw.query("select * from labs, jobs")).rows).toEqual(before.rows);

    await store.recordIntent(taken, { infraId: "theirs" });
    await store.finish(taken, { kind: "provisioned", outputs: {} });
    expect((await store.lab("team-a-0"))?.lab).toMatchObject({ state: "ready", intent: { infraId: "theirs" } });
  });

  test("an expired lease cannot write even when nobody took it over", async () => {
    await applyCatalog(store, files("team-a", 1));
    const job = await claimOne(store);
    await raw.query("update leases set expires_at = clock_timestamp()");
    await expect(store.finish(job, { kind: "cancelled" })).rejects.toMatchObject({ code: "LK4004" });
  });

  test("in a batch, a lost lease harms only its own job", async () => {
    await applyCatalog(store, files("team-a", 5));
    const jobs = await claimAll(store);
    const lost = jobs[2];
    await raw.query("update leases set token = token + 1 where resource = $1", [lost?.lease.resource]);
    const ends = await Promise.allSettled(jobs.map((job) => store.finish(job, { kind: "cancelled" })));
    expect(ends.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled", "fulfilled"]);
  });
});

describe("ends of runs", () => {
  test("a released job is not an attempt, and what it did is not done again", async () => {
    await applyCatalog(store, files("team-a", 1));
    const job = await claimOne(store);
    await store.recordIntent(job, {});
    await store.beginStep(job, "record-intent", null);
    await store.beginStep(job, "install", "record-intent");
    await store.finish(job, { kind: "released" });
    const again = await claimOne(store, "worker-2");
    expect(again).toMatchObject({ id: job.id, attempt: 1, doneSteps: ["record-intent"] });
  });

  test("a retry waits for its time; `retry` does not", async () => {
    await applyCatalog(store, files("team-a", 1));
    const job = await claimOne(store);
    const failure = { code: "LK5002", message: "m", remedy: "r", step: "install", attempt: 1, at: "", retryAt: null };
    await store.finish(job, { kind: "retry", failure, retryAt: new Date(Date.now() + 3_600_000) });
    expect(await claimAll(store)).toHaveLength(0);
    expect(await store.nextRunIn()).toBeGreaterThan(3_500_000);
    expect(await store.retry("team-a-0", "octocat")).toEqual({ job: "provision" });
    expect(await claimOne(store)).toMatchObject({ attempt: 2, doneSteps: [] });
  });

  test("a spec that moved on while the lab was made is carried over after", async () => {
    await applyCatalog(store, files("team-a", 1));
    const job = await claimOne(store);
    await applyCatalog(store, [aLabFile("team-a-0", { spec: { workers: 3 } })]);
    await store.recordIntent(job, {});
    await store.finish(job, { kind: "provisioned", outputs: {} });
    expect(await claimOne(store)).toMatchObject({ kind: "update", lab: { spec: { workers: 3 } } });
  });

  test("a lab that is given up drops the update behind it", async () => {
    await applyCatalog(store, files("team-a", 1));
    const job = await claimOne(store);
    await applyCatalog(store, [aLabFile("team-a-0", { spec: { workers: 3 } })]);
    const failure = { code: "LK5003", message: "m", remedy: "r", step: "install", attempt: 1, at: "", retryAt: null };
    await store.finish(job, { kind: "dead", failure, timedOut: false });
    expect(await store.outstanding()).toBe(0);
    expect((await store.lab("team-a-0"))?.lab).toMatchObject({
      state: "failed_permanent",
      failure: { code: "LK5003" },
    });
  });
});

test("a worker is woken within moments of the commit that queues work", async () => {
  let woken = 0;
  await using _listening = await store.onWork(() => {
    woken += 1;
  });
  const before = woken;
  await applyCatalog(store, files("team-a", 1));
  await expect.poll(() => woken, { interval: 5, timeout: 5_000 }).toBeGreaterThan(before);
});

test("listening survives a lost connection", async () => {
  let woken = 0;
  await using _listening = await store.onWork(() => {
    woken += 1;
  });
  await raw.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'labkeeper-listen' and datname = current_database()",
  );
  await expect.poll(() => woken, { interval: 20, timeout: 10_000 }).toBeGreaterThanOrEqual(2);
  const before = woken;
  await applyCatalog(store, files("team-a", 1));
  await expect.poll(() => woken, { interval: 5, timeout: 5_000 }).toBeGreaterThan(before);
});
