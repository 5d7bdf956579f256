import { sql } from "kysely";
import type { Cause, JobKind, JsonObject } from "../core/types.ts";
import type { ClaimedJob, ClaimRequest, JobOutcome, WorkStore } from "../ports.ts";
import { batched } from "./batched.ts";
import { type Db, guarded } from "./connection.ts";
import { type Finish, finish } from "./finish.ts";
import { jsonb } from "./json.ts";
import { reserve } from "./reservations.ts";
import { type LabRow, labFromRow } from "./rows.ts";
import { runRecords } from "./run-records.ts";

/** A destroy that failed this often, or waits for long, is tried on for ever, but nobody waits for it. */
const STUCK_AFTER = 3;

interface ClaimedRow {
  readonly id: string;
  readonly kind: JobKind;
  readonly cause: Cause;
  readonly attempt: number;
  readonly max_attempts: number;
  readonly correlation_id: string;
  readonly token: number;
  readonly lab: LabRow;
  readonly done_steps: readonly string[];
  readonly recoveries: number;
  readonly poisonous: boolean;
  readonly outputs: JsonObject | null;
}

const claimedJob = (row: ClaimedRow, worker: string): ClaimedJob => ({
  id: row.id,
  kind: row.kind,
  lab: labFromRow(row.lab),
  cause: row.cause,
  attempt: row.attempt,
  maxAttempts: row.max_attempts,
  correlationId: row.correlation_id,
  lease: { resource: `lab:${row.lab.id}`, holder: worker, token: row.token },
  outputs: row.outputs ?? {},
  recoveries: row.recoveries,
  poisonous: row.poisonous,
  doneSteps: row.done_steps,
});

async function claim(db: Db, request: ClaimRequest): Promise<ClaimedJob[]> {
  const { worker, slots, destroySlots, leaseSeconds, limits } = request;
  const { rows } = await sql<{ job: ClaimedRow }>`
    select lk_claim_jobs(${worker}, ${slots}, ${destroySlots}, ${leaseSeconds},
      ${limits.jobs}, ${limits.creates}, ${limits.createsPerTeam}, ${limits.createsPerAccountRegion}) as job
  `.execute(db);
  return rows.map(({ job }) => claimedJob(job, worker));
}

async function beginSteps(
  db: Db,
  items: readonly { readonly job: ClaimedJob; readonly step: string; readonly previous: string | null }[],
): Promise<void> {
  const begins = items.map(({ job, step, previous }) => ({
    job: job.id,
    step,
    previous,
    attempt: job.attempt,
    token: job.lease.token,
    digest: job.lab.documentDigest,
  }));
  await sql`select lk_begin_steps(${jsonb(begins)}::jsonb)`.execute(db);
}

/** The queue as a worker sees it. */
export const queueStore = (db: Db): Pick<WorkStore, "claim" | "cancelRequested" | "nextRunIn" | "outstanding"> => ({
  claim: (request) => guarded(() => claim(db, request)),

  cancelRequested: (jobIds) =>
    guarded(async () => {
      if (jobIds.length === 0) return [];
      const { rows } = await sql<{ id: string }>`
        select id from jobs where id = any (${jobIds}::uuid[]) and cancel_requested`.execute(db);
      return rows.map(({ id }) => id);
    }),

  nextRunIn: () =>
    guarded(async () => {
      const { rows } = await sql<{ ms: string | null }>`
        select extract(epoch from min(run_at) - clock_timestamp()) * 1000 as ms from jobs where state = 'queued'`.execute(
        db,
      );
      const ms = rows[0]?.ms;
      return ms === null || ms === undefined ? null : Math.max(0, Math.ceil(Number(ms)));
    }),

  outstanding: () =>
    guarded(async () => {
      const { rows } = await sql<{ n: string }>`
        select count(*) as n from jobs
        where state = 'running' or (state = 'queued' and not (kind = 'destroy' and attempt > 0
          and (attempt >= ${STUCK_AFTER} or run_at > clock_timestamp() + interval '5 minutes')))`.execute(db);
      return Number(rows[0]?.n ?? 0);
    }),
});

/** What runs write. All of it carries the lease's token; the database refuses an old one (promise P3). */
export const workStore = (
  db: Db,
): Pick<WorkStore, "beginStep" | "finish" | "reserve" | "recordIntent" | "recordOutputs" | "recordProgress"> => ({
  beginStep: batched(
    async (items: readonly { job: ClaimedJob; step: string; previous: string | null }[]) => {
      await guarded(() => beginSteps(db, items));
    },
    (job: ClaimedJob, step: string, previous: string | null) => ({ job, step, previous }),
  ),

  ...runRecords(db),

  finish: batched(
    (items: readonly Finish[]) => guarded(() => finish(db, items)),
    (job: ClaimedJob, outcome: JobOutcome) => ({ job, outcome }),
  ),

  reserve: (job, needs) => reserve(db, job, needs),
});
