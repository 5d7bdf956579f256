import type { FailureRecord, LabState } from "../../core/types.ts";
import type { LabSummary } from "../../ports.ts";
import { secondsBetween } from "../time.ts";

/** One lab as `status` shows it, to people and to programs. Times are ISO 8601, spans are seconds. */
export interface LabView {
  readonly name: string;
  readonly team: string;
  readonly state: LabState;
  readonly stateSince: string;
  readonly ageSeconds: number;
  readonly owner: string;
  readonly profile: string;
  readonly version: string | null;
  readonly region: string | null;
  readonly expiresAt: string | null;
  readonly leavingUntil: string | null;
  readonly job: JobView | null;
  readonly failure: FailureRecord | null;
}

export interface JobView {
  readonly kind: string;
  readonly state: string;
  readonly step: string | null;
  readonly phase: string | null;
  readonly percent: number | null;
  readonly attempt: number;
  readonly elapsedSeconds: number | null;
  /** From past runs of the same profile, or else from the percentage; null when neither says anything. */
  readonly etaSeconds: number | null;
  /** When a queued job may start. */
  readonly runAt: string;
  readonly position: number | null;
}

const iso = (date: Date | null): string | null => date?.toISOString() ?? null;

/** Below this percentage an extrapolation says more about the first step than about the job. */
const TELLING_PERCENT = 10;

const etaOf = (elapsed: number, percent: number | null, typicalSeconds: number | null): number | null => {
  if (typicalSeconds !== null) return Math.max(0, Math.round(typicalSeconds - elapsed));
  if (percent === null || percent < TELLING_PERCENT) return null;
  return Math.round((elapsed * (100 - percent)) / percent);
};

const jobView = (job: NonNullable<LabSummary["job"]>, now: Date, typicalSeconds: number | null): JobView => {
  const running = job.state === "running";
  const elapsed = secondsBetween(job.since, now);
  return {
    kind: job.kind,
    state: job.state,
    step: job.step,
    phase: job.phase,
    percent: job.percent,
    attempt: job.attempt,
    elapsedSeconds: running ? Math.max(0, Math.round(elapsed)) : null,
    // History is kept for provisions; other jobs have only their percentage.
    etaSeconds: running ? etaOf(elapsed, job.percent, job.kind === "provision" ? typicalSeconds : null) : null,
    runAt: job.runAt.toISOString(),
    position: job.position,
  };
};

/** `now` is the database's clock, so that ages are right whatever this host's clock says. */
export const labView = ({ lab, job, typicalSeconds }: LabSummary, now: Date): LabView => ({
  name: lab.name,
  team: lab.team,
  state: lab.state,
  stateSince: lab.stateSince.toISOString(),
  ageSeconds: Math.max(0, Math.round(secondsBetween(lab.createdAt, now))),
  owner: lab.spec.owner,
  profile: lab.spec.profile,
  version: lab.spec.version,
  region: lab.spec.region,
  expiresAt: lab.state === "destroyed" ? null : iso(lab.expiresAt),
  leavingUntil: iso(lab.leaving?.until ?? null),
  job: job === null ? null : jobView(job, now, typicalSeconds),
  failure: lab.failure,
});
