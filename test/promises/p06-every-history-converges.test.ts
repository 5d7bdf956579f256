/** P6: every history converges. Once faults stop, each lab is as desired, or has ended with a reason and a remedy. */

import { describe, expect, test } from "vitest";
import { prng } from "../../src/core/prng.ts";
import type { JsonObject } from "../../src/core/types.ts";
import type { Files } from "../../standins/git/repository.ts";
import { gone, lab, labPath, labs, names } from "./files.ts";
import { type World, world } from "./world.ts";

const STORM: JsonObject = {
  failureRate: { prepare: 0.1, install: 0.35, verify: 0.2, update: 0.35, destroy: 0.35, observe: 0.1 },
  permanentFailureRate: { install: 0.05, update: 0.1, destroy: 0.1 },
  lies: { installedNothing: 0.2, residue: 0.3, unknown: 0.2 },
};
const NAMES = names("lab", 10);

/** What the catalog says, as the test wrote it: workers by name. */
type Wanted = Map<string, number>;

/** Adds, edits and removes a few labs; answers what to commit. */
function edits(wanted: Wanted, random: () => number): Files {
  const files: Record<string, Files[string]> = {};
  for (const name of NAMES) {
    const draw = random();
    if (draw < 0.25 && wanted.has(name)) {
      wanted.delete(name);
      files[labPath(name)] = null;
    } else if (draw < 0.6) {
      const workers = Math.floor(random() * 6);
      wanted.set(name, workers);
      Object.assign(files, lab(name, { spec: { workers } }));
    }
  }
  return files;
}

/** As many cycles as it takes; fails when it takes too many. */
async function converge(w: World, most: number): Promise<number> {
  for (let cycle = 1; cycle <= most; cycle++) {
    await w.hurry();
    await w.work();
    const { plan } = await w.reconcile();
    const waiting = await w.sql("select 1 from jobs where state in ('queued', 'running')");
    if (waiting.length === 0 && plan.changes.every(({ action }) => action === "keep")) return cycle;
  }
  throw new Error(`not converged after ${most} cycles: ${JSON.stringify(await w.states())}`);
}

describe.each([1, 2, 3])("history %i", (seed) => {
  test("of edits in a storm ends as the catalog says", async () => {
    const random = prng("storm", seed);
    const wanted: Wanted = new Map();
    await using w = await world({ guards: { maxDestroys: 1_000, maxDestroyPercent: 100 } });
    w.weather = STORM;
    for (let day = 0; day < 5; day++) {
      w.commit({ ...edits(wanted, random), ...lab("always") });
      await w.reconcile();
      await w.work();
      await w.hurry();
      if (random() < 0.5) await w.work();
    }
    w.weather = {};
    await converge(w, 8);

    // Those that the storm ended for good say why and what to do; the remedy works.
    const ended = (await w.store.labs(false)).filter(
      ({ lab: { state, failedDigest } }) =>
        state === "failed_permanent" || state === "timed_out" || failedDigest !== null,
    );
    for (const { lab: found } of ended) {
      expect(found.failure).toMatchObject({
        code: expect.stringMatching(/^LK\d{4}$/),
        remedy: expect.stringMatching(/./),
      });
      await w.store.retry(found.name, "octocat");
    }
    await converge(w, 4);

    const clusters = await w.cloud.clusters();
    expect(clusters.map(({ name, workers, state }) => [name, workers, state]).sort()).toEqual(
      [...wanted, ["always", 0] as const].map(([name, workers]) => [name, workers, "running"]).sort(),
    );
    const states = await w.states();
    expect(states).toEqual(Object.fromEntries(["always", ...wanted.keys()].map((name) => [name, "ready"])));
    const unproven = await w.sql("select name from labs where state = 'destroyed' and receipt_id is null");
    expect(unproven).toEqual([]);
    expect(w.errors).toEqual([]);
  });
});

