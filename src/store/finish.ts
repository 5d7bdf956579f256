import { sql } from "kysely";
import type { JobKind, LabState } from "../core/types.ts";
import type { ClaimedJob, JobOutcome } from "../ports.ts";
import type { Db } from "./connection.ts";
import { jsonb } from "./json.ts";

/** What an outcome does to job and lab; null leaves the lab where it is. */
interface Ending {
  readonly event: string;
  readonly job: "succeeded" | "queued" | "dead" | "cancelled";
  readonly lab: LabState | null;
}

/** Where a failed run leaves the lab: a failed update leaves a lab that still serves. */
const whileWaiting: Record<JobKind, LabState> = { provision: "failed", update: "ready", destroy: "destroy_failed" };

function endingOf(kind: JobKind, outcome: JobOutcome): Ending {
  switch (outcome.kind) {
    case "provisioned":
      return { event: "provision.completed", job: "succeeded", lab: "ready" };
    case "updated":
      return { event: "update.completed", job: "succeeded", lab: "ready" };
    case "destroyed":
      return { event: "destroy.completed", job: "succeeded", lab: "destroyed" };
    case "retry":
      return { event: `${kind}.failed`, job: "queued", lab: whileWaiting[kind] };
    case "dead":
      return { event: `${kind}.dead`, job: "dead", lab: kind === "update" ? "ready" : outcome.timedOut ? "timed_out" : "failed_permanent" };
    case "released":
      return { event: `${kind}.released`, job: "queued", lab: null };
    case "cancelled":
      return { event: `${kind}.cancelled`, job: "cancelled", lab: kind === "update" ? "ready" : null };
  }
}

/** Moves job, lab, event, receipt, outputs and lease together. @throws LK4004 when the lease is lost */
export async function finish(db: Db, job: ClaimedJob, outcome: JobOutcome): Promise<void> {
  const ending = endingOf(job.kind, outcome);
  const failure = "failure" in outcome ? jsonb(outcome.failure) : null;
  const outputs = "outputs" in outcome ? jsonb(outcome.outputs) : null;
  const receipt = "receipt" in outcome ? jsonb(outcome.receipt) : null;
  const payload = "failure" in outcome ? jsonb({ failure: outcome.failure }) : "{}";
  await sql`
    select lk_finish_job(${job.id}, ${job.lease.token}, ${ending.event}, ${ending.job}, ${ending.lab},
      ${"retryAt" in outcome ? outcome.retryAt : null}, ${failure}::jsonb, ${outputs}::jsonb, ${receipt}::jsonb, ${payload}::jsonb)
  `.execute(db);
}
