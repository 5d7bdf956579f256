import { type Kysely, sql } from "kysely";
import type { ReviewedChange } from "../core/pull-request.ts";
import type { Cause, FailureRecord, JsonObject, LabState } from "../core/types.ts";
import type { BoardRow } from "../github-ports.ts";
import { durations } from "./durations.ts";
import { type JobRow, jobFromRow } from "./reads.ts";

interface Row {
  readonly lab: string;
  readonly team: string;
  readonly action: ReviewedChange["action"];
  readonly lab_id: string | null;
  readonly state: LabState | null;
  readonly state_since: Date | null;
  readonly profile: string | null;
  readonly expires_at: Date | null;
  readonly expiring: boolean | null;
  readonly leaving_until: Date | null;
  readonly destroy_cause: Cause | null;
  readonly failure: FailureRecord | null;
  readonly outputs: JsonObject | null;
  readonly job: JobRow | null;
  readonly failed_job: string | null;
  readonly holds: BoardRow["holds"];
  readonly receipt: ReceiptRow | null;
  readonly expiry_request: number | null;
}

interface ReceiptRow {
  readonly at: string;
  readonly provisioner: string;
  readonly observations: readonly { readonly at: string; readonly evidence: readonly string[] }[];
  readonly checked: readonly string[];
}

/** The labs of a merged pull request as they are now, by name; none of one that is not merged. */
export async function board(db: Kysely<unknown>, pullRequest: number): Promise<readonly BoardRow[]> {
  const { rows } = await boardRows(pullRequest).execute(db);
  const making = rows.flatMap(({ profile, job }) => (profile !== null && job?.kind === "provision" ? [profile] : []));
  const typical = new Map((await durations(db, [...new Set(making)])).map(({ profile, p50 }) => [profile, p50]));
  return rows.map((row) => ({
    name: row.lab,
    team: row.team,
    action: row.action,
    labId: row.lab_id,
    state: row.state,
    since: row.state_since,
    job: jobFromRow(row.job),
    typicalSeconds: row.profile === null ? null : (typical.get(row.profile) ?? null),
    outputs: row.outputs ?? {},
    expiresAt: row.expires_at,
    expiring: row.expiring ?? false,
    leavingUntil: row.leaving_until,
    destroyCause: row.destroy_cause,
    failure: failureFrom(row.failure),
    failedJobId: row.failed_job,
    holds: row.holds,
    receipt: receiptFrom(row.receipt),
    expiryRequest: row.expiry_request,
  }));
}

const failureFrom = (failure: FailureRecord | null): BoardRow["failure"] =>
  failure && {
    code: failure.code,
    message: failure.message,
    remedy: failure.remedy,
    step: failure.step,
    retryAt: failure.retryAt,
  };

const receiptFrom = (receipt: ReceiptRow | null): BoardRow["receipt"] =>
  receipt && {
    at: new Date(receipt.at),
    provisioner: receipt.provisioner,
    observations: receipt.observations.map(({ at, evidence }) => ({ at, evidence })),
    checkedAgain: receipt.checked.map((at) => new Date(at)),
  };

/** The lab of `l`, a row of `pull_request_labs`: the one that is known, else the one of the name made after the merge. */
const itsLab = sql`
  select b.* from labs b
  where b.id = l.lab_id or (
    l.lab_id is null and l.action <> 'destroy' and b.name = l.lab and b.created_at > p.ended_at - interval '2 minutes'
    and not exists (select from pull_request_labs o where o.lab_id = b.id))
  order by b.live desc, b.created_at desc limit 1`;

/** Only the last pull request that touches a name tells of what is held there and has no lab yet. */
const isLatest = sql`not exists (
  select from pull_request_labs o join pull_requests q on q.number = o.pull_request
  where o.lab = l.lab and q.state = 'merged' and (q.ended_at, q.number) > (p.ended_at, p.number))`;

const boardRows = (pullRequest: number) => sql<Row>`
  with queue as (
    select id, row_number() over (order by lane, run_at, id) as position from jobs where state = 'queued'
  )
  select l.lab, coalesce(b.team, l.team) as team, l.action, b.id as lab_id, b.state, b.state_since, b.spec ->> 'profile' as profile,
    b.expires_at, b.warned_at is not null as expiring, b.leaving_until, b.destroy_cause, b.failure,
    (select outputs from lab_outputs where lab_id = b.id) as outputs,
    case when j.id is not null then jsonb_build_object(
      'id', j.id, 'kind', j.kind, 'state', j.state, 'phase', j.phase, 'percent', j.percent, 'attempt', j.attempt,
      'since', coalesce(j.claimed_at, j.created_at), 'run_at', j.run_at,
      'position', q.position,
      'step', (select step from job_steps s where s.job_id = j.id and s.finished_at is null order by started_at desc limit 1)
    ) end as job,
    case when b.failure is not null then (
      select id from jobs f where f.lab_id = b.id and f.failure is not null
      order by coalesce(f.finished_at, f.claimed_at, f.created_at) desc limit 1) end as failed_job,
    (select coalesce(jsonb_agg(jsonb_build_object('id', h.id, 'guard', h.guard, 'message', h.message, 'release', h.release,
        'state', h.state, 'approvable', h.approvable) order by h.created_at, h.id), '[]')
      from holds h
      where h.lab = l.lab and h.state in ('open', 'approved') and (h.lab_id = b.id or ${isLatest})) as holds,
    (select jsonb_build_object('at', r.created_at, 'provisioner', r.provisioner, 'observations', r.observations,
        'checked', (select coalesce(jsonb_agg(c.checked_at order by c.checked_at), '[]') from receipt_checks c
          where c.receipt_id = r.id and c.observation ->> 'verdict' = 'absent'))
      from destroy_receipts r where r.id = b.receipt_id) as receipt,
    (select o.pull_request from own_requests o join pull_requests q on q.number = o.pull_request and q.state = 'open'
      where o.lab_id = b.id and o.purpose = 'expire' and o.closed_at is null
      order by o.created_at desc limit 1) as expiry_request
  from pull_request_labs l
  join pull_requests p on p.number = l.pull_request and p.state = 'merged'
  left join lateral (${itsLab}) b on true
  left join lateral (
    select * from jobs where lab_id = b.id and (state in ('running', 'queued') or (state = 'dead' and b.failure is not null))
    order by state = 'running' desc, state = 'queued' desc, created_at desc limit 1
  ) j on true
  left join queue q on q.id = j.id
  where l.pull_request = ${pullRequest}
  order by l.lab`;
