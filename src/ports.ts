/**
 * The small interfaces the stories call. Edges implement them, `wire.ts` joins them.
 * Every method that can fail rejects with a LabkeeperError; "could not read" is never an empty answer.
 */

import type { GuardFacts } from "./core/guard-facts.ts";
import type { PullRequest } from "./core/pull-request.ts";
import type {
  Cause,
  Comparison,
  DesiredFile,
  FailureRecord,
  JobKind,
  JsonObject,
  Lab,
  Observation,
  Plan,
  Problem,
  Profile,
  ResolvedSpec,
  TeamPolicy,
} from "./core/types.ts";

// ---------------------------------------------------------------- reconcile

export interface Revision {
  readonly commit: string;
  /** The last commit whose history was trusted; later ones must descend from it. */
  readonly trustedCommit: string;
  readonly policyDigest: string;
}

/** What changed in the catalog since the last recorded revision. */
export interface DesiredChanges {
  readonly commit: string;
  readonly policyDigest: string;
  readonly files: readonly DesiredFile[];
  readonly removed: readonly string[];
  /** The files are the whole catalog: recorded paths that are not among them are gone. */
  readonly complete: boolean;
  /** Merges that the host tells of and that a dry run may not record: compared as if they were. Absent: none. */
  readonly mergedMeanwhile?: readonly PullRequest[];
}

export interface ReconcileStore {
  revision(): Promise<Revision | null>;
  /**
   * Compares desired with observed in one read-only snapshot: the recorded desired state overlaid with `changes`.
   * Answers only the names that may need a change; `unchanged` counts the live labs left out.
   */
  compare(
    changes: DesiredChanges,
    now: Date,
    windowHours: number,
  ): Promise<{
    readonly comparisons: readonly Comparison[];
    readonly unchanged: number;
    readonly facts: Omit<GuardFacts, "historyRewritten">;
  }>;
  /** Those of these lab ids that no record has, in any state. Ids are never forgotten but by a restore. */
  unknownLabs(ids: readonly string[]): Promise<readonly string[]>;
  /** Applies a plan in one transaction: revision, desired state, plan, holds, labs, events, jobs. Needs the reconciler's lease. */
  apply(application: PlanApplication, lease: Lease): Promise<Applied>;
}

export interface PlanApplication {
  readonly plan: Plan;
  readonly desired: DesiredChanges;
  readonly previous: Revision | null;
  readonly trustedCommit: string;
  readonly teams: readonly TeamPolicy[];
  readonly now: Date;
  readonly correlationId: string;
}

export interface Applied {
  /** Jobs made ready to run. */
  readonly enqueued: number;
  /** Changes left for the next cycle because the lab moved on since the plan was made. */
  readonly skipped: readonly string[];
}

export interface Lease {
  readonly resource: string;
  readonly holder: string;
  readonly token: number;
}

export interface LeaseStore {
  /** Null when somebody else holds it. */
  acquire(resource: string, holder: string, seconds: number): Promise<Lease | null>;
  /** Extends leases; answers those that are still ours. */
  renew(leases: readonly Lease[], seconds: number): Promise<readonly Lease[]>;
  release(lease: Lease): Promise<void>;
}

// --------------------------------------------------------------------- work

/** A job with the lease under which it may write. */
export interface ClaimedJob {
  readonly id: string;
  readonly kind: JobKind;
  readonly lab: Lab;
  readonly cause: Cause;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly correlationId: string;
  readonly lease: Lease;
  /** What is shown to people of the lab so far. */
  readonly outputs: JsonObject;
  /** How many workers died or lost their lease on this attempt. */
  readonly recoveries: number;
  /** Its workers die of it: not to be run, but given up. */
  readonly poisonous: boolean;
  /** Steps that succeeded in an earlier run of this same job. */
  readonly doneSteps: readonly string[];
}

export interface ClaimRequest {
  readonly worker: string;
  readonly slots: number;
  /** Extra slots that only destroys may take, so that creates never starve them. */
  readonly destroySlots: number;
  readonly leaseSeconds: number;
  readonly limits: QueueLimits;
}

