/**
 * The words of pull requests.
 *
 * - review: the plan of one pull request, against what is recorded, with what it costs and whom it concerns
 * - board: what became of the labs of a merged pull request
 * - report: one thing that is said at the host (a comment, a check, a status), re-made until it says what is so
 * - request: a pull request that labkeeper itself opens because somebody asked or a lab expires
 */

import type { Cause, FieldChange, GuardName, LabState, Problem } from "./types.ts";

export interface PullRequest {
  readonly number: number;
  readonly title: string;
  readonly author: string;
  readonly url: string;
  readonly state: "open" | "merged" | "closed";
  readonly head: { readonly commit: string; readonly ref: string; readonly fork: boolean };
  readonly base: { readonly ref: string; readonly commit: string };
  /** The commit of the base branch that it ended in; null unless merged. */
  readonly mergeCommit: string | null;
  readonly updatedAt: Date;
  readonly endedAt: Date | null;
}

// ------------------------------------------------------------------- review

/** One row of a review. As JSON it is what was shown, whatever becomes of profiles later. */
export interface ReviewedChange {
  readonly lab: string;
  readonly team: string;
  readonly action: "create" | "update" | "replace" | "destroy";
  readonly reason: string;
  readonly fields: readonly FieldChange[];
  readonly path: string;
  /** The lab that is there now; null for a create. */
  readonly labId: string | null;
  /** What is asked for, in words: profile, version, region, workers, hours. Null unless created. */
  readonly order: string | null;
  readonly warning: string | null;
  /** US dollars, estimated: for as long as it lives, and a day. Zero for a destroy. */
  readonly cost: { readonly perDay: number; readonly untilExpiry: number };
  readonly held: {
    readonly hold: string;
    readonly guard: GuardName;
    readonly message: string;
    readonly release: string;
    readonly approvable: boolean;
  } | null;
  /** The lab that would go is in use: said loudly. Times are ISO 8601. Null unless something runs that would end. */
  readonly running: {
    readonly owner: string;
    readonly state: LabState;
    readonly since: string;
    /** When somebody last read its credentials; null when nobody did. */
    readonly lastUsed: string | null;
    /** When it ends after the merge; null: at once. */
    readonly graceHours: number | null;
  } | null;
}

/** What a team has and would have. Money is US dollars a month, estimated; null limits are none. */
export interface TeamImpact {
  readonly team: string;
  readonly labs: { readonly before: number; readonly after: number; readonly limit: number | null };
  readonly monthly: { readonly before: number; readonly after: number; readonly limit: number | null };
}

/** A profile or catalog.yaml is changed. Running labs keep the policy they pinned (promise P12). */
export interface PolicyChange {
  readonly paths: readonly string[];
  readonly profiles: readonly {
    readonly name: string;
    readonly change: "added" | "changed" | "removed";
    /** Live labs that pinned the profile as it was. */
    readonly liveLabs: number;
    /** Up to ten of them. */
    readonly labs: readonly string[];
  }[];
  /** Settings of catalog.yaml that differ, as `guards.maxDestroys` or `teams.team-a.monthlyBudget`. */
  readonly settings: readonly FieldChange[];
}

/** How long labs of a profile took to become ready lately, seconds. */
export interface Durations {
  readonly profile: string;
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
}

/** The plan of one pull request. JSON all through: it is stored as it was shown. */
export interface Review {
  readonly pullRequest: number;
  readonly headCommit: string;
  /** The commit of the catalog that it was planned on. */
  readonly baseCommit: string;
  /** Over the changes and holds, as `Plan.hash`. */
  readonly hash: string;
  readonly changes: readonly ReviewedChange[];
  /** Of files this pull request adds or changes. */
  readonly problems: readonly Problem[];
  readonly policy: PolicyChange | null;
  readonly teams: readonly TeamImpact[];
  readonly durations: readonly Durations[];
  /** Paths that changed on both sides: the host will not merge it as it is. */
  readonly conflicts: readonly string[];
}

// -------------------------------------------------------------------- board

/** What became of one lab of a merged pull request. */
export interface BoardLab {
  readonly name: string;
  readonly team: string;
  /** What the pull request did to it. */
  readonly action: ReviewedChange["action"];
  /** Null: not taken up yet. */
  readonly state: LabState | null;
  readonly since: Date | null;
  readonly job: {
    readonly kind: string;
    readonly state: string;
    readonly step: string | null;
    readonly phase: string | null;
    readonly percent: number | null;
    readonly position: number | null;
    readonly since: Date;
    readonly runAt: Date;
  } | null;
  /** Median seconds of such labs; null without history. */
  readonly typicalSeconds: number | null;
  /** `consoleUrl`, `apiUrl` and what else the provisioner shows; never a secret. */
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly expiresAt: Date | null;
  /** Told within the profile's warning before expiry. */
  readonly expiring: boolean;
  readonly leavingUntil: Date | null;
  readonly destroyCause: Cause | null;
  readonly failure: {
    readonly code: string;
    readonly message: string;
    readonly remedy: string;
    readonly step: string | null;
    readonly retryAt: string | null;
  } | null;
  /** The last lines of the failed job's log, redacted. */
  readonly logTail: readonly string[];
  readonly holds: readonly {
    readonly id: string;
    readonly guard: string;
    readonly message: string;
    readonly release: string;
    readonly state: string;
    readonly approvable: boolean;
  }[];
  readonly receipt: {
    readonly at: Date;
    readonly provisioner: string;
    readonly observations: readonly { readonly at: string; readonly evidence: readonly string[] }[];
    readonly checkedAgain: readonly Date[];
  } | null;
  /** Where its credentials can be read by whoever may; null: only by the command line. */
  readonly credentialsUrl: string | null;
  /** The pull request that would remove its file before it expires. */
  readonly expiryRequest: number | null;
}

/** A command somebody gave in a comment, and what came of it. */
export interface CommandAnswer {
  readonly commentUrl: string;
  readonly author: string;
  /** As typed, one line. */
  readonly command: string;
  readonly state: "received" | "done" | "refused";
  /** Plain text; empty while received. */
  readonly answer: string;
  readonly at: Date;
}

/** Everything the one comment of a pull request says. */
export interface PullRequestReport {
  readonly pullRequest: PullRequest;
  readonly review: Review | null;
  /** Empty until merged. */
  readonly labs: readonly BoardLab[];
  readonly commands: readonly CommandAnswer[];
  /** The branch that the catalog is read from; a pull request may have been sent to another. Absent: it was not. */
  readonly branch?: string;
  /** `https://HOST/OWNER/NAME`, for links to lines. */
  readonly repositoryUrl: string;
  /** When this was told. */
  readonly now: Date;
}

// ------------------------------------------------------------------ reports

export type ReportKind = "comment" | "check" | "status" | "expiry";

/** What a pull request of labkeeper's own is for. */
export type RequestPurpose = "expire" | "extend" | "destroy";
