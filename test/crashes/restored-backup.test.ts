/**
 * An older backup is restored: the records are behind the world. What they do not know and a file asks for is adopted after
 * proof; what no file asks for is told, never destroyed.
 */

import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { LabkeeperError } from "../../src/errors.ts";
import type { Worker } from "../../src/worker.ts";
import { gone, lab, labs, profileFile } from "../promises/files.ts";
import { type World, world } from "../promises/world.ts";
import {
  backUp,
  expectWhole,
  infraIdsOf,
  journalSince,
  orphansOf,
  restore,
  restoredWorld,
  STAYS,
  sweptBy,
  tagsOf,
} from "./backup.ts";

test("labs of both are recognised, labs of the world alone are adopted or orphans, and none of either is destroyed", async () => {
  await using w = await world();
  await w.turn(labs(["kept", "edited", "destroyed-since"]));
  const kept = await infraIdsOf(w, "kept");
  const edited = await infraIdsOf(w, "edited");
  const tables = await backUp(w);

  await w.turn({ ...labs(["made-since", "gone-since"]), ...lab("edited", { spec: { workers: 4 } }) });
  await w.turn(gone("destroyed-since"));
  // Made since the backup, and its file went since: nobody but the cloud and the artifacts knows of it any more.
  w.weather = { permanentFailureRate: { destroy: 1 } };
  await w.turn(gone("gone-since"));
  w.weather = {};
  const [since, lost] = [await infraIdsOf(w, "made-since"), await infraIdsOf(w, "gone-since")];
  expect([since.length, lost.length]).toEqual([1, 1]);
  const { id } = await w.lab("made-since");
  await restore(w, tables);
  expect(await w.states()).toEqual({ "destroyed-since": "ready", edited: "ready", kept: "ready" });

  // First of all the janitor tells what nobody answers for, with a catalog that makes nothing yet.
  const told = await sweptBy(w);
  expect(told.orphans.map(({ resource, lab: of }) => [resource.infraId, of]).sort()).toEqual([
    [lost[0], "gone-since"],
    [since[0], "made-since"],
  ]);
  expect(told.residue).toEqual([]);

  const before = (await w.cloud.journal()).length;
  await w.turn();
  await w.work();
  expect((await journalSince(w, before)).filter((what) => /deleted|creating/.test(what))).toEqual([]);
  expect(await infraIdsOf(w, "kept")).toEqual(kept);
  expect(await infraIdsOf(w, "edited")).toEqual(edited);
  expect((await w.cloud.clusters()).find(({ name }) => name === "edited")).toMatchObject({ workers: 4 });
  // The cluster that the records forgot is on record again, as the same lab; the one without a file is still told.
  expect(await infraIdsOf(w, "made-since")).toEqual(since);
  expect((await w.lab("made-since")).id).toBe(id);
  for (const name of ["kept", "edited", "made-since"]) await expectWhole(w, name);
  expect(await orphansOf(w)).toEqual([{ infraId: lost[0], lab: "gone-since" }]);
  // What was destroyed since is taken for live until its file's absence is seen; then two looks prove it gone.
  expect(await w.detail("destroyed-since")).toMatchObject({
    lab: { state: "destroyed", destroyCause: { kind: "commit" } },
    receipt: expect.anything(),
  });
  expect(w.errors).toEqual([]);
});

