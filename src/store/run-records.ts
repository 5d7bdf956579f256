import { sql } from "kysely";
import type { JsonObject } from "../core/types.ts";
import type { ClaimedJob, WorkStore } from "../ports.ts";
import { batched } from "./batched.ts";
import { type Db, guarded } from "./connection.ts";
import { jsonb } from "./json.ts";

/** What runs record on their way between two steps. */
export const runRecords = (db: Db): Pick<WorkStore, "recordIntent" | "recordOutputs" | "recordProgress"> => ({
  recordIntent: batched(
    async (intents: readonly object[]) => {
      await guarded(() => sql`select lk_record_intents(${jsonb(intents)}::jsonb)`.execute(db));
    },
    (job: ClaimedJob, intent: JsonObject) => ({
      job: job.id,
      lab: job.lab.id,
      token: job.lease.token,
      intent,
      actor: job.lease.holder,
      cause: job.cause,
      correlation_id: job.correlationId,
    }),
  ),

  recordOutputs: batched(
    async (outputs: readonly object[]) => {
      await guarded(() => sql`select lk_record_outputs(${jsonb(outputs)}::jsonb)`.execute(db));
    },
    (job: ClaimedJob, outputs: JsonObject) => ({ lab: job.lab.id, token: job.lease.token, outputs }),
  ),

  recordProgress: batched(
    async (progress: readonly object[]) => {
      // A job that spoke twice in one batch: the last word counts. Locked in one order, for runs end meanwhile.
      await guarded(() =>
        sql`
          with told as materialized (
            select distinct on (job) job, token, phase, percent
            from rows from (jsonb_to_recordset(${jsonb(progress)}::jsonb)
              as (job uuid, token bigint, phase text, percent smallint)) with ordinality
            order by job, ordinality desc
          ),
          running as materialized (
            select j.id from jobs j join told p on p.job = j.id
            where j.state = 'running' and j.token = p.token order by j.id for no key update of j
          )
          update jobs j set phase = p.phase, percent = p.percent
          from told p join running r on r.id = p.job
          where j.id = p.job and j.state = 'running' and j.token = p.token`.execute(db),
      );
    },
    (job: ClaimedJob, phase: string, percent: number | null) => ({
      job: job.id,
      token: job.lease.token,
      phase,
      percent: percent === null ? null : Math.round(percent),
    }),
  ),
});
