/**
 * All promises at once: a random walk through everything that people, git, clouds and machines do, with the promises
 * held after each step and convergence at the end. Same seed, same walk.
 */

import { describe, expect, test } from "vitest";
import { prng } from "../../src/core/prng.ts";
import type { Cause, JsonObject } from "../../src/core/types.ts";
import { catalogFile, type LabChange, lab, labPath, labText } from "./files.ts";
import { type World, world } from "./world.ts";

const NAMES = ["ash", "birch", "cedar", "elm", "oak"];
const STORM: JsonObject = {
  failureRate: { prepare: 0.1, install: 0.3, verify: 0.2, update: 0.3, destroy: 0.2, observe: 0.1 },
  permanentFailureRate: { install: 0.1, update: 0.1, destroy: 0.2 },
  lies: { installedNothing: 0.2, residue: 0.5, unknown: 0.4 },
};

const UNGUARDED: LabChange = { spec: { ttlHours: 160, workers: 0, protect: false, suspend: false } };

/** What the walk knows: what it wrote, and what it said yes to. */
interface Walk {
  readonly w: World;
  readonly random: () => number;
  /** Each name's file, null while it is broken; absent without a file. */
  readonly files: Map<string, LabChange | null>;
  readonly approved: Set<string>;
  readonly cancelled: Set<string>;
  hours: number;
}

