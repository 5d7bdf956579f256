import type { JsonObject } from "../core/types.ts";
import type {
  ArtifactStore,
  ClaimedJob,
  Credentials,
  Installed,
  LabOrder,
  Provisioner,
  ProvisionerContext,
  ReceiptDraft,
  ResourceNeed,
  SecretStore,
} from "../ports.ts";
import type { IntentRecords } from "./intent-records.ts";

/** What the steps of one run share. */
export interface Run {
  readonly job: ClaimedJob;
  readonly order: LabOrder;
  readonly provisioner: Provisioner;
  readonly context: ProvisionerContext;
  readonly secrets: SecretStore;
  readonly artifacts: ArtifactStore;
  readonly intents: IntentRecords;
  /** @throws LK4008 (wait) when a supply does not suffice */
  reserve(needs: readonly ResourceNeed[]): Promise<void>;
  /** From here on these are redacted from the log and from messages too. */
  learnSecrets(installed: Installed): void;
  removeWorkspace(): Promise<void>;
  /** Shown by `status` and to people; durable, so that a worker that takes over still knows them. */
  recordOutputs(outputs: JsonObject): Promise<void>;
  /** Without any secret this run knows of. */
  redact(text: string): string;
  /** ISO 8601, by this host's clock. */
  now(): string;
  /** Waits between two independent observations; rejects when the run is aborted. */
  pauseBetweenObservations(): Promise<void>;
}

/** What a run has found out so far. Each step answers what it adds. */
export interface Findings {
  readonly intent: JsonObject | null;
  readonly outputs: JsonObject;
  readonly credentials: Credentials | null;
  readonly receipt: ReceiptDraft | null;
}

/**
 * A durable point inside a job. A durable step that succeeded is not run again when another worker takes the job over,
 * and neither are the steps before it; the others are safe to repeat.
 */
export interface Step {
  readonly name: string;
  readonly durable: boolean;
  run(run: Run, found: Findings): Promise<Partial<Findings>>;
}

export const secretKey = (labId: string): string => `labs/${labId}`;
export const logKey = (labId: string, jobId: string): string => `labs/${labId}/${jobId}/log`;

/** The steps that are left after what an earlier, interrupted run of the same job got done. */
export function remaining(steps: readonly Step[], done: readonly string[]): readonly Step[] {
  const last = steps.findLastIndex(({ name, durable }) => durable && done.includes(name));
  return steps.slice(last + 1);
}