test("a worker that outlived the restore can write to no lab of the restored records", async () => {
  await using w = await world();
  await w.turn(lab("one"));
  const tables = await backUp(w);
  w.commit(lab("one", { spec: { workers: 3 } }));
  await w.reconcile();
  const limits = { jobs: 9, creates: 9, createsPerTeam: 9, createsPerAccountRegion: 9 };
  const [job] = await w.store.claim({ worker: "survivor", slots: 1, destroySlots: 0, leaseSeconds: 60, limits });
  if (job === undefined) throw new Error("nothing was claimed");
  await restore(w, tables);
  const before = await w.dump();
  for (const late of [
    () => w.store.beginStep(job, "apply", null),
    () => w.store.recordIntent(job, { infraID: "other-aaaaa" }),
    () => w.store.finish(job, { kind: "updated", outputs: {} }),
    () => w.store.finish(job, { kind: "released" }),
  ])
    await expect(late()).rejects.toMatchObject({ code: "LK4004" });
  expect(await w.store.renew([job.lease], 60)).toEqual([]);
  expect(await w.dump()).toBe(before);
  await w.turn();
  expect((await w.cloud.clusters())[0]).toMatchObject({ workers: 3 });
});

describe("a lab that was made since the backup", () => {
  test("is planned as an adoption, the same in a dry run, and explained by its event", async () => {
    await using w = await restoredWorld((it) => it.turn(lab("one")));
    const [infraId] = await infraIdsOf(w, "one");
    const id = (await tagsOf(w)).get(infraId ?? "");
    const dry = await w.dryRun();
    const real = await w.reconcile();
    expect(dry.plan).toEqual(real.plan);
    expect(real.plan.changes).toMatchObject([
      { lab: "one", action: "create", held: null, reason: expect.stringContaining(`adopts lab ${id}`) },
    ]);
    expect(real.plan.summary).toMatchObject({ create: 1 });
    await w.work();
    await expectWhole(w, "one");
    const events = await w.events("one");
    expect(events[0]).toMatchObject({
      type: "lab.adopted",
      actor: "reconciler",
      cause: { kind: "commit", path: "labs/team-a/one.yaml" },
      payload: { state: "pending", intent: { infraID: infraId } },
    });
    expect(events.map(({ type }) => type)).not.toContain("lab.created");
    expect((await w.reconcile()).plan.changes).toEqual([]);
  });

  test("and was edited and moved to another team since is the same lab, and then gets the edit", async () => {
    await using w = await world();
    await w.turn();
    const tables = await backUp(w);
    await w.turn(lab("one", { spec: { workers: 1 } }));
    const made = await w.lab("one");
    await w.turn({ ...gone("one"), ...lab("one", { team: "team-b", spec: { workers: 3 } }) });
    await restore(w, tables);
    const before = (await w.cloud.journal()).length;
    await w.turn();
    expect(await w.lab("one")).toMatchObject({
      id: made.id,
      team: "team-a",
      spec: { workers: 1 },
      policy: made.policy,
    });
    await w.turn();
    expect(await w.lab("one")).toMatchObject({
      id: made.id,
      team: "team-b",
      spec: { workers: 3 },
      policy: made.policy,
    });
    await expectWhole(w, "one");
    expect(await journalSince(w, before)).toEqual(["one created", "one updated"]);
  });

  test("has its hours from its making on, and never less than its warning", async () => {
    await using w = await restoredWorld((it) => it.turn({ ...lab("young"), ...lab("old", { spec: { ttlHours: 1 } }) }));
    const made = Date.now();
    w.later(20);
    await w.reconcile();
    const [young, old] = [await w.lab("young"), await w.lab("old")];
    expect(Math.abs((young.expiresAt?.getTime() ?? 0) - (made + 24 * 3_600_000))).toBeLessThan(120_000);
    expect(young.createdAt.getTime()).toBeLessThanOrEqual(made);
    expect(Math.abs((old.expiresAt?.getTime() ?? 0) - (made + 22 * 3_600_000))).toBeLessThan(120_000);
    await w.work();
    expect((await w.lab("young")).expiresAt).toEqual(young.expiresAt);
    w.later(3);
    await w.turn();
    expect(await w.lab("old")).toMatchObject({ state: "destroyed", destroyCause: { kind: "expired" } });
    await expectWhole(w, "young");
  });

  test("was destroyed since, and its file is back: one cluster, made anew", async () => {
    await using w = await restoredWorld(async (it) => {
      await it.turn({ ...lab("one"), ...STAYS });
      await it.turn(gone("one"));
      await it.turn(lab("one", { spec: { workers: 2 } }));
    });
    const [infraId] = await infraIdsOf(w, "one");
    await w.turn();
    expect(await infraIdsOf(w, "one")).toEqual([infraId]);
    await expectWhole(w, "one");
    expect((await w.lab("one")).spec.workers).toBe(2);
  });

  test("that could not be forgotten when it was destroyed is looked for, and made", async () => {
    await using w = await world();
    await w.turn(STAYS);
    const tables = await backUp(w);
    await w.turn(lab("one"));
    const { id } = await w.lab("one");
    const whole = w.artifacts;
    w.artifacts = { ...whole, remove: () => Promise.reject(new LabkeeperError("LK6001", "full")) };
    await w.turn(gone("one"));
    expect(await w.lab("one")).toMatchObject({ state: "destroyed" });
    w.artifacts = whole;
    // Records that know the lab take it for what it is.
    await w.turn(lab("one"));
    expect((await w.lab("one")).id).not.toBe(id);
    await w.turn(gone("one"));
    await restore(w, tables);
    await w.turn(lab("one"));
    expect((await w.lab("one")).id).toBe(id);
    await expectWhole(w, "one");
  });

  test("keeps what its file may not ask of a new lab any more, whatever the profile says by now", async () => {
    const retired = { "profiles/old.yaml": profileFile("old"), ...lab("one", { spec: { profile: "old" } }) };
    await using w = await restoredWorld(async (it) => {
      await it.turn(retired);
      await it.turn({ "profiles/old.yaml": profileFile("old", { enabled: false }) });
    });
    const { plan } = await w.turn();
    expect(plan).toMatchObject({
      changes: [{ lab: "one", reason: expect.stringContaining("adopts"), action: "create" }],
      summary: { create: 1, keep: 0 },
    });
    expect(await w.lab("one")).toMatchObject({ policy: { name: "old" } });
    await expectWhole(w, "one");
    // Without a lab to adopt it goes on being refused.
    const refused = await w.turn(lab("two", { spec: { profile: "old" } }));
    expect(refused.plan.changes).toMatchObject([{ lab: "two", action: "keep" }]);
  });

  test("is adopted with all the others when there is no backup at all", async () => {
    await using w = await world();
    const nothing = await backUp(w);
    await w.turn(labs(["one", "two", "three"]));
    await w.turn({ ...gone("two"), ...lab("three", { spec: { workers: 2 } }) });
    const before = (await w.cloud.clusters()).map(({ infraID }) => infraID);
    await restore(w, nothing);
    await w.turn();
    await w.turn();
    expect((await w.cloud.clusters()).map(({ infraID }) => infraID)).toEqual(before);
    for (const name of ["one", "three"]) await expectWhole(w, name);
    expect(await w.existing()).toEqual(["one", "three"]);
  });

  test("and never was more than begun goes on as what it is", async () => {
    await using w = await restoredWorld(async (it) => {
      it.weather = { failureRate: { install: 1 } };
      await it.turn(lab("one"));
      it.weather = {};
    });
    expect(await w.existing()).toEqual(["one*"]);
    await w.turn();
    await expectWhole(w, "one");
  });
});

