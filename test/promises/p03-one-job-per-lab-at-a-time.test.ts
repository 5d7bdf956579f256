/** P3: one job per lab at a time. A worker that lost its lease cannot write. */

import { describe, expect, test } from "vitest";
import type { ClaimedJob, Provisioner } from "../../src/ports.ts";
import { hashOf } from "../../src/provisioners/simulated-cluster.ts";
import { gone, lab, labs, names } from "./files.ts";
import { type World, world } from "./world.ts";

const LIMITS = { jobs: 100, creates: 100, createsPerTeam: 100, createsPerAccountRegion: 100 };

const claim = async (w: World, worker: string, leaseSeconds: number): Promise<ClaimedJob | undefined> => {
  const [job] = await w.store.claim({ worker, slots: 1, destroySlots: 0, leaseSeconds, limits: LIMITS });
  return job;
};

/** A job whose first holder's lease ran out and that a second one has now. */
async function takenOver(w: World): Promise<{ old: ClaimedJob; taken: ClaimedJob }> {
  const old = await claim(w, "first", 0.2);
  expect(await claim(w, "second", 60)).toBeUndefined();
  let taken: ClaimedJob | undefined;
  await expect
    .poll(
      async () => {
        taken = await claim(w, "second", 60);
        return taken !== undefined;
      },
      { interval: 20 },
    )
    .toBe(true);
  if (!old || !taken) throw new Error("nothing was claimed");
  return { old, taken };
}

/** Something that happens once, later. */
function signal(): { readonly given: Promise<void>; give(): void } {
  let give = (): void => undefined;
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give };
}

describe("a lease that ran out", () => {
  test("takes every right to write with it, and changes nothing", async () => {
    await using w = await world();
    w.commit(lab("one"));
    await w.reconcile();
    const { old, taken } = await takenOver(w);
    expect(taken.id).toBe(old.id);
    expect(taken.lease.token).toBeGreaterThan(old.lease.token);
    const before = await w.dump();
    const failure = { code: "LK5002", message: "late", remedy: "", step: null, attempt: 1, at: "", retryAt: null };
    for (const late of [
      () => w.store.beginStep(old, "install", null),
      () => w.store.recordIntent(old, { infraID: "other-aaaaa" }),
      () => w.store.finish(old, { kind: "provisioned", outputs: { late: true } }),
      () => w.store.finish(old, { kind: "retry", failure, retryAt: new Date() }),
      () => w.store.finish(old, { kind: "dead", failure, timedOut: false }),
      () => w.store.finish(old, { kind: "released" }),
      () => w.store.finish(old, { kind: "cancelled" }),
    ]) {
      await expect(late()).rejects.toMatchObject({ code: "LK4004" });
    }
    await w.store.recordProgress(old, "late", 50);
    expect(await w.store.renew([old.lease], 60)).toEqual([]);
    await w.store.release(old.lease);
    expect(await w.dump()).toBe(before);
  });

  test("also when nobody took the job over", async () => {
    await using w = await world();
    w.commit(lab("one"));
    await w.reconcile();
    const job = await claim(w, "first", 0.1);
    if (!job) throw new Error("nothing was claimed");
    await expect.poll(async () => (await w.store.renew([job.lease], 0.1)).length, { interval: 150 }).toBe(0);
    await expect(w.store.beginStep(job, "record-intent", null)).rejects.toMatchObject({ code: "LK4004" });
    await expect(w.store.recordIntent(job, { infraID: "one-aaaaa" })).rejects.toMatchObject({ code: "LK4004" });
    await expect(w.store.finish(job, { kind: "released" })).rejects.toMatchObject({ code: "LK4004" });
  });

  test("a receipt that comes too late is not one", async () => {
    await using w = await world();
    await w.turn(labs(["one", "two"]));
    w.commit(gone("one"));
    await w.reconcile();
    const { old } = await takenOver(w);
    const seen = { at: new Date().toISOString(), verdict: "absent", evidence: [] } as const;
    const receipt = { provisioner: "simulated", observations: [seen, seen] };
    await expect(w.store.finish(old, { kind: "destroyed", receipt })).rejects.toMatchObject({ code: "LK4004" });
    expect(await w.lab("one")).toMatchObject({ state: "destroying" });
    expect(await w.existing()).toEqual(["one", "two"]);
  });
});

