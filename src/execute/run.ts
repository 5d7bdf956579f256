import { setTimeout as delay } from "node:timers/promises";
import { redactor } from "../core/redact.ts";
import { LabkeeperError } from "../errors.ts";
import type { ArtifactStore, ClaimedJob, Clock, Provisioner, Reporter, SecretStore, WorkStore, Workspace } from "../ports.ts";
import { labLog } from "./lab-log.ts";
import { logKey, type Run, secretKey } from "./step.ts";

export interface RunDeps {
  readonly store: Pick<WorkStore, "recordIntent" | "recordProgress">;
  /** The provisioners that this labkeeper's configuration registers, by name. */
  readonly provisioners: ReadonlyMap<string, Provisioner>;
  readonly artifacts: ArtifactStore;
  readonly secrets: SecretStore;
  readonly workspace: Workspace;
  readonly clock: Clock;
  readonly reporter: Reporter;
  readonly observationGapMs: number;
}

/** At most this often progress is written, milliseconds: people watch it, nothing depends on it. */
const PROGRESS_EVERY = 1_000;

/**
 * What the steps of one run share. Disposing it ends the log, so nothing is written after the job is finished.
 * Stray secrets of earlier runs are redacted too, because the log outlives them.
 */
export async function beginRun(
  deps: RunDeps,
  job: ClaimedJob,
  signal: AbortSignal,
): Promise<Run & AsyncDisposable & { timedOut(): boolean }> {
  const { lab } = job;
  const bounded = withDeadline(job, signal);
  const log = labLog(deps.artifacts, logKey(lab.id, job.id), deps.clock);
  const known = await deps.secrets.get(secretKey(lab.id)).catch(() => null);
  const redact = redactor(known ? known.names.map((name) => known.reveal(name)) : []);
  const order = { id: lab.id, name: lab.name, team: lab.team, spec: lab.spec, profile: lab.policy };
  let written = Number.NEGATIVE_INFINITY;

  return {
    job,
    order,
    get provisioner() {
      const found = deps.provisioners.get(lab.spec.provisioner);
      if (!found) throw new LabkeeperError("LK5001", `${lab.spec.provisioner}, which ${lab.name} needs`);
      return found;
    },
    context: {
      signal: bounded,
      workdir: await deps.workspace.open(lab.id),
      progress(phase, percent) {
        const safe = redact(phase);
        deps.reporter.progress(job, safe, percent ?? null);
        if (deps.clock.monotonic() - written < PROGRESS_EVERY) return;
        written = deps.clock.monotonic();
        deps.store.recordProgress(job, safe, percent ?? null).catch(() => {});
      },
      log: (line) => log.line(redact(line)),
    },
    secrets: deps.secrets,
    artifacts: deps.artifacts,
    recordIntent: (intent) => deps.store.recordIntent(job, intent),
    timedOut: () => bounded.aborted && !signal.aborted,
    now: () => deps.clock.now().toISOString(),
    pauseBetweenObservations: async () => {
      if (deps.observationGapMs > 0) await delay(deps.observationGapMs, undefined, { signal });
    },
    async [Symbol.asyncDispose]() {
      await log.flushed();
    },
  };
}

/** A provision may take as long as its profile says; everything else is bounded by its provisioner. */
function withDeadline({ kind, lab }: ClaimedJob, signal: AbortSignal): AbortSignal {
  if (kind !== "provision") return signal;
  return AbortSignal.any([signal, AbortSignal.timeout(lab.policy.spec.lifecycle.provisionTimeoutMinutes * 60_000)]);
}
