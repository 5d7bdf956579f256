/** A soak from its first commit to its figures. */

import { loadavg } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { Connection } from "../src/local/postgres/presence.ts";
import { churnOf } from "./soak-churn.ts";
import { disagreements, drained } from "./soak-ends.ts";
import { beginFaults, type Fault } from "./soak-faults.ts";
import { type LeasesLost, leasesLost } from "./soak-leases.ts";
import { nodeCpuMs, postgresCpuMs, type Statement, statements } from "./soak-load.ts";
import type { SoakProcess } from "./soak-processes.ts";
import type { SoakSettings } from "./soak-settings.ts";
import { hireStaff } from "./soak-staff.ts";
import { sampling, type Told } from "./soak-told.ts";
import { type Waits, waitsOf } from "./soak-waits.ts";
import { type SoakWorld, soakWorld } from "./soak-world.ts";

const LOOK_MS = 250;
const COMMIT_EVERY_MS = 1_000;
const PATIENCE_MS = 900_000;
const TELL_EVERY_MS = 30_000;
/** So much of the churn is warm-up: code is still compiled and caches are filled. */
const WARM_UP = 0.25;

export interface Memory {
  readonly name: string;
  /** From the end of the warm-up on: what a process loads and compiles at its beginning is no leak. */
  readonly samples: readonly Extract<Told, { tell: "sample" }>[];
}

export interface Soaked {
  readonly seconds: { readonly burst: number; readonly churn: number; readonly drain: number | null };
  readonly jobs: { readonly succeeded: number; readonly cancelled: number; readonly dead: number };
  readonly waits: readonly Waits[];
  readonly faults: ReadonlyMap<Fault, number>;
  /** What the cloud did, by name: calls that failed, in part or as a whole, and those that lied. */
  readonly cloud: ReadonlyMap<string, number>;
  /** Errors that were survived, by code. */
  readonly troubles: ReadonlyMap<string, number>;
  readonly leases: LeasesLost;
  readonly memory: readonly Memory[];
  readonly statements: readonly Statement[] | null;
  readonly cpu: {
    readonly workers: number;
    readonly reconcilers: number;
    readonly soak: number;
    readonly postgres: number | null;
  };
  readonly cycles: number;
  readonly ended: readonly string[];
  /** What does not agree at the end; null when the queue never drained. */
  readonly lost: readonly string[] | null;
}

const until = async (condition: () => Promise<boolean>, patienceMs: number): Promise<void> => {
  const startedAt = performance.now();
  while (!(await condition()) && performance.now() - startedAt < patienceMs) await delay(LOOK_MS);
};

const done = async (world: SoakWorld): Promise<number> =>
  (await world.sql<{ n: number }>("select count(*)::int as n from jobs where state = 'succeeded'"))[0]?.n ?? 0;

/** Nothing waits for its first attempt any more. */
const isBegun = async (world: SoakWorld): Promise<boolean> =>
  (await world.isPlanned()) &&
  (await world.sql("select 1 from jobs where state = 'queued' and attempt = 0 limit 1")).length === 0;