describe("a lab that the backup has without what it was made by", () => {
  /** Backed up between the plan and the first step: its row is there, its intent is not. */
  async function begun(): Promise<World> {
    const w = await world();
    await w.turn(STAYS);
    w.commit(lab("one"));
    await w.reconcile();
    const tables = await backUp(w);
    await w.work();
    await restore(w, tables);
    // Another one than the first time, as every real provisioner says.
    w.interfere.prepare = async () => ({ infraID: "one-other", platform: "simulated", tags: {} });
    expect(await w.lab("one")).toMatchObject({ state: "pending", intent: null });
    return w;
  }

  test("is gone on with, not made beside what exists", async () => {
    await using w = await begun();
    const [infraId] = await infraIdsOf(w, "one");
    await w.work();
    expect(await infraIdsOf(w, "one")).toEqual([infraId]);
    await expectWhole(w, "one");
  });

  test("is destroyed with what exists, not called destroyed beside it", async () => {
    await using w = await begun();
    const whole = w.artifacts;
    w.artifacts = { ...whole, list: () => Promise.reject(new LabkeeperError("LK6001", "not mounted")) };
    await w.turn(gone("one"));
    // What cannot be read was not never made.
    expect(await w.lab("one")).toMatchObject({ state: "destroy_failed", failure: { code: "LK6001" } });
    expect(await w.existing()).toEqual(["one", "stays"]);
    w.artifacts = whole;
    await w.hurry();
    await w.work();
    expect(await w.lab("one")).toMatchObject({ state: "destroyed" });
    expect(await w.existing()).toEqual(["stays"]);
  });

  test("or with one that was replaced since goes on from the latest", async () => {
    await using w = await world();
    w.commit(lab("one"));
    await w.reconcile();
    w.weather = { failureRate: { install: 1 } };
    await w.work();
    const tables = await backUp(w);
    w.weather = {};
    const real = w.real.install;
    // As an installer that begins anew: the first cluster is removed, another is recorded and made.
    w.interfere.install = async (order, intent, context) => {
      await w.real.destroy(order, intent, context);
      const anew = { ...intent, infraID: "one-anew" };
      await context.recordIntent?.(anew);
      return { ...(await real(order, anew, context)), intent: anew };
    };
    await w.hurry();
    await w.work();
    delete w.interfere.install;
    await restore(w, tables);
    expect((await w.lab("one")).intent).not.toMatchObject({ infraID: "one-anew" });
    await w.hurry();
    await w.work();
    expect(await infraIdsOf(w, "one")).toEqual(["one-anew"]);
    await expectWhole(w, "one");
  });
});

