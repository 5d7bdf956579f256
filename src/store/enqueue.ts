import { type Kysely, sql } from "kysely";
import type { Cause, JobKind } from "../core/types.ts";
import { jsonb } from "./json.ts";

export interface NewJob {
  readonly labId: string;
  readonly kind: JobKind;
  readonly cause: Cause;
  readonly correlationId: string;
}

/**
 * Locks the open jobs of labs until the transaction ends. Everybody locks jobs before leases, labs and differences, and
 * rows of one kind in the order of their keys (migrations/0008_recovery.sql), so whoever is about to change labs and
 * their jobs begins with this.
 */
export async function lockJobs(tx: Kysely<unknown>, labIds: readonly string[]): Promise<void> {
  if (labIds.length === 0) return;
  await sql`select 1 from jobs where lab_id = any (${labIds}::uuid[]) and state in ('queued', 'running')
    order by id for no key update`.execute(tx);
}

/**
 * Queues jobs for labs, one a lab. A destroy displaces whatever was queued and asks what runs to stop; another job
 * that finds one queued leaves it there, since that one will read the lab's newest spec when it is claimed.
 * Attempts come from the policy pinned with the lab. Answers how many were queued.
 */
export async function enqueue(tx: Kysely<unknown>, jobs: readonly NewJob[]): Promise<number> {
  if (jobs.length === 0) return 0;
  await lockJobs(
    tx,
    jobs.map(({ labId }) => labId),
  );
  const destroyed = jobs.filter(({ kind }) => kind === "destroy").map(({ labId }) => labId);
  if (destroyed.length > 0) {
    await sql`update jobs set state = 'cancelled', finished_at = clock_timestamp()
      where lab_id = any (${destroyed}::uuid[]) and state = 'queued' and kind <> 'destroy'`.execute(tx);
    await sql`update jobs set cancel_requested = true
      where lab_id = any (${destroyed}::uuid[]) and state = 'running' and kind <> 'destroy'`.execute(tx);
  }
  const { numAffectedRows } = await sql`
    insert into jobs (lab_id, kind, team, account_region, max_attempts, cause, correlation_id)
    select l.id, r.kind, l.team, l.account_region, (p.spec -> 'lifecycle' ->> 'maxAttempts')::int, r.cause, r."correlationId"
    from jsonb_to_recordset(${jsonb(jobs)}::jsonb) as r("labId" uuid, kind text, cause jsonb, "correlationId" uuid)
    join labs l on l.id = r."labId" join policies p on p.digest = l.policy_digest
    on conflict (lab_id) where state = 'queued' do nothing
  `.execute(tx);
  return Number(numAffectedRows ?? 0);
}
