/** How long jobs wait from when they may run until a worker has them. */

import { type Spread, spreadOf } from "./soak-figures.ts";
import type { SoakWorld } from "./soak-world.ts";

export type Phase = "burst" | "churn" | "wave" | "retry";

export interface Waits {
  readonly phase: Phase;
  readonly kind: string;
  readonly spread: Spread;
}

/** Times in milliseconds since 1970. */
export interface Marks {
  /** When the first labs were made and the churn began. */
  readonly churnAt: number;
  /** Between these a fifth of all labs was replaced at once; null: that was not done. */
  readonly wave: { readonly from: number; readonly to: number } | null;
  /** From here on waiting jobs are hurried, which says nothing. */
  readonly drainAt: number;
}

interface Start {
  readonly kind: string;
  readonly created: number;
  /** When the job of the same lab that was before it ended; null: there was none. */
  readonly freed: number | null;
  /** When its own failure said that it is to be tried again; null: it did not fail before. */
  readonly again: number | null;
  readonly at: number;
}

export function phaseOf(start: Start, { churnAt, wave }: Marks): Phase {
  if (start.again !== null) return "retry";
  if (start.created < churnAt) return "burst";
  return wave !== null && start.created >= wave.from && start.created < wave.to ? "wave" : "churn";
}

/** Seconds. A job may run once it is queued and nothing of its lab runs; one that failed, when it is to be tried again. */
export const waitOf = ({ created, freed, again, at }: Start): number =>
  Math.max(0, at - (again ?? Math.max(created, freed ?? 0))) / 1_000;

/** Counted from the begin of the transaction that queued it, so planning is in it. */
export async function waitsOf(world: SoakWorld, marks: Marks): Promise<readonly Waits[]> {
  const starts = await world.sql<Start>(
    `with told as (
       select lab_id, event_type, seq, "timestamp", payload, split_part(event_type, '.', 1) as kind, payload ->> 'job' as job,
         event_type like '%.started' as starts,
         max(extract(epoch from "timestamp")::float8 * 1000) filter (where event_type not like '%.started')
           over (partition by lab_id order by seq rows between unbounded preceding and 1 preceding) as freed,
         lag(payload #>> '{failure,retryAt}') over (partition by payload ->> 'job' order by seq) as again
       from lab_events where source = 'worker' and event_type <> 'intent.recorded')
     select t.kind, extract(epoch from j.created_at)::float8 * 1000 as created, t.freed,
       extract(epoch from t.again::timestamptz)::float8 * 1000 as again, extract(epoch from t."timestamp")::float8 * 1000 as at
     from told t join jobs j on j.id = t.job::uuid
     where t.starts and (t.payload ->> 'recoveries')::int = 0 and t."timestamp" < to_timestamp($1)`,
    [marks.drainAt / 1_000],
  );
  const groups = new Map<string, { readonly phase: Phase; readonly kind: string; readonly waits: number[] }>();
  for (const start of starts) {
    const phase = phaseOf(start, marks);
    const key = `${phase} ${start.kind}`;
    const group = groups.get(key) ?? { phase, kind: start.kind, waits: [] };
    groups.set(key, group);
    group.waits.push(waitOf(start));
  }
  const order: readonly Phase[] = ["burst", "churn", "wave", "retry"];
  return [...groups.values()]
    .flatMap(({ phase, kind, waits }) => {
      const spread = spreadOf(waits);
      return spread === null ? [] : [{ phase, kind, spread }];
    })
    .sort((a, b) => order.indexOf(a.phase) - order.indexOf(b.phase) || (a.kind < b.kind ? -1 : 1));
}

/**
 * Destroys that wait longer than the creates that were queued with them: they go first, because they end costs.
 * A second for claims and commits, which come one after the other.
 */
export function starved(waits: readonly Waits[]): string | null {
  const of = (kind: string) => waits.find((each) => each.phase === "wave" && each.kind === kind)?.spread;
  const [destroys, creates] = [of("destroy"), of("provision")];
  if (destroys === undefined || creates === undefined || destroys.p99 <= creates.p99 + 1) return null;
  return `destroys waited for ${destroys.p99.toFixed(1)} s (p99), creates beside them for ${creates.p99.toFixed(1)} s`;
}