test("a worker that sleeps through its lease finds its job done by another, and says nothing", async () => {
  await using w = await world();
  w.commit(lab("one"));
  await w.reconcile();
  const asleep = signal();
  const awake = signal();
  w.interfere.install = async (...call) => {
    const installed = await w.real.install(...call);
    delete w.interfere.install;
    asleep.give();
    await awake.given;
    return installed;
  };
  // Its heart never beats: the process is stopped, or its network is.
  const sleeper = await w.worker({ name: "sleeper", leaseSeconds: 0.5, heartbeatSeconds: 3_600, concurrency: 1 });
  await asleep.given;
  const other = await w.worker({ name: "other", pollMs: 20 });
  try {
    await expect.poll(() => w.states(), { timeout: 10_000 }).toEqual({ one: "ready" });
    await other.stop();
    const before = await w.dump();
    awake.give();
    await sleeper.stop();
    expect(await w.dump()).toBe(before);
  } finally {
    awake.give();
    await Promise.all([sleeper.stop(), other.stop()]);
  }
  const [job] = await w.sql("select holder, state, recoveries from jobs");
  expect(job).toMatchObject({ state: "succeeded", recoveries: 1 });
  const actors = (await w.events("one")).filter(({ type }) => type === "provision.completed").map(({ actor }) => actor);
  expect(actors).toEqual(["other"]);
  // What the sleeper had in its hands was never stored: the credentials are those of the cluster that is there.
  const stored = await w.secrets.get(`labs/${(await w.lab("one")).id}`);
  expect((await w.cloud.clusters()).map(({ credentialsHash }) => credentialsHash)).toEqual([stored && hashOf(stored)]);
});

test("three workers and thirty labs: never two at once on one", async () => {
  await using w = await world();
  const overlaps: string[] = [];
  const inside = new Map<string, string>();
  const alone = <Call extends keyof Provisioner>(verb: Call): Provisioner[Call] =>
    // biome-ignore lint/suspicious/noExplicitAny: every verb takes the order first
    (async (...call: any[]) => {
      const id: string = call[0].id;
      const other = inside.get(id);
      if (other !== undefined) overlaps.push(`${verb} during ${other}`);
      inside.set(id, verb);
      try {
        // biome-ignore lint/suspicious/noExplicitAny: as above
        return await (w.real[verb] as any)(...call);
      } finally {
        inside.delete(id);
      }
    }) as Provisioner[Call];
  for (const verb of ["prepare", "install", "verify", "update", "destroy", "observe"] as const)
    Object.assign(w.interfere, { [verb]: alone(verb) });
  w.weather = {
    latencySeconds: { install: 0.02, verify: 0.005, update: 0.01, destroy: 0.01 },
    failureRate: { install: 0.2 },
  };

  const all = names("lab", 30);
  const workers = await Promise.all(
    ["a", "b", "c"].map((name) => w.worker({ name, concurrency: 4, pollMs: 20, leaseSeconds: 5, heartbeatSeconds: 1 })),
  );
  try {
    w.commit(labs(all));
    await w.reconcile();
    await expect
      .poll(
        async () => {
          await w.hurry();
          return Object.values(await w.states()).filter((state) => state === "ready" || state === "failed_permanent")
            .length;
        },
        { timeout: 15_000, interval: 50 },
      )
      .toBe(30);
    w.commit({ ...gone(...all.slice(0, 5)), ...labs(all.slice(5, 15), { spec: { workers: 2 } }) });
    await w.reconcile();
    await expect
      .poll(async () => (await w.sql("select 1 from jobs where state in ('queued', 'running')")).length, {
        timeout: 15_000,
      })
      .toBe(0);
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
  }
  expect(overlaps).toEqual([]);
  expect(w.errors).toEqual([]);
  const journal = await w.cloud.journal();
  for (const name of all) {
    const created = journal.filter(({ lab: made, event }) => made === name && event === "created").length;
    expect({ name, created }).toEqual({ name, created: Math.min(1, created) });
  }
  const holders = await w.sql<{ actor: string }>("select distinct actor from lab_events where source = 'worker'");
  expect(holders.length).toBe(3);
});
