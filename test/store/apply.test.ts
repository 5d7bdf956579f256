/** What applying a plan records, beyond what claims and comparisons show. */

import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Plan } from "../../src/core/types.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { aLabFile, commitNumber, planOf, wholeCatalog } from "../fixtures.ts";
import { applyCatalog, claimOne, leader, makeReady } from "./seed.ts";

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

const types = async (lab: string): Promise<string[]> => (await store.events(lab)).map(({ type }) => type);
const hold = (plan: Plan): Plan => ({
  ...plan,
  changes: plan.changes.map((change) => ({
    ...change,
    held: { hold: `hold-${change.lab}`, guard: "freeze-window", message: "m", release: "r", approvable: true },
  })),
});

describe("expiry", () => {
  test("is warned of once, and anew after the time was raised", async () => {
    await applyCatalog(store, [aLabFile("a", { spec: { ttlHours: 24 } })]);
    await makeReady(store);
    const near = new Date(Date.now() + 23 * 3_600_000);
    const warnings = async () => (await types("a")).filter((type) => type === "lab.expiring").length;
    await applyCatalog(store, [aLabFile("a", { spec: { ttlHours: 24 } })]);
    expect(await warnings()).toBe(0);
    for (let cycle = 0; cycle < 2; cycle += 1)
      await applyCatalog(store, [aLabFile("a", { spec: { ttlHours: 24 } })], { now: near });
    expect(await warnings()).toBe(1);
    const raised = [aLabFile("a", { spec: { ttlHours: 48 } })];
    await applyCatalog(store, raised, { now: near });
    await applyCatalog(store, raised, { now: new Date(near.getTime() + 24 * 3_600_000) });
    expect(await warnings()).toBe(2);
  });

  test("of a lab that was given up before it was ready comes from its creation", async () => {
    await applyCatalog(store, [aLabFile("a", { spec: { ttlHours: 24 } })]);
    const job = await claimOne(store);
    const failure = { code: "LK5003", message: "m", remedy: "r", step: null, attempt: 1, at: "", retryAt: null };
    await store.finish(job, { kind: "dead", failure, timedOut: false });
    const files = [aLabFile("a", { spec: { ttlHours: 24 } })];
    expect((await applyCatalog(store, files)).plan.summary.destroy).toBe(0);
    const later = new Date(Date.now() + 25 * 3_600_000);
    expect(
      (await applyCatalog(store, { ...wholeCatalog([]), complete: false }, { now: later })).plan.summary.destroy,
    ).toBe(1);
    expect(await claimOne(store)).toMatchObject({ kind: "destroy", cause: { kind: "expired" } });
  });
});

describe("holds", () => {
  test("one hold for one change, however many cycles; approved, used, and told", async () => {
    for (let cycle = 0; cycle < 3; cycle += 1) await applyCatalog(store, [aLabFile("a")], { hold });
    expect(await store.holds()).toMatchObject([{ id: "hold-a", state: "open", lab: "a" }]);
    await store.approve("hold-a", "octocat");
    await applyCatalog(store, [aLabFile("a")]);
    expect(await store.holds()).toEqual([]);
    expect(new Set(await types("a"))).toEqual(new Set(["hold.opened", "hold.approved", "lab.created", "hold.used"]));
  });

  test("a hold whose change is no longer wanted is withdrawn, and opens anew when it is wanted again", async () => {
    await applyCatalog(store, [aLabFile("a")], { hold });
    await applyCatalog(store, []);
    expect(await store.holds()).toEqual([]);
    await expect(store.approve("hold-a", "octocat")).rejects.toMatchObject({ code: "LK3002" });
    await applyCatalog(store, [aLabFile("a")], { hold });
    expect(await store.holds()).toMatchObject([{ id: "hold-a", state: "open" }]);
  });

  test("what only the catalog can release cannot be approved", async () => {
    const firm = (plan: Plan): Plan => ({
      ...hold(plan),
      changes: hold(plan).changes.map((change) => ({
        ...change,
        held: change.held && { ...change.held, approvable: false },
      })),
    });
    await applyCatalog(store, [aLabFile("a")], { hold: firm });
    await expect(store.approve("hold-a", "octocat")).rejects.toMatchObject({ code: "LK3003", remedy: "r" });
    await expect(store.approve("hold-none", "octocat")).rejects.toMatchObject({ code: "LK3002" });
  });
});

describe("a plan that came too late", () => {
  test("is refused when another revision was recorded meanwhile", async () => {
    await applyCatalog(store, wholeCatalog([aLabFile("a")], commitNumber(1)));
    const lease = await leader(store);
    const stale = store.apply(
      {
        plan: {
          commit: commitNumber(2),
          previousCommit: null,
          hash: "h",
          changes: [],
          problems: [],
          summary: { create: 0, update: 0, destroy: 0, keep: 0, held: 0, problems: 0 },
        },
        desired: wholeCatalog([], commitNumber(2)),
        previous: null,
        trustedCommit: commitNumber(2),
        teams: [],
        now: new Date(),
        correlationId: crypto.randomUUID(),
      },
      lease,
    );
    await expect(stale).rejects.toMatchObject({ code: "LK3005" });
    expect((await raw.query("select name from desired_labs")).rows).toEqual([{ name: "a" }]);
  });

  test("skips a lab that moved on, and the next cycle takes it", async () => {
    await applyCatalog(store, [aLabFile("a")]);
    await makeReady(store);
    const { comparisons } = await store.compare(wholeCatalog([]), new Date(), 24);
    await raw.query("update labs set resource_version = 0");
    const lease = await leader(store);
    const applied = await store.apply(
      {
        plan: planOf(comparisons),
        desired: wholeCatalog([]),
        previous: await store.revision(),
        trustedCommit: commitNumber(1),
        teams: [],
        now: new Date(),
        correlationId: crypto.randomUUID(),
      },
      lease,
    );
    await store.release(lease);
    expect(applied).toEqual({ enqueued: 0, skipped: ["a"] });
    expect((await applyCatalog(store, [])).enqueued).toBe(1);
  });

  test("is refused under a lease that was lost", async () => {
    const lease = await leader(store);
    await raw.query("update leases set token = token + 1");
    const application = {
      plan: planOf([]),
      desired: wholeCatalog([]),
      previous: null,
      trustedCommit: commitNumber(1),
      teams: [],
      now: new Date(),
      correlationId: crypto.randomUUID(),
    };
    await expect(store.apply(application, lease)).rejects.toMatchObject({ code: "LK4004" });
    expect(await store.revision()).toBeNull();
  });
});

test("text that jsonb refuses reaches the database mended, not as an exception", async () => {
  const file = aLabFile("a");
  const broken = {
    ...file,
    document: null,
    digest: null,
    problems: [{ path: file.path, line: 1, column: 1, code: "LK2003", message: "has \u0000 and \ud800", remedy: "r" }],
  };
  await applyCatalog(store, [broken]);
  expect(await store.problems()).toMatchObject([{ problems: [{ message: "has \ufffd and \ufffd" }] }]);
});