/** Bounds over all processes. Running jobs at once; creates are provision jobs. */
export interface QueueLimits {
  readonly jobs: number;
  readonly creates: number;
  readonly createsPerTeam: number;
  readonly createsPerAccountRegion: number;
}

export interface ReceiptDraft {
  readonly observations: readonly {
    readonly at: string;
    readonly verdict: "absent";
    readonly evidence: readonly string[];
  }[];
  readonly provisioner: string;
}

/** How a job ended; the store moves job, lab, event and lease together. */
export type JobOutcome =
  | { readonly kind: "provisioned"; readonly outputs: JsonObject }
  | { readonly kind: "updated"; readonly outputs: JsonObject }
  | { readonly kind: "destroyed"; readonly receipt: ReceiptDraft }
  /** Queued again at `retryAt`. `state` is what the lab is meanwhile. */
  | { readonly kind: "retry"; readonly failure: FailureRecord; readonly retryAt: Date }
  /** Given up until a person or a new commit acts. */
  | { readonly kind: "dead"; readonly failure: FailureRecord; readonly timedOut: boolean }
  /** Handed back at a durable point, for another worker; not an attempt. */
  | { readonly kind: "released" }
  /** A cancel was asked; the destroy that follows is already queued. */
  | { readonly kind: "cancelled" };

export interface WorkStore {
  claim(request: ClaimRequest): Promise<readonly ClaimedJob[]>;
  /** Marks a step as running and the one before it as done for good. Refused when the lease is lost. */
  beginStep(job: ClaimedJob, step: string, previous: string | null): Promise<void>;
  /** Promise P2: durable before anything is created. */
  recordIntent(job: ClaimedJob, intent: JsonObject): Promise<void>;
  /** As `ReconcileStore`'s. */
  unknownLabs(ids: readonly string[]): Promise<readonly string[]>;
  recordOutputs(job: ClaimedJob, outputs: JsonObject): Promise<void>;
  /** Shown by `status`; best effort, silently dropped when the lease is lost. */
  recordProgress(job: ClaimedJob, phase: string, percent: number | null): Promise<void>;
  finish(job: ClaimedJob, outcome: JobOutcome): Promise<void>;
  /** Holds bounded supplies for a lab that is being made, all or none. @throws LK4008 (wait) when one does not suffice */
  reserve(job: ClaimedJob, needs: readonly ResourceNeed[]): Promise<void>;
  /** Jobs of this worker that somebody asked to cancel. */
  cancelRequested(jobIds: readonly string[]): Promise<readonly string[]>;
  /** Calls back when there may be work; keeps trying when the connection drops. Polling stays the fallback. */
  onWork(callback: () => void): Promise<AsyncDisposable>;
  /** Milliseconds until the next queued job may run; null when nothing is queued. */
  nextRunIn(): Promise<number | null>;
  /** Jobs queued or running, anybody's, without destroys that keep failing: those are never given up. */
  outstanding(): Promise<number>;
}

// ------------------------------------------------------------- provisioners

/** What a provisioner is told about the lab it works on. */
export interface LabOrder {
  readonly id: string;
  readonly name: string;
  readonly team: string;
  readonly spec: ResolvedSpec;
  readonly profile: Profile;
}

export interface ProvisionerContext {
  readonly signal: AbortSignal;
  /** Aborted when the lease is lost, also after `signal` was for another reason: then there is no time left to end in. */
  readonly lost?: AbortSignal;
  /** A private folder for this lab on this host; may be empty after a move to another host. */
  readonly workdir: string;
  /** Human-readable phase and, when known, percent done (0..100). */
  progress(phase: string, percent?: number): void;
  /** One line for the lab's log; redacted before it is cut and stored. */
  log(line: string): void;
  /** Without any secret that the run knows of. For texts that are cut before they are handed on: half a secret is not found. */
  redact?(text: string): string;
  /**
   * Replaces the recorded intent, durably, before something is made by another one than `prepare` answered (promise P2).
   * Absent where nothing may be made: then an install that would have to begin anew fails instead.
   */
  recordIntent?(intent: JsonObject): Promise<void>;
}

