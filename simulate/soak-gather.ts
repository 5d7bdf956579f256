/** What a soak found out, gathered from its database, its cloud and what its processes told. */

import type { Fault } from "./soak-faults.ts";
import { type LeasesLost, leasesLost } from "./soak-leases.ts";
import { nodeCpuMs, type Statement } from "./soak-load.ts";
import type { SoakProcess } from "./soak-processes.ts";
import type { SoakSettings } from "./soak-settings.ts";
import type { Crew } from "./soak-staff.ts";
import type { Told } from "./soak-told.ts";
import { type Marks, type Waits, waitsOf } from "./soak-waits.ts";
import type { SoakWorld } from "./soak-world.ts";

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

/** What the run itself knows. */
export type Ran = Pick<Soaked, "seconds" | "faults" | "statements" | "lost"> & {
  readonly marks: Marks;
  readonly postgresMs: number | null;
  /** Of the soak's own process. */
  readonly own: Memory["samples"];
};

export async function gathered(world: SoakWorld, staff: Crew, settings: SoakSettings, ran: Ran): Promise<Soaked> {
  const { marks, own, postgresMs, ...known } = ran;
  const { processes } = staff;
  const told = processes.flatMap((each) => each.told);
  const [jobs = { succeeded: 0, cancelled: 0, dead: 0 }] = await world.sql<Soaked["jobs"]>(
    `select count(*) filter (where state = 'succeeded')::int as succeeded, count(*) filter (where state = 'cancelled')::int
       as cancelled, count(*) filter (where state = 'dead')::int as dead from jobs`,
  );
  return {
    ...known,
    jobs,
    waits: await waitsOf(world, marks),
    cloud: await cloudFaults(world),
    troubles: countBy(told.flatMap((line) => (line.tell === "trouble" ? line.code : []))),
    leases: await leasesLost(world, processes, settings.leaseSeconds),
    memory: [...staff.lasting, { name: "the soak itself", told: own }].map((each) => memoryOf(each, marks)),
    cpu: {
      workers: nodeCpuMs(processes, "worker"),
      reconcilers: nodeCpuMs(processes, "reconciler"),
      soak: own.at(-1)?.cpuMs ?? 0,
      postgres: postgresMs,
    },
    cycles: told.filter(({ tell }) => tell === "cycle").length,
    ended: processes.flatMap(({ name, ownEnd }) => (ownEnd === null ? [] : `${name} ended by itself: ${ownEnd}`)),
  };
}

function memoryOf(
  { name, told }: Pick<SoakProcess, "name" | "told">,
  { churnAt, drainAt }: Pick<Marks, "churnAt" | "drainAt">,
): Memory {
  const warmAt = churnAt + WARM_UP * (drainAt - churnAt);
  const isOf = (line: Told): line is Memory["samples"][number] =>
    line.tell === "sample" && line.at > warmAt && line.at < drainAt;
  return { name, samples: told.filter(isOf) };
}

function countBy(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
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
