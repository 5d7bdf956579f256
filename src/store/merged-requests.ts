import { type Kysely, sql } from "kysely";
import type { Comparison } from "../core/types.ts";
import { reviewedAtHead } from "./pull-request-rows.ts";

type Merged = NonNullable<Comparison["pullRequest"]> & {
  /** It took the name's file away. */
  readonly removes: boolean;
};

/**
 * The pull request merged last that touches each of these names. `endsNow` only where labkeeper opened it for exactly
 * this lab: whatever else somebody adds to such a pull request is asked for grace as ever.
 */
export async function mergedLast(db: Kysely<unknown>, names: readonly string[]): Promise<ReadonlyMap<string, Merged>> {
  const { rows } = await sql<{ lab: string; number: number; removes: boolean; ends_now: boolean }>`
    select distinct on (l.lab) l.lab, p.number, l.action = 'destroy' as removes,
      l.action = 'destroy' and p.purpose = 'expire' and exists (
        select from own_requests o where o.pull_request = p.number and o.purpose = 'expire' and o.lab_id = l.lab_id) as ends_now
    from pull_request_labs l
    join pull_requests p on p.number = l.pull_request
    where l.lab = any (${names}::text[]) and p.state = 'merged' and ${reviewedAtHead}
    order by l.lab, p.ended_at desc, p.number desc
  `.execute(db);
  return new Map(rows.map(({ lab, number, removes, ends_now: endsNow }) => [lab, { number, removes, endsNow }]));
}

/** Those of these labs whose destruction was in a plan that was merged as planned. */
export async function reviewedDestroys(db: Kysely<unknown>, labIds: readonly string[]): Promise<ReadonlySet<string>> {
  if (labIds.length === 0) return new Set();
  const { rows } = await sql<{ lab_id: string }>`
    select distinct lab_id from lk_reviewed_labs where lab_id = any (${labIds}::uuid[])`.execute(db);
  return new Set(rows.map(({ lab_id }) => lab_id));
}
