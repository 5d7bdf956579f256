import { type Kysely, sql } from "kysely";
import type { PullRequest } from "../core/pull-request.ts";
import type { Comparison } from "../core/types.ts";
import { jsonb } from "./json.ts";

type Merged = NonNullable<Comparison["pullRequest"]> & {
  /** It took the name's file away. */
  readonly removes: boolean;
};

/** Merges that the host tells of and nothing records yet, as `lk_reviewed_labs_with` reads them. */
const heard = (meanwhile: readonly PullRequest[]): string =>
  jsonb(
    meanwhile.map(({ number, head, endedAt, updatedAt }) => ({
      number,
      head_commit: head.commit,
      ended_at: endedAt ?? updatedAt,
      updated_at: updatedAt,
    })),
  );

/**
 * The pull request merged last that touches each of these names. `endsNow` only where labkeeper opened it for exactly
 * this lab: whatever else somebody adds to such a pull request is asked for grace as ever. One probe a name, or a plan
 * over many names would read whatever was merged in all the years.
 */
export async function mergedLast(
  db: Kysely<unknown>,
  names: readonly string[],
  meanwhile: readonly PullRequest[] = [],
): Promise<ReadonlyMap<string, Merged>> {
  const { rows } = await sql<{ lab: string; number: number; removes: boolean; ends_now: boolean }>`
    select n.lab, x.number, x.removes,
      x.removes and x.purpose = 'expire' and exists (
        select from own_requests o where o.pull_request = x.number and o.purpose = 'expire' and o.lab_id = x.lab_id) as ends_now
    from unnest(${names}::text[]) as n(lab)
    cross join lateral (
      select p.number, p.purpose, l.lab_id, l.action = 'destroy' as removes
      from pull_request_labs l join pull_requests p on p.number = l.pull_request
      left join jsonb_to_recordset(${heard(meanwhile)}::jsonb)
        as m(number integer, head_commit text, ended_at timestamptz, updated_at timestamptz)
        on m.number = p.number and p.state <> 'merged' and p.updated_at <= m.updated_at
      where l.lab = n.lab and (p.state = 'merged' or m.number is not null) and exists (
        select from reviews h where h.pull_request = p.number and h.head_commit = coalesce(m.head_commit, p.head_commit))
      order by coalesce(m.ended_at, p.ended_at) desc, p.number desc limit 1
    ) x
  `.execute(db);
  return new Map(rows.map(({ lab, number, removes, ends_now: endsNow }) => [lab, { number, removes, endsNow }]));
}

/** Those of these labs whose destruction was in a plan that was merged as planned. */
export async function reviewedDestroys(
  db: Kysely<unknown>,
  labIds: readonly string[],
  meanwhile: readonly PullRequest[] = [],
): Promise<ReadonlySet<string>> {
  if (labIds.length === 0) return new Set();
  const { rows } = await sql<{ lab_id: string }>`
    select n.lab_id from unnest(${labIds}::uuid[]) as n(lab_id)
    cross join lateral (
      select from lk_reviewed_labs_with(${heard(meanwhile)}::jsonb) v where v.lab_id = n.lab_id limit 1) v`.execute(db);
  return new Set(rows.map(({ lab_id }) => lab_id));
}
