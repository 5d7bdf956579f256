import { sql } from "kysely";
import type { Cause, JobKind, JsonObject, Problem } from "../core/types.ts";
import type { HoldRow, LabDetail, LabEvent, LabSummary, ReadStore } from "../ports.ts";
import { type Db, guarded } from "./connection.ts";
import { type LabRow, type ListedRow, labFromRow, listedFromRow } from "./rows.ts";

/** A job as queries give it in one JSON value. */
export interface JobRow {
  readonly id: string;
  readonly kind: JobKind;
  readonly state: string;
  readonly step: string | null;
  readonly phase: string | null;
  readonly percent: number | null;
  readonly attempt: number;
  readonly since: string;
  readonly run_at: string;
  readonly position: number | null;
}

export const jobFromRow = (job: JobRow | null): LabSummary["job"] =>
  job && {
    id: job.id,
    kind: job.kind,
    state: job.state,
    step: job.step,
    phase: job.phase,
    percent: job.percent,
    attempt: job.attempt,
    since: new Date(job.since),
    runAt: new Date(job.run_at),
    position: job.position,
  };

/** A lab with the job that matters now: what runs, else what waits, else what died. */
const withJob = <Row>(row: ReturnType<typeof sql>, where: ReturnType<typeof sql>) => sql<{
  lab: Row;
  job: JobRow | null;
}>`
  with queue as (
    select id, row_number() over (order by lane, run_at, id) as position from jobs where state = 'queued'
  )
  select ${row} as lab, case when j.id is null then null else jsonb_build_object(
      'id', j.id, 'kind', j.kind, 'state', j.state, 'phase', j.phase, 'percent', j.percent, 'attempt', j.attempt,
      'since', coalesce(j.claimed_at, j.created_at), 'run_at', j.run_at, 'position', q.position,
      'step', (select step from job_steps s where s.job_id = j.id and s.finished_at is null order by started_at desc limit 1)
    ) end as job
  from labs l
  left join lateral (
    select * from jobs where lab_id = l.id and (state in ('running', 'queued') or (state = 'dead' and l.failure is not null))
    order by state = 'running' desc, state = 'queued' desc, created_at desc limit 1
  ) j on true
  left join queue q on q.id = j.id
  where ${where}
  order by l.team, l.name, l.created_at
`;

/** Median seconds of the latest provisions by profile; `profile` null: of all profiles. */
async function typicalSeconds(db: Db, profile: string | null): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ profile: string; seconds: number }>`
    select profile, percentile_cont(0.5) within group (order by seconds) as seconds from (
      select l.spec ->> 'profile' as profile, extract(epoch from j.finished_at - j.claimed_at)::float8 as seconds,
             row_number() over (partition by l.spec ->> 'profile' order by j.finished_at desc) as age
      from jobs j join labs l on l.id = j.lab_id
      where j.kind = 'provision' and j.state = 'succeeded' and (${profile}::text is null or l.spec ->> 'profile' = ${profile})
    ) latest
    where age <= 50 group by profile
  `.execute(db);
  return new Map(rows.map((row) => [row.profile, row.seconds]));
}

async function list(db: Db, all: boolean): Promise<LabSummary[]> {
  const listed = sql`to_jsonb(l) - 'intent'`;
  const { rows } = await withJob<ListedRow>(listed, all ? sql`true` : sql`l.current`).execute(db);
  // History is only worth a look when something is being made that it can foretell.
  const typical = rows.some(({ job }) => job?.state === "running")
    ? await typicalSeconds(db, null)
    : new Map<string, number>();
  return rows.map(({ lab, job }) => ({
    lab: listedFromRow(lab),
    job: jobFromRow(job),
    typicalSeconds: typical.get(lab.spec.profile) ?? null,
  }));
}

interface HoldRecord {
  readonly id: string;
  readonly lab: string;
  readonly team: string;
  readonly action: string;
  readonly guard: string;
  readonly message: string;
  readonly release: string;
  readonly state: string;
  readonly created_at: Date;
}

async function holds(db: Db, lab: string | null): Promise<HoldRow[]> {
  const { rows } = await sql<HoldRecord>`
    select id, lab, team, action, guard, message, release, state, created_at from holds
    where state in ('open', 'approved') and (${lab}::text is null or lab = ${lab}) order by created_at, id
  `.execute(db);
  return rows.map(({ created_at, ...row }) => ({ ...row, createdAt: created_at }));
}

