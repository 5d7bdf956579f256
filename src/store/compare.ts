import { sql, type Transaction } from "kysely";
import type { GuardFacts } from "../core/guard-facts.ts";
import { isLive } from "../core/states.ts";
import type { Comparison, DesiredFile, JobKind, JobState, Lab } from "../core/types.ts";
import type { DesiredChanges } from "../ports.ts";
import { type Db, guarded } from "./connection.ts";
import { differing } from "./differences.ts";
import { jsonb } from "./json.ts";
import { mergedLast, reviewedDestroys } from "./merged-requests.ts";
import { type DesiredRow, desiredFromRow, type LabRow, labFromRow, only } from "./rows.ts";

type Snapshot = Transaction<unknown>;

interface CompareResult {
  readonly comparisons: readonly Comparison[];
  readonly unchanged: number;
  readonly facts: Omit<GuardFacts, "historyRewritten">;
}

/**
 * Compares desired with observed in one snapshot. The transaction is read-only, so a dry run cannot change anything
 * even by mistake (promise P7). The database answers only names whose two sides differ or that something is due for:
 * it looks at those that changed since they were last found equal, and at all of them only for a whole catalog.
 */
export function compare(db: Db, changes: DesiredChanges, now: Date, windowHours: number): Promise<CompareResult> {
  return guarded(() =>
    db
      .transaction()
      .setIsolationLevel("repeatable read")
      .setAccessMode("read only")
      .execute(async (snapshot) => {
        const overlay = overlayOf(changes);
        const names = await differingNames(snapshot, changes, overlay, now);
        const comparisons = names.length === 0 ? [] : await compareNames(snapshot, changes, overlay, names);
        const facts = await guardFacts(snapshot, changes, overlay, comparisons, now, windowHours);
        const compared = comparisons.filter(({ lab }) => lab !== null && isLive(lab.state)).length;
        return { comparisons, unchanged: facts.liveLabs - compared, facts };
      }),
  );
}

/** What the changes would make of the recorded desired state: rows to leave out and rows to add. */
interface Overlay {
  readonly complete: boolean;
  readonly hidden: readonly string[];
  readonly narrow: string;
}

function overlayOf(changes: DesiredChanges): Overlay {
  const paths = changes.files.map(({ path }) => path);
  return {
    complete: changes.complete,
    hidden: changes.complete ? [] : [...changes.removed, ...paths],
    narrow: jsonb(changes.files.map(({ path, name, digest }) => ({ path, name, digest }))),
  };
}

/** Files that come with the changes, as (name, path, document_digest). */
const added = ({ narrow }: Overlay) =>
  sql`select name, path, digest as document_digest
    from jsonb_to_recordset(${narrow}::jsonb) as o(path text, name text, digest text)`;

/** Names whose two sides differ once the changes are made. */
function differingOnceChanged(overlay: Overlay) {
  const labs = sql`select name, path, document_digest from labs where current`;
  if (overlay.complete) return differing(added(overlay), labs);
  const suspect = sql`(select name from differences
    union select name from desired_labs where path = any (${overlay.hidden}::text[])
    union select name from (${added(overlay)}) a)`;
  const recorded = sql`select name, path, document_digest from desired_labs
    where name in ${suspect} and path <> all (${overlay.hidden}::text[])`;
  return differing(sql`${recorded} union all ${added(overlay)}`, sql`${labs} and name in ${suspect}`);
}

