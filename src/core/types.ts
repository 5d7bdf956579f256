/**
 * The words of labkeeper, as types.
 *
 * - catalog: a git repository of lab files, profiles and `catalog.yaml`
 * - lab: one cluster somebody needs for a while; its name is its identity, not its path
 * - desired: what the catalog at a commit says; observed: what Postgres records and probes confirm
 * - change: create, update, destroy or keep one lab; plan: an ordered list of changes with a hash
 * - guard: a rule that may hold a change; hold: a change that waits for an approval
 * - job: one durable unit of work on one lab; step: a durable point inside a job
 * - lease: a time-limited lock with a fencing token
 * - intent: what a provisioner must know to destroy what it is about to make
 * - receipt: the proof that a lab is gone
 */

import type { GuardName } from "./guard-name.ts";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export const API_VERSION = "labkeeper.dev/v1";

// ---------------------------------------------------------------- documents

/** A lab file as written, after schema validation. */
export interface LabDocument {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: "Lab";
  readonly metadata: {
    readonly name: string;
    readonly team: string;
    readonly owner: string;
    readonly costCenter: string;
  };
  readonly spec: {
    readonly profile: string;
    readonly version?: string;
    readonly region?: string;
    readonly baseDomain?: string;
    readonly ttlHours?: number;
    readonly workers?: number;
    readonly tags?: Readonly<Record<string, string>>;
    readonly protect?: boolean;
    readonly suspend?: boolean;
  };
}

export interface Choice {
  readonly allowlist: readonly string[];
  readonly default: string;
}

/** The `spec` of a profile file. Every field is read by something; a field that nothing reads is refused. */
export interface ProfileSpec {
  readonly platform: "aws" | "ibmcloud" | "local" | "simulated";
  /** The name of a provisioner that labkeeper's own configuration registers. */
  readonly provisioner: string;
  readonly enabled: boolean;
  /** Absent where the platform has no versions; then a lab may not name one. Same for regions and domains. */
  readonly openshiftVersions?: Choice;
  readonly regions?: Choice;
  readonly baseDomains?: Choice;
  readonly compute: {
    readonly controlPlane: {
      readonly replicas: number;
      readonly instanceType?: string;
      readonly schedulable: boolean;
    };
    readonly workers: {
      readonly replicas: number;
      readonly minReplicas: number;
      readonly maxReplicas: number;
      readonly instanceType?: string;
    };
  };
  readonly lifecycle: {
    readonly maxTTLHours: number;
    readonly defaultTTLHours: number;
    readonly allowCustomTTL: boolean;
    readonly warnBeforeDestroyHours: number;
    readonly deletionGraceHours: number;
    /** How often a failed provision or update is tried before it is dead. */
    readonly maxAttempts: number;
    readonly provisionTimeoutMinutes: number;
  };
  readonly networking?: JsonObject;
  readonly tags: {
    readonly required: readonly string[];
    readonly defaults: Readonly<Record<string, string>>;
    readonly allowUserTags: boolean;
  };
  readonly features?: { readonly fips?: boolean; readonly privateCluster?: boolean };
  readonly costControls: {
    /** US dollars an hour for the whole lab at its default size. */
    readonly estimatedHourlyCost: number;
    readonly maxMonthlyCost?: number;
    readonly warningMessage?: string;
  };
  readonly credentialsMode?: "Mint" | "Passthrough" | "Manual";
  readonly platformConfig?: JsonObject;
}

/** A profile as a lab pins it: the digest names exactly this content (promise P12). */
export interface Profile {
  readonly name: string;
  readonly digest: string;
  readonly spec: ProfileSpec;
}

export interface TeamPolicy {
  readonly name: string;
  readonly githubTeam?: string;
  /** Absent: every enabled profile. */
  readonly profiles?: readonly string[];
  readonly approvers?: readonly string[];
  readonly maxActiveLabs?: number;
  readonly maxConcurrentCreates?: number;
  /** US dollars a month, estimated over the team's live labs. */
  readonly monthlyBudget?: number;
}

/** GitHub logins, and teams as `ORGANISATION/TEAM`. */
export interface Roles {
  /** May give every command for every lab. */
  readonly operators?: readonly string[];
  /** May release every team's held changes. */
  readonly approvers?: readonly string[];
}

export interface FreezeWindow {
  readonly name: string;
  /** ISO 8601 with offset. */
  readonly from: string;
  readonly to: string;
}

export interface GuardSettings {
  readonly maxDestroys: number;
  readonly maxDestroyPercent: number;
  readonly windowHours: number;
  readonly freezeWindows: readonly FreezeWindow[];
}