interface StepRow {
  readonly job: string;
  readonly kind: JobKind;
  readonly attempt: number;
  readonly step: string;
  readonly started_at: Date;
  readonly finished_at: Date | null;
}

async function detail(db: Db, name: string): Promise<LabDetail | null> {
  const { rows: found } = await sql<{ id: string }>`
    select id from labs where name = ${name} order by current desc, created_at desc limit 1`.execute(db);
  const [first] = found;
  if (!first) return null;
  const { rows } = await withJob<LabRow>(sql`lk_lab(l)`, sql`l.id = ${first.id}`).execute(db);
  const [row] = rows;
  if (!row) return null;
  const { rows: steps } = await sql<StepRow>`
    select s.job_id as job, j.kind, s.attempt, s.step, s.started_at, s.finished_at
    from job_steps s join jobs j on j.id = s.job_id where j.lab_id = ${first.id} order by s.started_at
  `.execute(db);
  const { rows: rest } = await sql<{ outputs: JsonObject | null; receipt: JsonObject | null }>`
    select
      (select outputs from lab_outputs where lab_id = ${first.id}) as outputs,
      (select jsonb_build_object('id', id, 'provisioner', provisioner, 'createdAt', created_at, 'observations', observations)
         from destroy_receipts where lab_id = ${first.id} order by created_at desc limit 1) as receipt
  `.execute(db);
  return {
    lab: labFromRow(row.lab),
    job: jobFromRow(row.job),
    typicalSeconds: (await typicalSeconds(db, row.lab.spec.profile)).get(row.lab.spec.profile) ?? null,
    outputs: rest[0]?.outputs ?? {},
    receipt: rest[0]?.receipt ?? null,
    holds: await holds(db, name),
    steps: steps.map(({ started_at, finished_at, ...step }) => ({
      ...step,
      startedAt: started_at,
      finishedAt: finished_at,
    })),
  };
}

interface EventRow {
  readonly event_id: string;
  readonly event_type: string;
  readonly timestamp: Date;
  readonly lab_id: string | null;
  readonly lab: string | null;
  readonly actor: string;
  readonly cause: Cause | null;
  readonly correlation_id: string;
  readonly payload: JsonObject;
}

const labEvent = (row: EventRow): LabEvent => ({
  id: row.event_id,
  type: row.event_type,
  at: row.timestamp,
  labId: row.lab_id,
  lab: row.lab,
  actor: row.actor,
  cause: row.cause,
  correlationId: row.correlation_id,
  payload: row.payload,
});

/** Everything people look at. Changes nothing; works under the read-only role. */
export const readStore = (db: Db): ReadStore => ({
  labs: (all) => guarded(() => list(db, all)),
  lab: (name) => guarded(() => detail(db, name)),
  holds: () => guarded(() => holds(db, null)),
  problems: () =>
    guarded(async () => {
      const { rows } = await sql<{ path: string; problems: Problem[] }>`
        select path, problems from desired_labs d
        where document is null or (problems <> '[]' and not exists (
          select 1 from labs l where l.current and l.live and l.name = d.name))
        order by path`.execute(db);
      return rows;
    }),
  events: (name) =>
    guarded(async () => {
      const { rows } = await sql<EventRow>`
        select event_id, event_type, "timestamp", lab_id, lab, actor, cause, correlation_id, payload
        from lab_events where lab = ${name} order by seq`.execute(db);
      return rows.map(labEvent);
    }),
  queue: () =>
    guarded(async () => {
      const { rows } = await sql<{ queued: string; running: string; dead: string }>`
        select count(*) filter (where state = 'queued') as queued, count(*) filter (where state = 'running') as running,
               (select count(*) from labs l where l.live and l.failure is not null and not exists
                 (select from jobs w where w.lab_id = l.id and w.state in ('queued', 'running'))) as dead
        from jobs where state in ('queued', 'running')`.execute(db);
      const [row] = rows;
      return { queued: Number(row?.queued ?? 0), running: Number(row?.running ?? 0), dead: Number(row?.dead ?? 0) };
    }),
});
