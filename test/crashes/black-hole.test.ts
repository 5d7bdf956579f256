/** Connections whose packets are swallowed without a word, while new ones work: what a firewall does that forgot a session. */

import { sql } from "kysely";
import { expect, test } from "vitest";
import { LabkeeperError } from "../../src/errors.ts";
import { asLeader } from "../../src/leadership.ts";
import { connect } from "../../src/store/connection.ts";
import { openStore } from "../../src/store/open.ts";
import { lab } from "../promises/files.ts";
import { world } from "../promises/world.ts";
import { door } from "./proxy.ts";

const TIME = { timeout: 180_000 };
const PATIENT = { timeout: 90_000, interval: 50 };
const QUICK = { queryMs: 1_500, connectMs: 5_000 };
const clock = { now: () => new Date(), monotonic: () => performance.now() };

test("a worker keeps its leases, loses no job and goes on claiming", TIME, async () => {
  await using w = await world();
  await using way = await door(w.database.connection);
  await using store = await openStore(way.connection, { max: 6, leaseDeadlines: QUICK });
  let stopped = 0;
  let done = (): void => undefined;
  const wait = new Promise<void>((resolve) => {
    done = resolve;
  });
  const begun: string[] = [];
  w.interfere.install = async (...call) => {
    const [{ name }, , { signal }] = call;
    begun.push(name);
    signal.addEventListener("abort", () => {
      stopped += 1;
    });
    if (name === "long") await wait;
    if (signal.aborted) throw new LabkeeperError("LK5009", "stopped");
    return await w.real.install(...call);
  };
  w.commit(lab("long"));
  await w.reconcile();
  const order = { leaseSeconds: 30, heartbeatSeconds: 3, concurrency: 2, pollMs: 100, store, name: "cut-off" };
  const worker = await w.worker(order);
  try {
    await expect.poll(() => begun, PATIENT).toEqual(["long"]);
    const held = "select expires_at, token from leases where resource like 'lab:%'";
    const [before] = await w.sql<{ expires_at: Date; token: string }>(held);
    expect(way.swallow()).toBeGreaterThan(0);

    // It takes up what is new, on a new connection.
    w.commit(lab("short"));
    await w.reconcile();
    await expect.poll(() => w.states(), PATIENT).toMatchObject({ short: "ready" });
    // And it renews the lease that it held.
    const renewed = `select 1 from leases where token = $1 and expires_at > $2::timestamptz + interval '6 seconds'`;
    await expect.poll(async () => (await w.sql(renewed, [before?.token, before?.expires_at])).length, PATIENT).toBe(1);
    done();
    await expect.poll(() => w.states(), PATIENT).toEqual({ long: "ready", short: "ready" });
  } finally {
    done();
    await worker.stop();
  }
  expect({ begun, stopped }).toEqual({ begun: ["long", "short"], stopped: 0 });
  expect(await w.sql("select distinct state, attempt, recoveries from jobs")).toEqual([
    { state: "succeeded", attempt: 1, recoveries: 0 },
  ]);
  // What it complained of is the silence, and nothing else.
  for (const error of w.errors) expect(error).toMatchObject({ code: "LK4001" });
});

test("who leads goes on leading", TIME, async () => {
  await using w = await world();
  await using way = await door(w.database.connection);
  await using store = await openStore(way.connection, { max: 4, leaseDeadlines: QUICK });
  const ends = async (): Promise<number> =>
    Number(
      (
        await w.sql<{ at: string }>(
          "select extract(epoch from expires_at) as at from leases where resource = 'janitor'",
        )
      )[0]?.at,
    );
  await asLeader({ store, clock, holder: "cut-off", resource: "janitor", leaseSeconds: 16 }, async (_, signal) => {
    const first = await ends();
    expect(way.swallow()).toBeGreaterThan(0);
    await expect.poll(ends, PATIENT).toBeGreaterThan(first + 3);
    expect(signal.aborted).toBe(false);
  });
});

test(
  "a transaction that nobody hears of any more gives up its locks, so that leases can be renewed",
  TIME,
  async () => {
    await using w = await world();
    await using way = await door(w.database.connection);
    const lease = await w.store.acquire("lab:x", "worker", 60);
    if (lease === null) throw new Error("nobody has it");
    const { db, close } = connect(way.connection, { max: 1, deadlines: { queryMs: 2_000, connectMs: 5_000 } });
    try {
      const transaction = db.transaction().execute(async (tx) => {
        await sql`select 1 from leases where resource = 'lab:x' for share`.execute(tx);
        way.swallow();
        await sql`select 1`.execute(tx);
      });
      await expect(transaction).rejects.toThrow(/read timeout/);
      await expect.poll(() => w.store.renew([lease], 60).catch(() => []), PATIENT).toEqual([lease]);
      // The connection is not used again, though the pool has room for one alone.
      expect((await sql<{ n: number }>`select 1 as n`.execute(db)).rows).toEqual([{ n: 1 }]);
    } finally {
      await close();
    }
  },
);