describe("a lab that was destroyed and made again since", () => {
  /** Its state in the backup, by how far it came. */
  const came: Record<string, (w: World) => Promise<Worker | undefined>> = {
    queued: async () => undefined,
    "failed half-way": async (w) => {
      w.weather = { failureRate: { install: 1 } };
      await w.work();
      w.weather = {};
      return undefined;
    },
    "being installed": async (w) => {
      let installing = false;
      w.interfere.install = async (_order, _intent, { signal }) => {
        installing = true;
        await once(signal, "abort");
        throw new LabkeeperError("LK5009", "stopped");
      };
      const worker = await w.worker({ drainMs: 1 });
      await expect.poll(() => installing, { timeout: 15_000 }).toBe(true);
      delete w.interfere.install;
      return worker;
    },
  };

  test.each(Object.keys(came))("and that the backup has as %s is not made beside the later one", async (what) => {
    await using w = await world();
    await w.turn(STAYS);
    w.commit(lab("one"));
    await w.reconcile();
    const worker = await came[what]?.(w);
    const tables = await backUp(w);
    await worker?.stop();
    await w.hurry();
    await w.work();
    await w.turn(gone("one"));
    await w.turn(lab("one"));
    const later = await w.lab("one");
    const existing = await w.cloud.clusters();
    await restore(w, tables);
    await w.sql("update leases set expires_at = clock_timestamp() where expires_at > clock_timestamp()");
    await w.hurry();
    await w.work();
    expect(await w.lab("one")).toMatchObject({ state: "failed_permanent", failure: { code: "LK6110" } });
    expect(await w.cloud.clusters()).toEqual(existing);
    // Not even begun, where it was not.
    if (what === "queued") expect((await w.lab("one")).intent).toBeNull();
    // As its remedy says: its end is proven, then the later one is adopted.
    const { remedy } = (await w.lab("one")).failure ?? {};
    expect(remedy).toContain("Remove its file and add it back");
    await w.turn(gone("one"));
    await w.turn(lab("one"));
    expect((await w.lab("one")).id).toBe(later.id);
    await expectWhole(w, "one");
  });

  test("and that the backup has as ready is not updated in place of the later one", async () => {
    await using w = await world();
    await w.turn({ ...lab("one"), ...STAYS });
    const tables = await backUp(w);
    await w.turn(gone("one"));
    await w.turn(lab("one", { spec: { workers: 3 } }));
    const later = await w.lab("one");
    await restore(w, tables);
    await w.turn();
    expect(await w.lab("one")).toMatchObject({ state: "ready", failure: { code: "LK6110" } });
    expect(await orphansOf(w)).toEqual([{ infraId: later.intent?.["infraID"], lab: "one" }]);
    await w.turn(gone("one"));
    await w.turn(lab("one", { spec: { workers: 3 } }));
    expect((await w.lab("one")).id).toBe(later.id);
    await expectWhole(w, "one");
  });
});

