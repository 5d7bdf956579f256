/** A database that cannot be reached for longer than a lease: nobody acts on a lab that may be another's by then. */

import { describe, expect, test } from "vitest";
import { LabkeeperError } from "../../src/errors.ts";
import { openStore } from "../../src/store/open.ts";
import { lab } from "../promises/files.ts";
import { type World, world } from "../promises/world.ts";
import { door } from "./proxy.ts";

const TIME = { timeout: 120_000 };
const PATIENT = { timeout: 60_000, interval: 20 };
const SHORT = { leaseSeconds: 6, heartbeatSeconds: 1, concurrency: 1, pollMs: 50 };

/** Installs that go on until they are stopped, unless `quick`; tells how much of the lease was left when one was stopped. */
function watched(w: World) {
  const told = { begun: 0, stopped: 0, quick: false, left: [] as number[] };
  w.interfere.install = async (...call) => {
    told.begun += 1;
    if (told.quick) return await w.real.install(...call);
    const [, , { signal }] = call;
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    told.stopped += 1;
    // Asked past the door, of the clock that counts.
    const [lease] = await w.sql<{ left: number }>(
      "select extract(epoch from expires_at - clock_timestamp())::float8 as left from leases where resource like 'lab:%'",
    );
    told.left.push(lease?.left ?? 0);
    throw new LabkeeperError("LK5009", "stopped");
  };
  return told;
}

describe.each(["silent", "closed"] as const)("a database behind a door that is %s", (how) => {
  test("makes the worker stop before its lease is over, and go on when it is back", TIME, async () => {
    await using w = await world();
    await using way = await door(w.database.connection);
    await using store = await openStore(way.connection, { max: 6 });
    const told = watched(w);
    w.commit(lab("one"));
    await w.reconcile();
    const worker = await w.worker({ ...SHORT, store, name: "cut-off" });
    try {
      await expect.poll(() => told.begun, PATIENT).toBe(1);
      way.shut(how);
      await expect.poll(() => told.left.length, PATIENT).toBe(1);
      expect(told.left[0]).toBeGreaterThan(0);
      // Nothing is begun while nobody can say whose the lab is.
      const end = "select 1 from leases where resource like 'lab:%' and expires_at < clock_timestamp()";
      await expect.poll(async () => (await w.sql(end)).length, PATIENT).toBe(1);
      expect(told).toMatchObject({ begun: 1, stopped: 1 });
      expect(await w.states()).toEqual({ one: "provisioning" });

      told.quick = true;
      way.open();
      await expect.poll(() => w.states(), PATIENT).toEqual({ one: "ready" });
    } finally {
      way.open();
      await worker.stop();
    }
    expect(await w.sql("select state, attempt from jobs")).toEqual([{ state: "succeeded", attempt: 1 }]);
  });
});

test("a claim that is answered when its lease is nearly over is not acted on, but handed back", TIME, async () => {
  await using w = await world();
  const told = watched(w);
  told.quick = true;
  w.commit(lab("one"));
  await w.reconcile();
  let monotonic = 0;
  const clock = { now: () => new Date(), monotonic: () => performance.now() + monotonic };
  const tokens: number[] = [];
  const store: World["store"] = {
    ...w.store,
    claim: async (request) => {
      const jobs = await w.store.claim(request);
      // By this host's clock the first answer took 59 of its 60 seconds.
      if (jobs.length > 0 && tokens.length === 0) monotonic = 59_000;
      tokens.push(...jobs.map(({ lease }) => lease.token));
      return jobs;
    },
  };
  const worker = await w.worker({ ...SHORT, leaseSeconds: 60, heartbeatSeconds: 2, store, clock });
  try {
    await expect.poll(() => w.states(), PATIENT).toEqual({ one: "ready" });
  } finally {
    await worker.stop();
  }
  expect(tokens).toHaveLength(2);
  const written = await w.sql<{ token: string }>("select distinct token from job_steps");
  expect(written.map(({ token }) => Number(token))).toEqual([tokens[1]]);
  expect((await w.events("one")).map(({ type }) => type)).toContain("provision.released");
  expect(await w.sql("select attempt, recoveries from jobs")).toEqual([{ attempt: 1, recoveries: 0 }]);
});
