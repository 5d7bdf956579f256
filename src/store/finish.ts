import { sql } from "kysely";
import { canMove, workingState } from "../core/states.ts";
import type { JobKind, LabState } from "../core/types.ts";
import { LabkeeperError } from "../errors.ts";
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
      return {
        event: `${kind}.dead`,
        job: "dead",
        lab: kind === "update" ? "ready" : outcome.timedOut ? "timed_out" : "failed_permanent",
      };
    case "released":
      return { event: `${kind}.released`, job: "queued", lab: null };
    case "cancelled":
      return { event: `${kind}.cancelled`, job: "cancelled", lab: kind === "update" ? "ready" : null };
  }
}

export interface Finish {
  readonly job: ClaimedJob;
  readonly outcome: JobOutcome;
}

/** Moves jobs, labs, events, receipts, outputs and leases together. @throws LK4004 when a lease is lost */
export async function finish(db: Db, finishes: readonly Finish[]): Promise<void> {
  const endings = finishes.map(({ job, outcome }) => {
    const ending = endingOf(job.kind, outcome);
    const from = workingState[job.kind];
    if (ending.lab && !canMove(from, ending.lab)) {
      throw new LabkeeperError("LK4005", `${job.lab.name}: ${from} cannot become ${ending.lab}`);
    }
    return {
      job: job.id,
      token: job.lease.token,
      event: ending.event,
      job_state: ending.job,
      lab_state: ending.lab,
      run_at: "retryAt" in outcome ? outcome.retryAt : null,
      failure: "failure" in outcome ? outcome.failure : null,
      outputs: "outputs" in outcome ? outcome.outputs : null,
      receipt: "receipt" in outcome ? outcome.receipt : null,
      payload: "failure" in outcome ? { failure: outcome.failure } : {},
      digest: job.lab.documentDigest,
    };
  });
  await sql`select lk_finish_jobs(${jsonb(endings)}::jsonb)`.execute(db);
}
