/** Leases that were lost while their process lived and ran. */

import type { SoakProcess } from "./soak-processes.ts";
import type { Told } from "./soak-told.ts";
import type { SoakWorld } from "./soak-world.ts";

export interface LeasesLost {
  /** Why each of them counts. */
  readonly lost: readonly string[];
  /** Taken over from a process that was killed, or stood still for longer than its lease: it was not running. */
  readonly takenOver: { readonly killed: number; readonly paused: number };
  /** Taken over because the answer to the claim was cut off: the worker never knew that it had them. */
  readonly unanswered: number;
  /** Writes after a pause that the database refused, as it has to. */
  readonly refusedAfterPause: number;
  /** Writes refused as lost that had been taken: only the answer to them had been cut off. */
  readonly takenAlready: number;
}

export interface TakeOver {
  readonly lab: string;
  readonly holder: string;
  /** When the one that lost it had claimed it, and when another did. Milliseconds since 1970. */
  readonly claimedAt: number;
  readonly at: number;
}

type Life = Pick<SoakProcess, "name" | "told" | "pauses" | "killedAt">;
export type Excuse = "killed" | "paused" | "unanswered" | null;

/** Why a process could not keep a lease that was claimed anew at a time; null: it lived and ran, so that it is lost. */
export function excuseOf({ told, pauses, killedAt }: Life, { claimedAt, at }: TakeOver, leaseMs: number): Excuse {
  if (killedAt <= at) return "killed";
  // A lease that ended was renewed at most its own length before: a pause may have ended meanwhile.
  if (pauses.some(({ from, to }) => from <= at && to >= at - 2 * leaseMs && Math.min(to, at) - from >= leaseMs / 2))
    return "paused";
  const isUnanswered = (line: Told): boolean =>
    line.tell === "unanswered" && line.from <= claimedAt && line.at >= claimedAt;
  return told.some(isUnanswered) ? "unanswered" : null;
}

const timeOf = (at: number): string => new Date(at).toISOString().slice(11, 19);

/** Whether a process had stood still shortly before it said something. */
const wokeBefore = ({ pauses }: Life, at: number, leaseMs: number): boolean =>
  pauses.some(({ from, to }) => from <= at && at - to <= leaseMs);

async function takeOvers(world: SoakWorld): Promise<readonly TakeOver[]> {
  return await world.sql<TakeOver>(`
    select lab, before as holder, claimed * 1000 as "claimedAt", at * 1000 as at from (
      select lab, (payload ->> 'recoveries')::int as recoveries, extract(epoch from "timestamp")::float8 as at,
        lag(actor) over job as before, lag(extract(epoch from "timestamp")::float8) over job as claimed
      from lab_events where event_type like '%.started' and source = 'worker'
      window job as (partition by payload ->> 'job' order by seq)
    ) as started where recoveries > 0`);
}

/** Whether the run that was refused had ended by this worker's own word before. */
async function wasTaken(world: SoakWorld, worker: string, job: string): Promise<boolean> {
  const rows = await world.sql(
    `select 1 from lab_events ended where actor = $1 and payload ->> 'job' = $2 and source = 'worker'
       and event_type !~ '(started|recorded)$' and not exists (
         select 1 from lab_events later where later.lab = ended.lab and later.seq > ended.seq
           and later.payload ->> 'job' = $2 and later.actor = $1 and later.event_type like '%.started')`,
    [worker, job],
  );
  return rows.length > 0;
}

export async function leasesLost(
  world: SoakWorld,
  processes: readonly Life[],
  leaseSeconds: number,
): Promise<LeasesLost> {
  const leaseMs = leaseSeconds * 1_000;
  const lost: string[] = [];
  const takenOver = { killed: 0, paused: 0 };
  let unanswered = 0;
  for (const each of await takeOvers(world)) {
    const life = processes.find(({ name }) => name === each.holder);
    const excuse = life === undefined ? null : excuseOf(life, each, leaseMs);
    if (excuse === null)
      lost.push(
        `${each.lab} was taken over from ${each.holder}, which lived: claimed at ${timeOf(each.claimedAt)}, taken at ${timeOf(each.at)}`,
      );
    else if (excuse === "unanswered") unanswered += 1;
    else takenOver[excuse] += 1;
  }
  let refusedAfterPause = 0;
  let takenAlready = 0;
  for (const life of processes)
    for (const line of life.told) {
      if (line.tell !== "refused" && line.tell !== "unrenewed") continue;
      if (wokeBefore(life, line.at, leaseMs)) refusedAfterPause += 1;
      else if (line.tell === "unrenewed") lost.push(`${life.name} could not renew ${line.labs.join(", ")}`);
      else if (await wasTaken(world, life.name, line.job)) takenAlready += 1;
      else lost.push(`${life.name} was refused a write for ${line.lab}`);
    }
  return { lost, takenOver, unanswered, refusedAfterPause, takenAlready };
}