/** `catalog.yaml` and the profiles, at one commit. */
export interface CatalogPolicy {
  readonly teams: ReadonlyMap<string, TeamPolicy>;
  readonly guards: GuardSettings;
  readonly profiles: ReadonlyMap<string, Profile>;
  /** Profiles of the catalog whose files cannot be used: their labs are refused and kept, all others are unaffected. */
  readonly unusableProfiles?: ReadonlySet<string>;
  /** People who may act for any team; absent: only teams' own. */
  readonly roles?: Roles;
  /** Changes when any of the above changes, or when the shipped profiles do. */
  readonly digest: string;
}

/** One entry of the catalog's tree that differs between two commits. */
export type CatalogEntry =
  | { readonly path: string; readonly kind: "removed" }
  | { readonly path: string; readonly kind: "file"; readonly blobOid: string; readonly bytes: Uint8Array }
  /** Something that is not a readable plain file: said, never followed. */
  | {
      readonly path: string;
      readonly kind: "refused";
      readonly blobOid: string;
      readonly why: "symlink" | "submodule" | "too-large";
    };

/** One thing wrong with one file. Lines and columns count from 1. */
export interface Problem {
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

// ------------------------------------------------------------------ desired

/** One lab file of the catalog: either a document or the problems that refuse it. */
export interface DesiredFile {
  readonly path: string;
  readonly blobOid: string;
  /** The lab it stands for: metadata.name, or what the file's name says when that cannot be read. */
  readonly name: string;
  /** All names a refused file may stand for; their labs are kept as they are (promise P8). */
  readonly mayBe: readonly string[];
  readonly team: string;
  /** Null when refused. */
  readonly document: LabDocument | null;
  /** Digest of the document as written (defaults not filled in); null when refused. */
  readonly digest: string | null;
  /** Beside a document: why no new lab may be made of it; a lab that is there keeps what it has (promise P12). */
  readonly problems: readonly Problem[];
}

/** A lab's specification with every default filled in and pinned at creation (promise P12). */
export interface ResolvedSpec {
  readonly owner: string;
  readonly costCenter: string;
  readonly profile: string;
  readonly platform: ProfileSpec["platform"];
  readonly provisioner: string;
  readonly version: string | null;
  readonly region: string | null;
  readonly baseDomain: string | null;
  readonly ttlHours: number;
  readonly workers: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly protect: boolean;
  readonly suspend: boolean;
}

// ----------------------------------------------------------------- observed

export type LabState =
  | "pending"
  | "provisioning"
  | "ready"
  | "updating"
  | "hibernating"
  | "hibernated"
  | "resuming"
  | "failed"
  | "failed_permanent"
  | "timed_out"
  | "destroying"
  | "destroy_failed"
  | "destroyed";

/** Why something happened. A destroy without one is refused by the database (promise P1). */
export type Cause =
  | {
      readonly kind: "commit";
      readonly commit: string;
      readonly path: string | null;
      /** That brought the commit, where it is known. */
      readonly pullRequest?: number;
    }
  | { readonly kind: "expired"; readonly expiresAt: string }
  | { readonly kind: "command"; readonly command: string; readonly actor: string }
  | { readonly kind: "replace"; readonly hold: string; readonly commit: string };

/** What an independent look at a lab found. Only `absent` lets a destroy finish (promise P4). */
export type Observation =
  | { readonly verdict: "present"; readonly evidence: readonly string[] }
  | { readonly verdict: "absent"; readonly evidence: readonly string[] }
  | { readonly verdict: "unknown"; readonly reason: string };

export interface FailureRecord {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly step: string | null;
  readonly attempt: number;
  readonly at: string;
  /** When it is tried again; null when it is not. */
  readonly retryAt: string | null;
}

/** One incarnation of a lab, as Postgres records it. */
export interface Lab {
  readonly id: string;
  readonly name: string;
  readonly team: string;
  readonly state: LabState;
  readonly stateSince: Date;
  readonly spec: ResolvedSpec;
  readonly policy: Profile;
  readonly path: string;
  readonly commit: string;
  /** Digest of the document last accepted for it. */
  readonly documentDigest: string;
  /** Digest of an update that failed for good; it is not tried again until it changes or `retry` is asked. */
  readonly failedDigest: string | null;
  /** Counts every write to the row; a plan made on an older one is not applied. */
  readonly resourceVersion: number;
  readonly intent: JsonObject | null;
  readonly createdAt: Date;
  readonly readyAt: Date | null;
  readonly expiresAt: Date | null;
  readonly leaving: { readonly since: Date; readonly until: Date; readonly cause: Cause } | null;
  readonly destroyCause: Cause | null;
  readonly failure: FailureRecord | null;
}

/** A lab as the artifacts remember it from its making: all that its row needs when older records were restored. */
export interface RememberedLab
  extends Pick<Lab, "id" | "name" | "team" | "path" | "commit" | "documentDigest" | "spec" | "policy" | "createdAt"> {
  readonly intent: JsonObject;
}

/** What is remembered of a name that the records know no lab of. */
export type Remembered =
  /** The latest that was made, and the ids of others that are remembered as well. */
  | { readonly kind: "lab"; readonly lab: RememberedLab; readonly others: readonly string[] }
  | { readonly kind: "unreadable"; readonly why: string; readonly remedy: string };

// --------------------------------------------------------------------- plan

export interface FieldChange {
  readonly path: string;
  readonly before: Json;
  readonly after: Json;
}

export interface Held {
  /** Stable: the same change held by the same guard has the same id in a dry run and in the real run. */
  readonly hold: string;
  readonly guard: GuardName;
  readonly message: string;
  readonly release: string;
  /** False where only the catalog can release it (protect, suspend). */
  readonly approvable: boolean;
}

/** What applying a change does to the records. The plan's readers see `action`; the store sees this. */
export type Operation =
  | {
      readonly kind: "provision";
      readonly file: DesiredFile;
      readonly spec: ResolvedSpec;
      readonly policy: Profile;
      /** Absent: no lab of this name is remembered that the records do not know. */
      readonly remembered?: Remembered;
    }
  | {
      readonly kind: "update";
      readonly lab: Lab;
      readonly file: DesiredFile;
      readonly spec: ResolvedSpec;
      /** The job that carries it to the lab; null when recording it is all there is to do. */
      readonly job: "update" | "provision" | null;
    }
  | { readonly kind: "replace"; readonly lab: Lab; readonly file: DesiredFile; readonly cause: Cause }
  | { readonly kind: "leave"; readonly lab: Lab; readonly cause: Cause; readonly until: Date }
  | { readonly kind: "return"; readonly lab: Lab; readonly file: DesiredFile }
  | { readonly kind: "destroy"; readonly lab: Lab; readonly cause: Cause }
  /** A lab that is gone stops answering for its name, because its file went too. */
  | { readonly kind: "forget"; readonly lab: Lab }
  /**
   * `orphan`: a refused file that answers for no known lab; it may be the new file of one that seems removed. `withheld`: a
   * good file of which no new lab may be made.
   */
  | { readonly kind: "none"; readonly orphan?: DesiredFile; readonly withheld?: DesiredFile };

export interface Change {
  readonly lab: string;
  readonly team: string;
  readonly action: "create" | "update" | "destroy" | "keep";
  /** An update that can only be made by destroying and creating again. */
  readonly replace: boolean;
  readonly reason: string;
  readonly fields: readonly FieldChange[];
  readonly held: Held | null;
  readonly source: { readonly path: string; readonly commit: string; readonly pullRequest: number | null } | null;
  readonly operation: Operation;
}

export interface Plan {
  readonly commit: string;
  readonly previousCommit: string | null;
  readonly hash: string;
  /** Sorted by team and lab. `keep` rows only for labs that were compared one by one. */
  readonly changes: readonly Change[];
  readonly problems: readonly Problem[];
  readonly summary: {
    readonly create: number;
    readonly update: number;
    readonly destroy: number;
    readonly keep: number;
    readonly held: number;
    readonly problems: number;
  };
}

/** Everything the plan needs to know of one name. */
export interface Comparison {
  readonly name: string;
  /** No file: nobody wants it. More than one: all are refused and the lab is kept. */
  readonly files: readonly DesiredFile[];
  /** The incarnation that answers for the name now, destroyed or not. */
  readonly lab: Lab | null;
  readonly job: { readonly kind: JobKind; readonly state: JobState } | null;
  /** The pull request merged last that touches this name; absent or null: none is known. */
  readonly pullRequest?: {
    readonly number: number;
    /** It is labkeeper's own and removes the file of a lab that is about to expire: no grace is asked for. */
    readonly endsNow: boolean;
  } | null;
}

// --------------------------------------------------------------------- jobs

export type JobKind = "provision" | "update" | "destroy";
export type JobState = "queued" | "running" | "succeeded" | "dead" | "cancelled";