function countBy(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

/** Ends one lease of a worker that lives, as a defect of labkeeper's would. */
const loseLease = (world: SoakWorld, holder: string): Promise<object[]> =>
  world.sql(
    `update leases set expires_at = clock_timestamp() where resource = (
       select 'lab:' || lab_id from jobs where holder = $1 and state = 'running' order by claimed_at desc limit 1)
     returning resource`,
    [holder],
  );

export async function soak(
  settings: SoakSettings,
  connection: Connection,
  tell: (text: string) => void,
): Promise<Soaked> {
  await using world = await soakWorld(connection);
  await using staff = hireStaff(world, settings);
  const churn = churnOf(settings.labs, settings.seed);
  const own: Memory["samples"][number][] = [];
  const stopSampling = sampling(settings.sampleEveryMs, (told) => own.push(told));
  const faults =
    settings.faultEveryMs === null ? null : beginFaults(world, staff, settings.faultEveryMs, settings.leaseSeconds);
  const startedAt = Date.now();
  const postgresBefore = await postgresCpuMs(world);
  const telling = setInterval(() => {
    const second = ((Date.now() - startedAt) / 1_000).toFixed(0);
    queueNow(world).then(
      (queue) => tell(`${second} s: ${queue}; load ${loadavg()[0]?.toFixed(1)}, ${stalls(staff.steady)}`),
      () => undefined,
    );
  }, TELL_EVERY_MS);
  try {
    await world.sql("select pg_stat_statements_reset()").catch(() => undefined);
    world.commit(churn.first());
    await until(() => isBegun(world), PATIENCE_MS);
    const churnAt = Date.now();
    tell(`${settings.labs} labs begun in ${((churnAt - startedAt) / 1_000).toFixed(0)} s; now they churn`);

    const isOver = async (): Promise<boolean> =>
      Date.now() - churnAt >= settings.churnMs || (settings.jobs !== null && (await done(world)) >= settings.jobs);
    const change = async (changes: number, everyMs: number): Promise<void> => {
      world.commit(churn.some(changes));
      await delay(everyMs);
      await world.approveHolds();
    };
    const changes = Math.max(1, Math.round((settings.changesPerSecond * COMMIT_EVERY_MS) / 1_000));
    let wave: { from: number; to: number } | null = null;
    let isPlanted = !settings.planted.includes("lost-lease");
    while (!(await isOver())) {
      if (!isPlanted) isPlanted = (await loseLease(world, staff.steady.name)).length > 0;
      const isHalf =
        settings.jobs === null ? Date.now() - churnAt > settings.churnMs / 2 : (await done(world)) > settings.jobs / 2;
      if (wave === null && isHalf) {
        await until(() => world.isPlanned(), PATIENCE_MS);
        const from = Date.now();
        world.commit(churn.some(Math.ceil(settings.labs / 4)));
        await until(() => world.isPlanned(), PATIENCE_MS);
        wave = { from, to: Date.now() };
        tell("a quarter of all labs changed at once");
      } else await change(changes, COMMIT_EVERY_MS);
    }
    await faults?.stop();
    const drainAt = Date.now();
    const counted = await statements(world);
    const drain = await drained(world, PATIENCE_MS);
    tell(drain === null ? "the queue did not drain" : `drained in ${drain.toFixed(0)} s`);
    const [jobs = { succeeded: 0, cancelled: 0, dead: 0 }] = await world.sql<Soaked["jobs"]>(
      `select count(*) filter (where state = 'succeeded')::int as succeeded, count(*) filter (where state = 'cancelled')::int
         as cancelled, count(*) filter (where state = 'dead')::int as dead from jobs`,
    );
    const postgresAfter = await postgresCpuMs(world);
    const { processes } = staff;
    return {
      seconds: { burst: (churnAt - startedAt) / 1_000, churn: (drainAt - churnAt) / 1_000, drain },
      jobs,
      waits: await waitsOf(world, { churnAt, wave, drainAt }),
      faults: faults?.met ?? new Map(),
      cloud: await cloudFaults(world),
      troubles: countBy(
        processes.flatMap(({ told }) => told.flatMap((line) => (line.tell === "trouble" ? line.code : []))),
      ),
      leases: await leasesLost(world, processes, settings.leaseSeconds),
      memory: [...staff.lasting.map(({ name, told }) => ({ name, told })), { name: "the soak itself", told: own }].map(
        ({ name, told }) => ({
          name,
          samples: told.flatMap((line) =>
            line.tell === "sample" && line.at > churnAt + WARM_UP * (drainAt - churnAt) && line.at < drainAt
              ? line
              : [],
          ),
        }),
      ),
      statements: counted,
      cpu: {
        workers: nodeCpuMs(processes, "worker"),
        reconcilers: nodeCpuMs(processes, "reconciler"),
        soak: own.at(-1)?.cpuMs ?? 0,
        postgres: postgresAfter === null ? null : postgresAfter - (postgresBefore ?? 0),
      },
      cycles: processes.flatMap(({ told }) => told.filter(({ tell: what }) => what === "cycle")).length,
      ended: processes.flatMap(({ name, ownEnd }: SoakProcess) =>
        ownEnd === null ? [] : `${name} ended by itself: ${ownEnd}`,
      ),
      lost: drain === null ? null : await disagreements(world, churn.wanted),
    };
  } finally {
    stopSampling();
    clearInterval(telling);
    await faults?.stop().catch(() => undefined);
  }
}

async function queueNow(world: SoakWorld): Promise<string> {
  const rows = await world.sql<{ state: string; kind: string; n: number }>(
    "select state, kind, count(*)::int as n from jobs where state in ('queued', 'running') group by state, kind order by state, kind",
  );
  return `${await done(world)} jobs done, ${rows.map(({ state, kind, n }) => `${state} ${kind} ${n}`).join(", ") || "none left"}`;
}

/** Of the last half minute. */
function stalls({ name, told }: SoakProcess): string {
  const last = told.filter(({ at }) => at > Date.now() - TELL_EVERY_MS);
  const longest = Math.max(0, ...last.map((line) => (line.tell === "sample" ? line.stallMs : 0)));
  const renewal = Math.max(0, ...last.map((line) => (line.tell === "slow" ? line.ms : 0)));
  return `${name} stood still for ${longest.toFixed(0)} ms${renewal > 0 ? ` and renewed in ${renewal.toFixed(0)} ms` : ""}`;
}

/** What the journal of the cloud says of its own failures and lies, and what workers met. */
async function cloudFaults(world: SoakWorld): Promise<ReadonlyMap<string, number>> {
  const journal = (await world.cloud.journal()).flatMap(({ event, detail }) => {
    if (event === "failed")
      return detail?.["verb"] === "install" ? "installs that failed half-way" : "destroys that failed";
    if (event === "lied") return "installs that made nothing";
    return event === "residue" ? "destroys that left something" : [];
  });
  const unknown = await world.sql(
    "select 1 from lab_events where event_type = 'destroy.failed' and payload #>> '{failure,code}' = 'LK5008'",
  );
  const updates = await world.sql("select 1 from lab_events where event_type = 'update.failed'");
  return new Map([
    ...countBy(journal),
    ["updates that failed", updates.length],
    ["looks that were not answered", unknown.length],
  ]);
}