const pick = <T>(random: () => number, items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;

const allPaths = (name: string): Record<string, null> =>
  Object.fromEntries(
    ["team-a", "team-b"].flatMap((team) => [
      [labPath(name, { team }), null],
      [labPath(name, { team, ending: "yml" }), null],
    ]),
  );

function write({ w, files }: Walk, name: string, change: LabChange): void {
  files.set(name, change);
  w.commit({ ...allPaths(name), ...lab(name, change) });
}

const newFile = (random: () => number): LabChange => ({
  team: pick(random, ["team-a", "team-a", "team-b"]),
  ending: pick(random, ["yaml", "yml"]),
  spec: {
    profile: pick(random, ["quick", "quick", "graceful"]),
    workers: Math.floor(random() * 5),
    ttlHours: pick(random, [24, 48, 72]),
  },
});

/** Says yes, unless only the catalog can. */
async function approve({ w, approved }: Walk, hold: string): Promise<void> {
  await w.store.approve(hold, "octocat").then(
    () => approved.add(hold),
    (error: unknown) => expect(error).toMatchObject({ code: "LK3003" }),
  );
}

/** P8: a lab whose file is broken or there twice is kept as it is. P12: one that has a grace has it. */
async function reconcileFairly({ w, files }: Walk): Promise<void> {
  const live = async () => (await w.store.labs(false)).map(({ lab: found }) => found);
  const before = new Map((await live()).map((found) => [found.id, found]));
  await w.reconcile();
  for (const after of await w.store.labs(true)) {
    const was = before.get(after.lab.id);
    const { name, documentDigest, destroyCause, leaving, spec } = after.lab;
    if (!was) continue;
    const goesNow = was.destroyCause === null && destroyCause?.kind === "commit";
    if (files.get(name) === null)
      expect({ name, documentDigest, goesNow, leaving }).toEqual({
        name,
        documentDigest: was.documentDigest,
        goesNow: false,
        leaving: was.leaving,
      });
    if (goesNow && spec.profile === "graceful") expect(was.leaving, `${name} had no grace`).not.toBeNull();
  }
}

const STEPS: readonly (readonly [weight: number, name: string, step: (walk: Walk) => unknown])[] = [
  [6, "write", (walk) => write(walk, pick(walk.random, NAMES), newFile(walk.random))],
  [
    4,
    "edit",
    (walk) => {
      const name = pick(walk.random, NAMES);
      const file = walk.files.get(name);
      if (file) write(walk, name, { ...file, spec: { ...file.spec, workers: Math.floor(walk.random() * 5) } });
    },
  ],
  [
    2,
    "protect or suspend",
    (walk) => {
      const name = pick(walk.random, NAMES);
      const file = walk.files.get(name);
      const field = pick(walk.random, ["protect", "suspend"] as const);
      if (file) write(walk, name, { ...file, spec: { ...file.spec, [field]: walk.random() < 0.5 } });
    },
  ],
  [
    4,
    "remove",
    ({ w, random, files }) => {
      const name = pick(random, NAMES);
      files.delete(name);
      w.commit(allPaths(name));
    },
  ],
  [
    4,
    "break",
    ({ w, random, files }) => {
      const name = pick(random, NAMES);
      const text = pick(random, ["metadata: [", "", labText("other"), labText(name, { spec: { workers: 99 } })]);
      const { team = "team-a" } = files.get(name) ?? {};
      files.set(name, null);
      w.commit({ ...allPaths(name), [labPath(name, { team })]: text });
    },
  ],
  [
    3,
    "duplicate",
    ({ w, random, files }) => {
      const name = pick(random, NAMES);
      files.set(name, null);
      w.commit({ ...lab(name), ...lab(name, { team: "team-b" }) });
    },
  ],
  [
    2,
    "a broken catalog.yaml for a while",
    async ({ w }) => {
      w.commit({ "catalog.yaml": "spec: [" });
      await w.reconcile();
      w.commit({ "catalog.yaml": catalogFile() });
    },
  ],
  [
    1,
    "rewritten history",
    ({ w }) => {
      const tree = w.repository.git(["rev-parse", "main^{tree}"]);
      const orphan = w.repository.git(["commit-tree", tree, "-m", "rewritten"]);
      w.repository.git(["update-ref", "refs/heads/main", orphan]);
    },
  ],
  [2, "dry run", ({ w }) => w.dryRun()],
  [12, "reconcile", reconcileFairly],
  [8, "work", ({ w }) => w.work()],
  [4, "hurry", ({ w }) => w.hurry()],
  [
    3,
    "a worker dies",
    async ({ w }) => {
      // It claims, and is never heard of again.
      const limits = { jobs: 100, creates: 100, createsPerTeam: 100, createsPerAccountRegion: 100 };
      await w.store.claim({ worker: "dead", slots: 2, destroySlots: 1, leaseSeconds: 0.1, limits });
    },
  ],
  [
    3,
    "approve",
    async (walk) => {
      const open = (await walk.w.holds()).filter(({ state }) => state === "open");
      const hold = open.length === 0 ? undefined : pick(walk.random, open);
      if (hold) await approve(walk, hold.id);
    },
  ],
  [
    1,
    "cancel",
    async (walk) => {
      const name = pick(walk.random, NAMES);
      await walk.w.store.cancel(name, "octocat").then(
        () => walk.cancelled.add(name),
        (error: unknown) => expect(error).toMatchObject({ code: expect.stringMatching(/^LK300[14]$/) }),
      );
    },
  ],
  [
    2,
    "retry",
    async ({ w, random }) =>
      await w.store
        .retry(pick(random, NAMES), "octocat")
        .catch((error: unknown) => expect(error).toMatchObject({ code: expect.stringMatching(/^LK300[14]$/) })),
  ],
  [
    2,
    "time passes",
    (walk) => {
      const hours = pick(walk.random, [1, 5, 11, 25]);
      walk.hours += hours;
      walk.w.later(hours);
    },
  ],
  [2, "the weather changes", ({ w, random }) => Object.assign(w, { weather: random() < 0.5 ? STORM : {} })],
];

async function take(walk: Walk): Promise<string> {
  let draw = walk.random() * STEPS.reduce((sum, [weight]) => sum + weight, 0);
  for (const [weight, name, step] of STEPS) {
    draw -= weight;
    if (draw >= 0) continue;
    await step(walk);
    return name;
  }
  return "nothing";
}

/** P1, P2, P4: whatever happened so far, each end has a cause that is true, and each thing has a record. */
async function expectPromises({ w, approved, cancelled, hours }: Walk): Promise<void> {
  const ended = await w.sql<{ name: string; cause: Cause; state: string; receipt: string | null }>(
    "select name, destroy_cause as cause, state, receipt_id as receipt from labs where destroy_cause is not null",
  );
  for (const { name, cause, state, receipt } of ended) {
    if (state === "destroyed") expect(receipt, `${name} has a receipt`).not.toBeNull();
    if (cause.kind === "commit") {
      const there = w.repository.git(["ls-tree", "-r", "--name-only", cause.commit]).split("\n");
      expect(
        there.filter((path) => new RegExp(`/${name}\\.ya?ml$`).test(path)),
        `${name} at ${cause.commit}`,
      ).toEqual([]);
    } else if (cause.kind === "expired")
      expect(Date.parse(cause.expiresAt)).toBeLessThanOrEqual(Date.now() + hours * 3_600_000);
    else if (cause.kind === "replace") expect(approved).toContain(cause.hold);
    else expect(cancelled).toContain(name);
  }
  const touched = await w.sql<{ id: string }>("select intent ->> 'infraID' as id from labs where intent is not null");
  const recorded = new Set(touched.map(({ id }) => id));
  expect((await w.cloud.clusters()).filter(({ infraID }) => !recorded.has(infraID))).toEqual([]);
  const untrue = await w.sql<{ infraID: string }>(
    `select intent ->> 'infraID' as "infraID" from labs where state = 'destroyed' and intent is not null`,
  );
  const existing = new Set((await w.cloud.clusters()).map(({ infraID }) => infraID));
  expect(untrue.filter(({ infraID }) => existing.has(infraID))).toEqual([]);
}

/** P6: with everything mended and approved, the cloud is what the files say. */
async function expectConvergence(walk: Walk): Promise<void> {
  const { w, files } = walk;
  w.weather = {};
  // Only a file can lift a protection, so those that went with it come back for a moment.
  for (let round = 0; round < 5; round++) {
    const kept = (await w.store.labs(false)).filter(({ lab: { spec } }) => spec.protect || spec.suspend);
    for (const { lab: found } of kept) w.commit({ ...allPaths(found.name), ...lab(found.name, UNGUARDED) });
    await w.reconcile();
    for (const { id, state } of await w.holds()) if (state === "open") await approve(walk, id);
    await w.work();
  }
  for (const name of NAMES) {
    const file = files.get(name);
    if (file === undefined) w.commit(allPaths(name));
    else
      write(walk, name, {
        ...file,
        spec: { ttlHours: 160, workers: 0, ...file?.spec, protect: false, suspend: false },
      });
  }
  w.commit({ "catalog.yaml": catalogFile(undefined, { maxDestroys: 1_000, maxDestroyPercent: 100 }) });
  let quiet = 0;
  for (let cycle = 0; quiet < 2; cycle++) {
    if (cycle > 25) throw new Error(`it does not converge: ${JSON.stringify(await w.states())}`);
    const { plan } = await w.reconcile();
    for (const { id, state } of await w.holds()) {
      if (state === "open") await approve(walk, id);
    }
    await w.work();
    for (const { lab: found } of await w.store.labs(false)) {
      const givenUp = found.state === "failed_permanent" || found.state === "timed_out" || found.failedDigest !== null;
      if (givenUp && !found.destroyCause) {
        expect(found.failure).toMatchObject({ code: expect.any(String), remedy: expect.stringMatching(/./) });
        await w.store.retry(found.name, "octocat").catch(() => undefined);
      }
    }
    await w.hurry();
    await w.work();
    const left = await w.sql("select 1 from jobs where state in ('queued', 'running')");
    const still = left.length === 0 && plan.changes.every(({ action }) => action === "keep");
    quiet = still ? quiet + 1 : 0;
    // A lab that leaves is given the time that its profile grants.
    if (still && (await w.sql("select 1 from labs where leaving_until is not null and live")).length > 0) {
      w.later(11);
      walk.hours += 11;
      quiet = 0;
    }
  }
  const labs = await w.store.labs(false);
  for (const { lab: found } of labs) {
    // Expired or cancelled, it answers for its file until that goes.
    if (found.state === "destroyed") expect(["expired", "command"]).toContain(found.destroyCause?.kind);
    else expect(found).toMatchObject({ state: "ready", failure: null });
  }
  const live = labs.filter(({ lab: found }) => found.state === "ready").map(({ lab: found }) => found);
  expect(labs.map(({ lab: found }) => found.name).sort()).toEqual([...files.keys()].sort());
  const wanted = live.map(({ name }) => {
    const { team = "team-a", spec } = files.get(name) ?? {};
    return { name, team, workers: spec?.workers ?? 0, state: "running" };
  });
  const clusters = (await w.cloud.clusters()).map(({ name, team, workers, state }) => ({ name, team, workers, state }));
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
  expect(clusters.sort(byName)).toEqual(wanted.sort(byName));
}

const SEEDS = process.env["WALKS"]?.split(",").map(Number) ?? [1, 2, 3];

describe.each(SEEDS)("walk %i", (seed) => {
  test("keeps every promise at each step and converges", { timeout: 60_000 }, async () => {
    await using w = await world({
      profiles: { graceful: { lifecycle: { deletionGraceHours: 10 } } },
      guards: { maxDestroys: 4 },
    });
    const walk: Walk = {
      w,
      random: prng("walk", seed),
      files: new Map(),
      approved: new Set(),
      cancelled: new Set(),
      hours: 0,
    };
    const taken: string[] = [];
    try {
      for (let step = 0; step < 80; step++) {
        taken.push(await take(walk));
        await expectPromises(walk);
      }
      await expectConvergence(walk);
      await expectPromises(walk);
    } catch (error) {
      throw new Error(`after ${taken.join(", ")}`, { cause: error });
    }
    expect(w.errors).toEqual([]);
  });
});
