/** Reservations, receipts that are checked again, and orphans: what Postgres keeps for the clouds. */

import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CloudResource, DueCheck, OrphanFinding } from "../../src/cloud-ports.ts";
import type { Observation } from "../../src/core/types.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { aLabFile } from "../fixtures.ts";
import { absences, applyCatalog, asJanitor, claimAll, claimOne, leader } from "./seed.ts";

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

const HOUR = 3_600_000;
const vcpu = (need: number, used = 0) => ({ scope: "aws/1/us-east-1", resource: "vCPU", need, limit: 32, used });
const reserved = async (): Promise<number> =>
  Number((await raw.query<{ n: string }>("select coalesce(sum(amount), 0) as n from reservations")).rows[0]?.n);

describe("reservations", () => {
  test("two labs that each fit but not together do not both start", async () => {
    await applyCatalog(store, [aLabFile("a"), aLabFile("b"), aLabFile("c")]);
    const jobs = await claimAll(store);
    const tries = await Promise.allSettled(jobs.map((job) => store.reserve(job, [vcpu(20)])));
    expect(tries.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected", "rejected"]);
    expect(tries.find(({ status }) => status === "rejected")).toMatchObject({
      reason: { code: "LK4008", disposition: "wait" },
    });
    expect(await reserved()).toBe(20);
  });

  test("all of a lab's needs or none; asked again, they replace themselves", async () => {
    await applyCatalog(store, [aLabFile("a")]);
    const job = await claimOne(store);
    const vpc = { scope: "aws/1/us-east-1", resource: "VPC", need: 1, limit: 5, used: 5 };
    await expect(store.reserve(job, [vcpu(12), vpc])).rejects.toMatchObject({ code: "LK4008" });
    expect(await reserved()).toBe(0);
    await store.reserve(job, [vcpu(12)]);
    await store.reserve(job, [vcpu(24)]);
    expect(await reserved()).toBe(24);
  });

  test("end when the cloud counts the lab itself, or nothing is left of it", async () => {
    await applyCatalog(store, [aLabFile("a"), aLabFile("b")]);
    const [first, second] = await claimAll(store);
    if (!first || !second) throw new Error("two jobs");
    await store.reserve(first, [vcpu(10)]);
    await store.reserve(second, [vcpu(10)]);
    await store.recordIntent(first, {});
    await store.finish(first, { kind: "provisioned", outputs: {} });
    expect(await reserved()).toBe(10);
    await store.cancel(second.lab.name, "octocat");
    await store.finish(second, { kind: "cancelled" });
    const destroy = await claimOne(store);
    await store.finish(destroy, { kind: "destroyed", receipt: absences() });
    expect(await reserved()).toBe(0);
  });

  test("need the lab's lease", async () => {
    await applyCatalog(store, [aLabFile("a")]);
    const job = await claimOne(store);
    await raw.query("update leases set token = token + 1");
    await expect(store.reserve(job, [vcpu(1)])).rejects.toMatchObject({ code: "LK4004" });
  });
});

describe("receipts are checked again", () => {
  const destroyed = async (): Promise<void> => {
    await applyCatalog(store, [aLabFile("a")]);
    const provision = await claimOne(store);
    await store.recordIntent(provision, { infraId: "a-1" });
    await store.finish(provision, { kind: "provisioned", outputs: {} });
    await applyCatalog(store, []);
    await store.finish(await claimOne(store), { kind: "destroyed", receipt: absences() });
  };
  const record = (check: DueCheck, seen: Observation, now = new Date()) =>
    asJanitor(store, (lease) => store.recordCheck(check, seen, now, lease));
  const due = async (hours: number) => store.dueChecks(new Date(Date.now() + hours * HOUR), 10);

  test("after a day and after a week, and confirmed once each", async () => {
    await destroyed();
    expect(await due(23)).toHaveLength(0);
    const [check] = await due(25);
    if (!check) throw new Error("a check is due");
    for (let i = 0; i < 2; i += 1) await record(check, { verdict: "absent", evidence: ["nothing"] });
    expect(await due(25)).toHaveLength(0);
    expect(await due(24 * 8)).toHaveLength(1);
    expect((await store.events("a")).filter(({ type }) => type === "receipt.confirmed")).toHaveLength(1);
  });

  test.each([
    { verdict: "absent", evidence: [] },
    { verdict: "present", evidence: [] },
    { verdict: "unknown", reason: "throttled" },
  ] satisfies Observation[])(
    "and what a janitor saw that lost its lease meanwhile counts for nothing: $verdict",
    async (seen) => {
      await destroyed();
      const [check] = await due(25);
      if (!check) throw new Error("a check is due");
      const old = await leader(store, "janitor");
      await store.release(old);
      await asJanitor(store, () =>
        expect(store.recordCheck(check, seen, new Date(), old)).rejects.toMatchObject({ code: "LK4004" }),
      );
      expect(await due(25)).toEqual([check]);
      expect((await store.lab("a"))?.lab.state).toBe("destroyed");
    },
  );

  test("what could not be seen is looked at again, not confirmed", async () => {
    await destroyed();
    const [check] = await due(25);
    if (!check) throw new Error("a check is due");
    const then = new Date(Date.now() + 25 * HOUR);
    await record(check, { verdict: "unknown", reason: "throttled" }, then);
    expect(await store.dueChecks(then, 10)).toHaveLength(0);
    expect(await due(27)).toHaveLength(1);
  });

  test("residue reopens the lab under its own row, beside a newer one of the same name", async () => {
    await destroyed();
    await applyCatalog(store, [aLabFile("a")]);
    const newer = await claimOne(store);
    await store.recordIntent(newer, { infraId: "a-2" });
    await store.finish(newer, { kind: "provisioned", outputs: {} });
    const [check] = await due(25);
    if (!check) throw new Error("a check is due");
    await record(check, { verdict: "present", evidence: ["arn:aws:ec2:…:volume/vol-1"] });
    const again = await claimOne(store);
    expect(again).toMatchObject({ kind: "destroy", lab: { state: "destroying", intent: { infraId: "a-1" } } });
    await expect(
      raw.query("update labs set state = 'destroyed', fence = $2 where id = $1", [again.lab.id, again.lease.token]),
    ).rejects.toMatchObject({
      constraint: "destroyed_has_receipt",
    });
    await store.finish(again, { kind: "destroyed", receipt: absences() });
    expect((await store.lab("a"))?.lab).toMatchObject({ state: "ready", intent: { infraId: "a-2" } });
    expect((await store.events("a")).map(({ type }) => type)).toContain("lab.residue");
  });
});

test("a lab that was begun anew is known by its earlier clusters too", async () => {
  await applyCatalog(store, [aLabFile("a")]);
  const job = await claimOne(store);
  const names = { clusterName: "a", baseDomain: "labs.example.com", account: "sandbox" };
  expect(await store.knownLabs()).toMatchObject([{ name: "a", live: true, infraId: null, cluster: null }]);
  await store.recordIntent(job, { ...names, infraId: "a-2", former: [{ infraId: "a-1" }] });
  expect((await store.knownLabs()).map(({ cluster }) => cluster)).toEqual([names, names]);
  expect((await store.knownLabs()).map(({ name, infraId }) => [name, infraId])).toEqual([
    ["a", "a-1"],
    ["a", "a-2"],
  ]);
});

describe("orphans", () => {
  const resource = (id: string, region = "us-east-1"): CloudResource => ({
    id,
    type: "ec2:volume",
    account: "1",
    region,
    infraId: "gone-1",
    labId: null,
    createdAt: new Date(0),
    dailyCost: 0.5,
  });
  const finding = (id: string, region?: string): OrphanFinding => ({
    resource: resource(id, region),
    why: "lab is unknown",
    lab: null,
  });
  const open = async (): Promise<string[]> => (await store.orphans(false)).map(({ resource: { id } }) => id);
  const record = (findings: readonly OrphanFinding[], unseen: readonly string[] = []) =>
    asJanitor(store, (lease) => store.recordSweep(findings, unseen, new Date(), lease));

  test("are told once, and gone only where everything was seen", async () => {
    expect(await record([finding("v1"), finding("v2", "eu-west-1")])).toEqual({ opened: 2 });
    expect(await record([finding("v1"), finding("v2", "eu-west-1")])).toEqual({ opened: 0 });
    await record([], ["1/eu-west-1"]);
    expect(await open()).toEqual(["v2"]);
    await record([]);
    expect(await open()).toEqual([]);
  });

  test("are not told, and not gone, by a janitor that lost its lease", async () => {
    await record([finding("v1")]);
    const old = await leader(store, "janitor");
    await store.release(old);
    for (const findings of [[], [finding("v2")]]) {
      await expect(store.recordSweep(findings, [], new Date(), old)).rejects.toMatchObject({ code: "LK4004" });
    }
    expect(await open()).toEqual(["v1"]);
  });

  test("ignored ones stay ignored, and a decision has a name", async () => {
    await record([finding("v1")]);
    expect(await store.decideOrphan("v1", "ignored", "octocat")).toMatchObject({ resource: { id: "v1" } });
    await record([finding("v1")]);
    expect(await open()).toEqual([]);
    await expect(store.decideOrphan("v9", "destroyed", "octocat")).rejects.toMatchObject({ code: "LK3006" });
    await expect(raw.query("update orphans set decided_by = null")).rejects.toMatchObject({ code: "23514" });
  });
});