async function differingNames(
  snapshot: Snapshot,
  changes: DesiredChanges,
  overlay: Overlay,
  now: Date,
): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    ${differingOnceChanged(overlay)}
    union
    select name from labs where current and live and expires_at <= ${now} and destroy_cause is null
    union
    select name from labs where current and live and expires_at is null and destroy_cause is null
      and state in ('failed_permanent', 'timed_out')
      and created_at + make_interval(secs => (spec ->> 'ttlHours')::numeric * 3600) <= ${now}
    union
    select name from labs where leaving_until is not null and live
    union
    select l.name from labs l where l.current and l.name = any (
      select unnest(may_be) from desired_labs where document is null and not ${overlay.complete} and path <> all (${overlay.hidden}::text[]))
  `.execute(snapshot);
  const names = new Set(rows.map(({ name }) => name));
  for (const file of changes.files) for (const name of file.mayBe) names.add(name);
  return [...names].sort();
}

async function compareNames(
  snapshot: Snapshot,
  changes: DesiredChanges,
  overlay: Overlay,
  names: readonly string[],
): Promise<Comparison[]> {
  const files = new Map<string, DesiredFile[]>();
  const add = (file: DesiredFile): void => {
    for (const name of new Set([file.name, ...file.mayBe])) files.set(name, [...(files.get(name) ?? []), file]);
  };
  for (const file of changes.files) add(file);
  if (!overlay.complete) for (const file of await recordedFiles(snapshot, overlay, names)) add(file);
  const observed = await observedLabs(snapshot, names);
  const merged = await mergedLast(snapshot, names, changes.mergedMeanwhile);
  return names.map((name) => {
    const own = (files.get(name) ?? []).sort((a, b) => (a.path < b.path ? -1 : 1));
    const last = merged.get(name);
    return {
      name,
      files: own,
      lab: observed.get(name)?.lab ?? null,
      job: observed.get(name)?.job ?? null,
      // A file that is there was not left by a pull request that removed it, nor one that is gone taken by another.
      pullRequest: last && last.removes === (own.length === 0) ? { number: last.number, endsNow: last.endsNow } : null,
    };
  });
}

async function recordedFiles(snapshot: Snapshot, overlay: Overlay, names: readonly string[]): Promise<DesiredFile[]> {
  const { rows } = await sql<DesiredRow>`
    select path, blob_oid, name, may_be, team, document, document_digest, problems from desired_labs
    where path <> all (${overlay.hidden}::text[])
      and (name = any (${names}::text[]) or (document is null and may_be && ${names}::text[]))
  `.execute(snapshot);
  return rows.map(desiredFromRow);
}

interface Observed {
  readonly lab: Lab;
  readonly job: { readonly kind: JobKind; readonly state: JobState } | null;
}

async function observedLabs(snapshot: Snapshot, names: readonly string[]): Promise<Map<string, Observed>> {
  const { rows } = await sql<{ lab: LabRow; kind: JobKind | null; state: JobState | null }>`
    select lk_lab(l) as lab, j.kind, j.state
    from labs l
    left join lateral (
      select kind, state from jobs where lab_id = l.id and state in ('queued', 'running') order by state desc limit 1
    ) j on true
    where l.current and l.name = any (${names}::text[])
  `.execute(snapshot);
  return new Map(
    rows.map(({ lab, kind, state }) => [
      lab.name,
      { lab: labFromRow(lab), job: kind && state ? { kind, state } : null },
    ]),
  );
}

async function guardFacts(
  snapshot: Snapshot,
  changes: DesiredChanges,
  overlay: Overlay,
  comparisons: readonly Comparison[],
  now: Date,
  windowHours: number,
): Promise<CompareResult["facts"]> {
  const teams = [
    ...new Set(comparisons.flatMap(({ files, lab }) => [...files.map(({ team }) => team), ...(lab ? [lab.team] : [])])),
  ];
  const since = new Date(now.getTime() - windowHours * 3_600_000);
  const { rows } = await sql<{ live: string; kept: string; destroys: string; approved: string[] | null }>`
    select
      (select count(*) from labs where live) as live,
      (select count(*) from desired_labs) - (select count(*) from desired_labs where path = any (${overlay.hidden}::text[]))
        as kept,
      (select count(*) from labs where destroy_requested_at > ${since} and destroy_cause ->> 'kind' = 'commit')
        + (select count(*) from labs where leaving_since > ${since} and destroy_requested_at is null)
        + (select count(*) from labs where cut_short_at > ${since}
            and (destroy_cause is null or destroy_cause ->> 'kind' = 'expired')) as destroys,
      (select array_agg(id) from holds where state = 'approved') as approved
  `.execute(snapshot);
  const { rows: byTeam } = await sql<{ team: string; labs: string; cost: string }>`
    select team, count(*) as labs, sum(monthly_cost) as cost from labs
    where live and team = any (${teams}::text[]) group by team
  `.execute(snapshot);
  const fact = only(rows);
  return {
    liveLabs: Number(fact.live),
    liveLabsByTeam: new Map(byTeam.map(({ team, labs }) => [team, Number(labs)])),
    monthlyCostByTeam: new Map(byTeam.map(({ team, cost }) => [team, Number(cost)])),
    recentDestroys: Number(fact.destroys),
    catalogFiles: changes.files.length + (overlay.complete ? 0 : Number(fact.kept)),
    approvedHolds: new Set(fact.approved ?? []),
    reviewedDestroys: await reviewedDestroys(
      snapshot,
      comparisons.flatMap(({ lab }) => (lab ? [lab.id] : [])),
      changes.mergedMeanwhile,
    ),
  };
}
