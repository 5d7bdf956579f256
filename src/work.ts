/** Story 2: one claimed job, its steps, and what became of it. */

import { redactor } from "./core/redact.ts";
import { nextRetry } from "./core/retry.ts";
import type { FailureRecord } from "./core/types.ts";
import { LabkeeperError, remedyFor } from "./errors.ts";
import { destroy } from "./execute/destroy.ts";
import { untilRecorded } from "./execute/persist.ts";
import { provision } from "./execute/provision.ts";
import { beginRun, type RunDeps } from "./execute/run.ts";
import { type Findings, remaining, type Step } from "./execute/step.ts";
import { update } from "./execute/update.ts";
import type { ClaimedJob, JobOutcome, Reporter, WorkStore } from "./ports.ts";

export interface WorkDeps extends RunDeps {
  readonly store: Pick<
    WorkStore,
    "beginStep" | "recordIntent" | "recordOutputs" | "recordProgress" | "reserve" | "finish"
  >;
  readonly reporter: Reporter;
  /** In [0, 1): spreads retries. */
  random(): number;
}

/** Why a run is stopped from outside; the abort signal's reason. */
export type StopReason = "cancelled" | "lease-lost" | "shutdown";

export interface Control {
  readonly signal: AbortSignal;
  /** Aborted when the lease is lost, whatever `signal` was aborted for before. */
  readonly lost?: AbortSignal;
  /** True once the process wants to leave: the run ends at its next durable point. */
  leaving(): boolean;
}

const STEPS: Record<ClaimedJob["kind"], readonly Step[]> = { provision, update, destroy };

/**
 * Runs a job's steps, each recorded, and turns what came of them into one outcome. Answers null when the lease was
 * lost: then another worker owns the job, and this one has nothing left to say (promise P3).
 */
export async function work(deps: WorkDeps, job: ClaimedJob, control: Control): Promise<JobOutcome | null> {
  deps.reporter.jobStarted(job);
  const outcome = await (job.recoveries > MAX_RECOVERIES
    ? Promise.reject(poisonous(job))
    : outcomeOf(deps, job, control)
  ).catch((error: unknown) =>
    // It could not even begin: a folder or a store is not there, or it should not.
    failed(deps, job, null, error, redactor([])),
  );
  if (outcome === null) return null;
  try {
    // However it was stopped, what became of it is told for as long as that counts.
    await untilRecorded(() => deps.store.finish(job, outcome), control.lost);
  } catch (error) {
    if (error instanceof LabkeeperError && error.code === "LK4004") return null;
    throw error;
  }
  deps.reporter.jobEnded(job, outcome);
  return outcome;
}

/** A job whose workers keep dying is not tried on every worker in turn: it may be what kills them. */
const MAX_RECOVERIES = 5;

const poisonous = (job: ClaimedJob): LabkeeperError =>
  new LabkeeperError("LK5010", `${job.kind} of ${job.lab.name} lost its worker ${job.recoveries} times`);

async function outcomeOf(deps: WorkDeps, job: ClaimedJob, control: Control): Promise<JobOutcome | null> {
  const position: { step: string | null } = { step: null };
  await using run = await beginRun(deps, job, control.signal, control.lost);
  try {
    let found: Findings = { intent: job.lab.intent, outputs: job.outputs, credentials: null, receipt: null };
    for (const step of remaining(STEPS[job.kind], job.doneSteps)) {
      if (control.leaving()) return { kind: "released" };
      control.signal.throwIfAborted();
      await deps.store.beginStep(job, step.name, position.step);
      position.step = step.name;
      deps.reporter.step(job, step.name);
      found = { ...found, ...(await step.run(run, found)) };
    }
    return succeeded(job, found);
  } catch (error) {
    const stop = stopped(control.signal);
    if (stop !== undefined) return stop;
    const late = run.timedOut()
      ? new LabkeeperError("LK5004", `${job.lab.name} in step ${position.step}`, { cause: error })
      : error;
    return failed(deps, job, position.step, late, run.redact);
  }
}

function succeeded(job: ClaimedJob, { outputs, receipt }: Findings): JobOutcome {
  switch (job.kind) {
    case "provision":
      return { kind: "provisioned", outputs };
    case "update":
      return { kind: "updated", outputs };
    case "destroy":
      if (!receipt) throw new LabkeeperError("LK4005", "a destroy ended without a receipt");
      return { kind: "destroyed", receipt };
  }
}

/** What an abort means; undefined when the run was not aborted. A lost lease leaves nothing to write. */
function stopped(signal: AbortSignal): JobOutcome | null | undefined {
  if (!signal.aborted) return undefined;
  const reason = signal.reason as StopReason;
  if (reason === "lease-lost") return null;
  return reason === "cancelled" ? { kind: "cancelled" } : { kind: "released" };
}

/** The error's own disposition decides what follows. */
function failed(
  deps: WorkDeps,
  job: ClaimedJob,
  step: string | null,
  thrown: unknown,
  redact: (text: string) => string,
): JobOutcome | null {
  const error =
    thrown instanceof LabkeeperError ? thrown : new LabkeeperError("LK5002", String(thrown), { cause: thrown });
  if (error.code === "LK4004") return null;
  const next = nextRetry(job.kind, job.attempt, job.maxAttempts, error.disposition, deps.random());
  const now = deps.clock.now();
  const retryAt = next.kind === "retry" ? new Date(now.getTime() + next.delaySeconds * 1_000) : null;
  const failure: FailureRecord = {
    code: error.code,
    message: redact(error.message),
    remedy: remedyFor(job.lab.name, error.remedy),
    step,
    attempt: job.attempt,
    at: now.toISOString(),
    retryAt: retryAt?.toISOString() ?? null,
  };
  return retryAt ? { kind: "retry", failure, retryAt } : { kind: "dead", failure, timedOut: error.code === "LK5004" };
}
