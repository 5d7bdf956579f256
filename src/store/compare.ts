import { sql, type Transaction } from "kysely";
import { isLive } from "../core/states.ts";
import type { Comparison, DesiredFile, GuardFacts, JobKind, JobState, Lab } from "../core/types.ts";
import type { DesiredChanges } from "../ports.ts";
import { type Db, guarded } from "./connection.ts";
import { jsonb } from "./json.ts";
import { type DesiredRow, desiredFromRow, type LabRow, labFromRow, only } from "./rows.ts";

type Snapshot = Transaction<unknown>;

interface CompareResult {
  readonly comparisons: readonly Comparison[];
  readonly unchanged: number;
  readonly facts: Omit<GuardFacts, "historyRewritten">;
}

/**
 * Compares desired with observed in one snapshot. The transaction is read-only, so a dry run cannot change anything
 * even by mistake (promise P7). The database answers only names whose two sides differ or that something is due for;
 * the cost of a quiet cycle is one merge over two narrow indexes, whatever the labs weigh.
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
        const facts = await guardFacts(snapshot, overlay, comparisons, now, windowHours);
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
  readonly isEmpty: boolean;
}

function overlayOf(changes: DesiredChanges): Overlay {
  const paths = changes.files.map(({ path }) => path);
  return {
    complete: changes.complete,
    hidden: changes.complete ? [] : [...changes.removed, ...paths],
    narrow: jsonb(changes.files.map(({ path, name, digest }) => ({ path, name, digest }))),
    isEmpty: !changes.complete && paths.length === 0 && changes.removed.length === 0,
  };
}

/** The desired side as (path, name, digest), with the overlay applied. */
function desiredSide(overlay: Overlay) {
  const recorded = sql`select path, name, document_digest from desired_labs`;
  if (overlay.isEmpty) return recorded;
  const added = sql`select path, name, digest from jsonb_to_recordset(${overlay.narrow}::jsonb) as o(path text, name text, digest text)`;
  if (overlay.complete) return added;
  return sql`${recorded} where path <> all (${overlay.hidden}::text[]) union all ${added}`;
}

async function differingNames(
  snapshot: Snapshot,
  changes: DesiredChanges,
  overlay: Overlay,
  now: Date,
): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    with desired (path, name, document_digest) as (${desiredSide(overlay)})
    select coalesce(d.name, l.name) as name
      from desired d full join (select name, document_digest, path from labs where current) l on l.name = d.name
      where d.name is null or l.name is null
        or l.document_digest is distinct from d.document_digest or l.path <> d.path
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
  return names.map((name) => ({
    name,
    files: (files.get(name) ?? []).sort((a, b) => (a.path < b.path ? -1 : 1)),
    lab: observed.get(name)?.lab ?? null,
    job: observed.get(name)?.job ?? null,
  }));
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
  overlay: Overlay,
  comparisons: readonly Comparison[],
  now: Date,
  windowHours: number,
): Promise<CompareResult["facts"]> {
  const teams = [
    ...new Set(comparisons.flatMap(({ files, lab }) => [...files.map(({ team }) => team), ...(lab ? [lab.team] : [])])),
  ];
  const since = new Date(now.getTime() - windowHours * 3_600_000);
  const { rows } = await sql<{ live: string; files: string; destroys: string; approved: string[] | null }>`
    select
      (select count(*) from labs where live) as live,
      (select count(*) from (${desiredSide(overlay)}) d) as files,
      (select count(*) from labs where destroy_requested_at > ${since} and destroy_cause ->> 'kind' = 'commit')
        + (select count(*) from labs where leaving_since > ${since} and destroy_requested_at is null) as destroys,
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
    catalogFiles: Number(fact.files),
    approvedHolds: new Set(fact.approved ?? []),
  };
}