export interface Installed {
  /** Shown to people: addresses, versions. Never a secret. */
  readonly outputs: JsonObject;
  /** Goes to the secret store and nowhere else. */
  readonly credentials: Credentials;
  /** Given when install had to begin anew: what the lab was made by in the end, recorded already. */
  readonly intent?: JsonObject;
}

/** Something a lab will take from a bounded supply, in the units the cloud counts it by (vCPUs, addresses, …). */
export interface ResourceNeed {
  /** Whose supply: `aws/<account>/<region>`. */
  readonly scope: string;
  readonly resource: string;
  readonly need: number;
  readonly limit: number;
  /** In use now, as the cloud says; what other starting labs reserved comes on top. */
  readonly used: number;
}

/** The calls that every provisioner answers. */
export type ProvisionerVerb = "prepare" | "install" | "verify" | "update" | "destroy" | "observe";

/** Makes and unmakes one kind of lab. Each call is safe to repeat. */
export interface Provisioner {
  /** How far apart two looks must be to count as independent; absent: the worker's own setting. */
  readonly observationGapSeconds?: number;
  /** Refuses, before anything exists, what cannot succeed; answers what the lab will take from bounded supplies. */
  preflight?(lab: LabOrder, context: ProvisionerContext): Promise<readonly ResourceNeed[]>;
  /** What destroy will need, decided before anything exists (promise P2). Creates nothing. */
  prepare(lab: LabOrder, context: ProvisionerContext): Promise<JsonObject>;
  install(lab: LabOrder, intent: JsonObject, context: ProvisionerContext): Promise<Installed>;
  /** Proves that the lab answers with the stored credentials (promise P5). */
  verify(lab: LabOrder, intent: JsonObject, credentials: Credentials, context: ProvisionerContext): Promise<void>;
  update(lab: LabOrder, intent: JsonObject, context: ProvisionerContext): Promise<{ readonly outputs: JsonObject }>;
  destroy(lab: LabOrder, intent: JsonObject, context: ProvisionerContext): Promise<void>;
  /** Looks, changes nothing. A failure to look is `unknown`, never `absent`. */
  observe(lab: LabOrder, intent: JsonObject, context: ProvisionerContext): Promise<Observation>;
}

/** A private folder a lab on this host, for provisioners. */
export interface Workspace {
  /** Makes it when it is not there; answers its absolute path. */
  open(labId: string): Promise<string>;
  remove(labId: string): Promise<void>;
}

// ---------------------------------------------------- artifacts and secrets

/** Credentials by name (`kubeconfig`, `password`, …). Prints as `[secret]` wherever it ends up by accident. */
export interface Credentials {
  readonly names: readonly string[];
  /** The value itself, for its one legitimate use. */
  reveal(name: string): string;
}

/** Keys are relative paths: `labs/<lab-id>/<job-id>/log`. What was put is never replaced, only appended to or removed. */
export interface ArtifactStore {
  /** Whole and durable when it resolves. The same bytes again are fine, others under the same key are refused (LK6106). */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** As `put`, without holding the file in memory. Refused when the file is not (any more) what `expected` says. */
  putFile?(key: string, path: string, expected: { readonly sha256: string; readonly size: number }): Promise<void>;
  /** From byte `from` on, by default all; null when there is no such key. */
  get(key: string, from?: number): Promise<Uint8Array | null>;
  /** Ends up whole, after what it waited for, whoever else appends. A key is put or appended to, never both. */
  append(key: string, text: string): Promise<void>;
  /** A prefix is a key or a folder of keys: `labs/a` covers `labs/a/log`, not `labs/ab/log`. Sorted. */
  list(prefix: string): Promise<readonly string[]>;
  remove(prefix: string): Promise<void>;
  /** A URL that gives what was put to whoever has it, for 1 to 900 seconds; null when there is none, as for a log. */
  link?(key: string, seconds: number): Promise<string | null>;
}