test("a token that was given after the backup is never given again, though the worker has the same name", async () => {
  await using w = await world();
  w.commit(lab("one"));
  await w.reconcile();
  const tables = await backUp(w);
  const limits = { jobs: 9, creates: 9, createsPerTeam: 9, createsPerAccountRegion: 9 };
  const claim = async () => {
    const [job] = await w.store.claim({ worker: "worker-1", slots: 1, destroySlots: 0, leaseSeconds: 60, limits });
    if (job === undefined) throw new Error("nothing was claimed");
    return job;
  };
  const lead = async (resource: string) => {
    const lease = await w.store.acquire(resource, "host-1", 60);
    if (lease === null) throw new Error(`the lease on ${resource} is held`);
    return lease;
  };
  const old = { job: await claim(), reconciler: await lead("reconciler"), janitor: await lead("janitor") };
  await w.store.beginStep(old.job, "record-intent", null);
  await restore(w, tables);

  const fresh = { job: await claim(), reconciler: await lead("reconciler"), janitor: await lead("janitor") };
  expect(fresh.job.id).toBe(old.job.id);
  expect(fresh.job.lease.token).toBeGreaterThan(old.job.lease.token);
  for (const which of ["reconciler", "janitor"] as const) expect(fresh[which].token).toBeGreaterThan(old[which].token);

  const { job } = old;
  const before = await w.dump();
  const need = { scope: "here", resource: "cores", need: 1, limit: 9, used: 0 };
  const write = (lease: typeof old.janitor) => w.store.recordSweep([], [], new Date(), lease);
  for (const late of [
    () => w.store.beginStep(job, "install", "record-intent"),
    () => w.store.recordIntent(job, { infraID: "other-aaaaa" }),
    () => w.store.recordOutputs(job, { apiUrl: "https://other.example.com" }),
    () => w.store.reserve(job, [need]),
    () => w.store.finish(job, { kind: "provisioned", outputs: {} }),
    () => w.store.finish(job, { kind: "released" }),
    () => write(old.janitor),
  ])
    await expect(late()).rejects.toMatchObject({ code: "LK4004" });
  await w.store.recordProgress(job, "other", 99);
  expect(await w.store.renew([job.lease, old.reconciler, old.janitor], 60)).toEqual([]);
  for (const lease of [job.lease, old.reconciler, old.janitor]) await w.store.release(lease);
  expect(await w.dump()).toBe(before);

  const all = [fresh.job.lease, fresh.reconciler, fresh.janitor];
  expect(await w.store.renew(all, 60)).toEqual(all);
  await w.store.finish(fresh.job, { kind: "released" });
  for (const lease of [fresh.reconciler, fresh.janitor]) await w.store.release(lease);
  await w.work();
  expect(await w.states()).toEqual({ one: "ready" });
});