test("an install that goes on failing ends for good after the profile's attempts, with a reason and a remedy", async () => {
  await using w = await world({ profiles: { stubborn: { lifecycle: { maxAttempts: 2 } } } });
  w.weather = { failureRate: { install: 1 } };
  await w.turn(lab("one", { spec: { profile: "stubborn" } }));
  const first = await w.lab("one");
  expect(first).toMatchObject({ state: "failed", failure: { attempt: 1, step: "install", code: "LK5002" } });
  expect(Date.parse(first.failure?.retryAt ?? "")).toBeGreaterThan(Date.now());
  await w.hurry();
  await w.work();
  const { lab: dead, job } = await w.detail("one");
  expect(dead).toMatchObject({
    state: "failed_permanent",
    failure: { attempt: 2, retryAt: null, message: expect.stringContaining("one"), remedy: expect.stringMatching(/./) },
  });
  expect(job).toMatchObject({ state: "dead" });
  const { plan } = await w.turn(lab("two"));
  expect(plan.changes.find(({ lab: name }) => name === "one")?.reason ?? "").toMatch(/retry one|^$/);
  expect(await w.states()).toEqual({ one: "failed_permanent", two: "failed" });

  w.weather = {};
  expect(await w.store.retry("one", "octocat")).toEqual({ job: "provision" });
  await w.hurry();
  await w.work();
  expect(await w.states()).toEqual({ one: "ready", two: "ready" });
  expect((await w.lab("one")).failure).toBeNull();
});

test("a lab that failed for good is made after all once its file is edited", async () => {
  await using w = await world();
  w.weather = { permanentFailureRate: { install: 1 } };
  await w.turn(lab("one"));
  expect(await w.lab("one")).toMatchObject({ state: "failed_permanent", failure: { code: "LK5003", attempt: 1 } });
  w.weather = {};
  await w.turn();
  expect(await w.states()).toEqual({ one: "failed_permanent" });
  await w.turn(lab("one", { spec: { workers: 1 } }));
  expect(await w.states()).toEqual({ one: "ready" });
  expect((await w.cloud.clusters())[0]).toMatchObject({ workers: 1 });
});

test("a lab that failed for good goes like any other, and nothing of it stays", async () => {
  await using w = await world();
  w.weather = { permanentFailureRate: { install: 1 } };
  await w.turn(labs(["one", "two"]));
  expect(await w.existing()).toEqual(["one*", "two*"]);
  w.weather = {};
  await w.turn(gone("one"));
  expect(await w.existing()).toEqual(["two*"]);
  expect(await w.detail("one")).toMatchObject({ lab: { state: "destroyed" }, receipt: expect.anything() });
});

test("destroys are never given up", async () => {
  await using w = await world();
  await w.turn(labs(["one", "two"]));
  w.weather = { permanentFailureRate: { destroy: 1 } };
  await w.turn(gone("one"));
  for (let attempt = 1; attempt <= 6; attempt++) {
    expect(await w.lab("one")).toMatchObject({
      state: "destroy_failed",
      failure: { attempt, remedy: expect.any(String) },
    });
    await w.hurry();
    await w.work();
  }
  w.weather = {};
  await w.store.retry("one", "octocat");
  await w.work();
  expect(await w.existing()).toEqual(["two"]);
});

test("edits that come while a job runs are not lost", async () => {
  await using w = await world();
  let editing: Promise<unknown> | null = null;
  w.interfere.install = async (...call) => {
    editing ??= (async () => {
      w.commit(lab("one", { spec: { workers: 4 } }));
      await w.reconcile();
    })();
    await editing;
    return await w.real.install(...call);
  };
  await w.turn(lab("one", { spec: { workers: 1 } }));
  await converge(w, 3);
  expect((await w.cloud.clusters())[0]).toMatchObject({ name: "one", workers: 4 });
  expect(await w.lab("one")).toMatchObject({ state: "ready", spec: { workers: 4 } });
});

