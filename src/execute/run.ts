import { setTimeout as delay } from "node:timers/promises";
import { redactor, streamRedactor } from "../core/redact.ts";
import { shortened } from "../core/render-escape.ts";
import type { JsonObject } from "../core/types.ts";
import { LabkeeperError } from "../errors.ts";
import type {
  ArtifactStore,
  ClaimedJob,
  Clock,
  Credentials,
  Provisioner,
  Reporter,
  SecretStore,
  WorkStore,
  Workspace,
} from "../ports.ts";
import { intentRecords } from "./intent-records.ts";
import { labLog } from "./lab-log.ts";
import { untilRecorded } from "./persist.ts";
import { logKey, type Run, secretKey } from "./step.ts";

export interface RunDeps {
  readonly store: Pick<WorkStore, "recordIntent" | "unknownLabs" | "recordOutputs" | "recordProgress" | "reserve">;
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
/** Characters. */
const LONGEST_PHASE = 120;

/**
 * What the steps of one run share. Disposing it ends the log, so nothing is written after the job is finished.
 * The lab's secrets are redacted whether they were stored by an earlier run or turn up in this one.
 */
export async function beginRun(
  deps: RunDeps,
  job: ClaimedJob,
  signal: AbortSignal,
  lost?: AbortSignal,
): Promise<Run & AsyncDisposable & { timedOut(): boolean }> {
  const { lab } = job;
  const bounded = withDeadline(job, signal);
  const recordIntent = (_: ClaimedJob, intent: JsonObject): Promise<void> =>
    untilRecorded(() => deps.store.recordIntent(job, intent), bounded);
  const intents = intentRecords(
    { artifacts: deps.artifacts, store: { recordIntent, unknownLabs: deps.store.unknownLabs } },
    job,
  );
  const log = labLog(deps.artifacts, logKey(lab.id, job.id), deps.clock);
  const known = secretsOf(await deps.secrets.get(secretKey(lab.id)).catch(() => null), job.outputs);
  let redact = redactor(known);
  // One stream for the whole log: a secret of several lines, such as a private key, is redacted as a whole.
  let stream = streamRedactor(known);
  let written = Number.NEGATIVE_INFINITY;
  let lastPhase = "";
  const say = (text: string): void => {
    for (const line of text.split("\n")) if (line !== "") log.line(line);
  };

  return {
    job,
    order: { id: lab.id, name: lab.name, team: lab.team, spec: lab.spec, profile: lab.policy },
    get provisioner() {
      const found = deps.provisioners.get(lab.spec.provisioner);
      if (!found) throw new LabkeeperError("LK5001", `${lab.spec.provisioner}, which ${lab.name} needs`);
      return found;
    },
    context: {
      signal: bounded,
      ...(lost === undefined ? {} : { lost }),
      workdir: await deps.workspace.open(lab.id),
      progress(phase, percent) {
        const safe = shortened(redact(phase), LONGEST_PHASE);
        if (safe !== lastPhase) say(safe);
        lastPhase = safe;
        deps.reporter.progress(job, safe, percent ?? null);
        if (deps.clock.monotonic() - written < PROGRESS_EVERY) return;
        written = deps.clock.monotonic();
        deps.store.recordProgress(job, safe, percent ?? null).catch(() => undefined);
      },
      log: (line) => say(stream.push(`${line}\n`)),
      redact: (text) => redact(text),
      recordIntent: intents.record,
    },
    secrets: deps.secrets,
    artifacts: deps.artifacts,
    removeWorkspace: () => deps.workspace.remove(lab.id),
    recordOutputs: (outputs) => deps.store.recordOutputs(job, outputs),
    intents,
    reserve: async (needs) => {
      if (needs.length > 0) await deps.store.reserve(job, needs);
    },
    learnSecrets({ credentials, outputs }) {
      const all = [...known, ...secretsOf(credentials, outputs)];
      redact = redactor(all);
      say(stream.flush());
      stream = streamRedactor(all);
    },
    redact: (text) => redact(text),
    timedOut: () => bounded.aborted && !signal.aborted,
    now: () => deps.clock.now().toISOString(),
    pauseBetweenObservations: async () => {
      const own = deps.provisioners.get(lab.spec.provisioner)?.observationGapSeconds;
      const gap = own === undefined ? deps.observationGapMs : own * 1_000;
      if (gap > 0) await delay(gap, undefined, { signal });
    },
    async [Symbol.asyncDispose]() {
      say(stream.flush());
      await log.flushed();
    },
  };
}

/** What its outputs show to people, such as a host and a port, is no secret; hidden, it would take its sense from a receipt. */
function secretsOf(credentials: Credentials | null, outputs: JsonObject): string[] {
  const shown = new Set(Object.values(outputs).map(String));
  return credentials
    ? credentials.names.map((name) => credentials.reveal(name)).filter((value) => !shown.has(value))
    : [];
}

/** A provision may take as long as its profile says; everything else is bounded by its provisioner. */
function withDeadline({ kind, lab }: ClaimedJob, signal: AbortSignal): AbortSignal {
  if (kind !== "provision") return signal;
  return AbortSignal.any([signal, AbortSignal.timeout(lab.policy.spec.lifecycle.provisionTimeoutMinutes * 60_000)]);
}
