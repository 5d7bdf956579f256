/** A soak from its first commit to its figures. */

import { setTimeout as delay } from "node:timers/promises";
import type { Connection } from "../src/local/postgres/presence.ts";
import { type Churn, churnOf } from "./soak-churn.ts";
import { disagreements, drained } from "./soak-ends.ts";
import { beginFaults } from "./soak-faults.ts";
import { gathered, type Memory, type Soaked } from "./soak-gather.ts";
import { postgresCpuMs, statements } from "./soak-load.ts";
import { done, telling } from "./soak-progress.ts";
import type { SoakSettings } from "./soak-settings.ts";
import { type Crew, hireStaff } from "./soak-staff.ts";
import { sampling } from "./soak-told.ts";
import type { Marks } from "./soak-waits.ts";
import { type SoakWorld, soakWorld } from "./soak-world.ts";

const LOOK_MS = 250;
const COMMIT_EVERY_MS = 1_000;
const PATIENCE_MS = 900_000;
const LEAST_SAMPLES = 8;

const until = async (condition: () => Promise<boolean>): Promise<void> => {
  const startedAt = performance.now();
  while (!(await condition()) && performance.now() - startedAt < PATIENCE_MS) await delay(LOOK_MS);
};

/** Nothing waits for its first attempt any more. */
const isBegun = async (world: SoakWorld): Promise<boolean> =>
  (await world.isPlanned()) &&
  (await world.sql("select 1 from jobs where state = 'queued' and attempt = 0 limit 1")).length === 0;

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
  const stopTelling = telling(world, staff.steady, tell);
  const faults =
    settings.faultEveryMs === null ? null : beginFaults(world, staff, settings.faultEveryMs, settings.leaseSeconds);
  try {
    const startedAt = Date.now();
    const postgresBefore = await postgresCpuMs(world);
    await world.sql("select pg_stat_statements_reset()").catch(() => undefined);
    world.commit(churn.first());
    await until(() => isBegun(world));
    const churnAt = Date.now();
    tell(`${settings.labs} labs begun in ${((churnAt - startedAt) / 1_000).toFixed(0)} s; now they churn`);
    const wave = await churned(world, staff, churn, settings, tell);
    await faults?.stop();
    const drainAt = Date.now();
    const counted = await statements(world);
    const postgresAfter = await postgresCpuMs(world);
    const drain = await drained(world, churn.wanted, PATIENCE_MS);
    tell(drain === null ? "the queue did not drain" : `drained in ${drain.toFixed(0)} s`);
    return await gathered(world, staff, settings, {
      seconds: { burst: (churnAt - startedAt) / 1_000, churn: (drainAt - churnAt) / 1_000, drain },
      marks: { churnAt, wave, drainAt },
      faults: faults?.met ?? new Map(),
      statements: counted,
      postgresMs: postgresAfter === null ? null : postgresAfter - (postgresBefore ?? 0),
      own,
      lost: drain === null ? null : await disagreements(world, churn.wanted),
    });
  } finally {
    stopSampling();
    stopTelling();
    await faults?.stop().catch(() => undefined);
  }
}

/** Labs change until that is enough; half-way a quarter of them at once. Answers when that was. */
async function churned(
  world: SoakWorld,
  staff: Crew,
  churn: Churn,
  settings: SoakSettings,
  tell: (text: string) => void,
): Promise<Marks["wave"]> {
  const { churnMs, jobs, labs, changesPerSecond } = settings;
  const churnAt = Date.now();
  const changes = Math.max(1, Math.round((changesPerSecond * COMMIT_EVERY_MS) / 1_000));
  // Memory is judged also where a few jobs are enough.
  const isSampled = (): boolean =>
    staff.steady.told.filter((line) => line.tell === "sample" && line.at > churnAt).length >= LEAST_SAMPLES;
  const passed = async (share: number): Promise<boolean> =>
    Date.now() - churnAt >= share * churnMs || (jobs !== null && (await done(world)) >= share * jobs && isSampled());
  let wave: Marks["wave"] = null;
  let isPlanted = !settings.planted.includes("lost-lease");
  while (wave === null || !(await passed(1))) {
    if (!isPlanted) isPlanted = (await loseLease(world, staff.steady.name)).length > 0;
    if (wave === null && (await passed(0.5))) {
      await until(() => world.isPlanned());
      const from = Date.now();
      world.commit(churn.some(Math.ceil(labs / 4)));
      await until(() => world.isPlanned());
      wave = { from, to: Date.now() };
      tell("a quarter of all labs changed at once");
    } else world.commit(churn.some(changes));
    await delay(COMMIT_EVERY_MS);
    await world.approveHolds();
  }
  return wave;
}