test("a file that goes while its lab is made takes it down, and comes back as a new one", async () => {
  await using w = await world();
  await w.turn(lab("other"));
  let going: Promise<unknown> | null = null;
  w.interfere.install = async (...call) => {
    going ??= (async () => {
      w.commit(gone("one"));
      await w.reconcile();
      w.commit(lab("one", { owner: "hubot" }));
      await w.reconcile();
    })();
    await going;
    return await w.real.install(...call);
  };
  await w.turn(lab("one"));
  await converge(w, 4);
  expect(await w.existing()).toEqual(["one", "other"]);
  expect(await w.lab("one")).toMatchObject({ state: "ready", spec: { owner: "hubot" } });
  const made = await w.sql("select state from labs where name = 'one' order by created_at");
  expect(made).toEqual([{ state: "destroyed" }, { state: "ready" }]);
});

test("a lab whose provisioner is not registered can be destroyed, because nothing was made", async () => {
  await using w = await world({
    profiles: { other: { provisioner: "nowhere" } },
    files: { ...lab("one", { spec: { profile: "other" } }), ...lab("two") },
  });
  await w.turn();
  expect(await w.lab("one")).toMatchObject({ state: "failed_permanent", failure: { code: "LK5001" } });
  await w.turn(gone("one"));
  expect((await w.lab("one")).state).toBe("destroyed");
});

test("an approval outlives a cycle in which the lab had moved on", async () => {
  await using w = await world({ guards: { maxDestroys: 0 }, files: labs(["one", "two"]) });
  await w.turn();
  await w.turn(gone("one"));
  const [hold] = await w.holds();
  await w.store.approve(hold?.id ?? "", "octocat");
  const compare: typeof w.store.compare = async (...input) => {
    const compared = await w.store.compare(...input);
    await w.sql("update labs set monthly_cost = monthly_cost");
    return compared;
  };
  expect((await w.reconcile({ ...w.store, compare })).applied?.skipped).toEqual(["one"]);
  await w.turn();
  expect((await w.lab("one")).state).toBe("destroyed");
});

test("a job that keeps losing its worker is given up, and says so", async () => {
  await using w = await world({ files: lab("one") });
  await w.reconcile();
  for (let death = 0; death < 7; death += 1) {
    await w.store.claim({
      worker: `dies-${death}`,
      slots: 1,
      destroySlots: 0,
      leaseSeconds: 60,
      limits: { jobs: 9, creates: 9, createsPerTeam: 9, createsPerAccountRegion: 9 },
    });
    await w.sql("update leases set expires_at = clock_timestamp()");
  }
  await w.work();
  expect(await w.lab("one")).toMatchObject({ state: "failed_permanent", failure: { code: "LK5010" } });
  await w.store.retry("one", "octocat");
  await w.work();
  expect((await w.lab("one")).state).toBe("ready");
});

test.each(["retry", "released", "dead"] as const)(
  "a run that ends as %s after its file went makes room for the destroy",
  async (kind) => {
    await using w = await world();
    await w.turn(lab("other"));
    w.commit(lab("one"));
    await w.reconcile();
    const limits = { jobs: 9, creates: 9, createsPerTeam: 9, createsPerAccountRegion: 9 };
    const [job] = await w.store.claim({ worker: "slow", slots: 1, destroySlots: 0, leaseSeconds: 60, limits });
    if (!job) throw new Error("nothing to claim");
    w.commit(gone("one"));
    await w.reconcile();
    expect(await w.store.cancelRequested([job.id])).toEqual([job.id]);
    const at = new Date().toISOString();
    const failure = { code: "LK5002", message: "late", remedy: "none", step: null, attempt: 1, at, retryAt: null };
    await w.store.finish(
      job,
      kind === "released"
        ? { kind }
        : kind === "dead"
          ? { kind, failure, timedOut: false }
          : { kind, failure, retryAt: new Date() },
    );
    await w.work();
    expect(await w.existing()).toEqual(["other"]);
    expect(await w.lab("one")).toMatchObject({ state: "destroyed" });
  },
);