/** Keys are relative paths: `labs/<lab-id>`. */
export interface SecretStore {
  put(key: string, credentials: Credentials): Promise<void>;
  get(key: string): Promise<Credentials | null>;
  remove(key: string): Promise<void>;
}

// ---------------------------------------------------------- commands, reads

export interface CommandStore {
  /** Releases a hold for the next reconcile. */
  approve(hold: string, actor: string): Promise<{ readonly lab: string; readonly guard: string }>;
  /** Queues the dead or waiting work of a lab again, now. */
  retry(lab: string, actor: string): Promise<{ readonly job: JobKind }>;
  /** Stops what runs on the lab and destroys what was made; it is not made again while its file stays. */
  cancel(lab: string, actor: string): Promise<{ readonly jobCancelled: JobKind | null }>;
  /** Leaves a trace that somebody read a lab's credentials. */
  recordAccess(lab: string, actor: string): Promise<void>;
}

/** A lab as lists show it: without what only its own work needs. */
export type ListedLab = Omit<Lab, "policy" | "intent">;

export interface LabSummary {
  readonly lab: ListedLab;
  /** Median seconds of the latest provisions with the same profile; null without history. */
  readonly typicalSeconds: number | null;
  readonly job: {
    readonly id: string;
    readonly kind: JobKind;
    readonly state: string;
    readonly step: string | null;
    readonly phase: string | null;
    readonly percent: number | null;
    readonly attempt: number;
    readonly since: Date;
    readonly runAt: Date;
    /** Place in the queue from 1; null when running. */
    readonly position: number | null;
  } | null;
}

export interface HoldRow {
  readonly id: string;
  readonly lab: string;
  readonly team: string;
  readonly action: string;
  readonly guard: string;
  readonly message: string;
  readonly release: string;
  readonly state: string;
  readonly createdAt: Date;
}

export interface LabEvent {
  readonly id: string;
  readonly type: string;
  readonly at: Date;
  readonly labId: string | null;
  readonly lab: string | null;
  readonly actor: string;
  readonly cause: Cause | null;
  readonly correlationId: string;
  readonly payload: JsonObject;
}

export interface LabDetail extends LabSummary {
  readonly lab: Lab;
  readonly outputs: JsonObject;
  readonly steps: readonly {
    readonly job: string;
    readonly kind: JobKind;
    readonly attempt: number;
    readonly step: string;
    readonly startedAt: Date;
    readonly finishedAt: Date | null;
  }[];
  readonly holds: readonly HoldRow[];
  readonly receipt: JsonObject | null;
}

export interface ReadStore {
  /** Live labs and those that still answer for a file; `all` adds the destroyed ones. */
  labs(all: boolean): Promise<readonly LabSummary[]>;
  lab(name: string): Promise<LabDetail | null>;
  holds(): Promise<readonly HoldRow[]>;
  problems(): Promise<readonly { readonly path: string; readonly problems: readonly Problem[] }[]>;
  /** A lab's story across all its incarnations, oldest first. */
  events(name: string): Promise<readonly LabEvent[]>;
  /** Jobs waiting and running; `dead`: live labs whose last job failed for good and that nothing works on now. */
  queue(): Promise<{ readonly queued: number; readonly running: number; readonly dead: number }>;
}

// -------------------------------------------------------------------- other

export interface Clock {
  now(): Date;
  /** Monotonic milliseconds, for lease arithmetic on this host. */
  monotonic(): number;
}

/** Where the stories say what happened. Reporting never fails a story. */
export interface Reporter {
  planned(plan: Plan, applied: Applied): void;
  jobStarted(job: ClaimedJob): void;
  step(job: ClaimedJob, step: string): void;
  progress(job: ClaimedJob, phase: string, percent: number | null): void;
  jobEnded(job: ClaimedJob, outcome: JobOutcome): void;
}
