/**
 * The small interfaces between pull requests, where they are hosted, and what is recorded of them. As ports.ts:
 * every method that can fail rejects with a LabkeeperError; "could not read" is never an empty answer. A 403 or a 404
 * from the host is LK8002 or LK8003, never "there are none".
 */

import type {
  BoardLab,
  CommandAnswer,
  Durations,
  PullRequest,
  ReportKind,
  RequestPurpose,
  Review,
} from "./core/pull-request.ts";
import type { CatalogEntry } from "./core/types.ts";

// --------------------------------------------------------------------- host

/** Who labkeeper is at the host. `login` is what its comments carry (`labkeeper[bot]`); only an App may make checks. */
export interface HostIdentity {
  readonly login: string;
  readonly app: boolean;
}

/** Somebody at the host. The id stays when the login changes; null where none is known. */
export interface Account {
  readonly login: string;
  readonly id: number | null;
}

/** Whose work a pull request is. */
export interface Authorship {
  /** Its author, and the authors, committers and co-authors of its commits, by their logins of now. Some more than once. */
  readonly accounts: readonly Account[];
  /** Why somebody may be missing, as a clause; null: nobody is. */
  readonly incomplete: string | null;
}

export interface PullRequestHost {
  self(signal?: AbortSignal): Promise<HostIdentity>;
  /** Every open pull request onto `base`, all pages. */
  openPullRequests(base: string, signal?: AbortSignal): Promise<readonly PullRequest[]>;
  /** Those onto `base` that were merged or closed, newest update first, back to `since`; null: only the newest page. */
  endedPullRequests(base: string, since: Date | null, signal?: AbortSignal): Promise<readonly PullRequest[]>;
  /** One, wherever it goes. @throws LK8003 when it is not shown */
  pullRequest(number: number, signal?: AbortSignal): Promise<PullRequest>;
  /** Pull requests from a branch of the repository itself, whoever opened them and whatever their state, newest first. */
  pullRequestsFrom(branch: string, signal?: AbortSignal): Promise<readonly PullRequest[]>;
  /** By the pull request and its commits as they are now. Git takes any name: who pushed them it does not say. */
  authorship(pullRequest: number, signal?: AbortSignal): Promise<Authorship>;
}

export interface HostComment {
  readonly id: number;
  readonly url: string;
  /** Null for a plain issue. */
  readonly pullRequest: number;
  readonly author: string;
  /** Null when the account is gone. */
  readonly authorId: number | null;
  readonly byBot: boolean;
  /** GitHub's author_association: OWNER, MEMBER, COLLABORATOR, CONTRIBUTOR, NONE … */
  readonly association: string;
  readonly body: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export type Reaction = "+1" | "-1" | "eyes" | "confused" | "rocket";

export interface CommentHost {
  /** All comments of a pull request, oldest first, all pages. */
  comments(pullRequest: number, signal?: AbortSignal): Promise<readonly HostComment[]>;
  /** Comments on any pull request updated at or after `since`, oldest update first, all pages. */
  commentsSince(since: Date, signal?: AbortSignal): Promise<readonly HostComment[]>;
  createComment(pullRequest: number, body: string, signal?: AbortSignal): Promise<number>;
  /** @throws LK8003 when it was deleted */
  editComment(id: number, body: string, signal?: AbortSignal): Promise<void>;
  deleteComment(id: number, signal?: AbortSignal): Promise<void>;
  /** Safe to repeat. */
  react(comment: number, reaction: Reaction, signal?: AbortSignal): Promise<void>;
}

export interface Annotation {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly level: "failure" | "warning" | "notice";
  readonly title: string;
  readonly message: string;
}

export interface CheckDraft {
  readonly name: string;
  readonly commit: string;
  /** Found again by it after a crash between making and recording. */
  readonly externalId: string;
  readonly conclusion: "success" | "failure" | "neutral" | "action_required";
  readonly title: string;
  /** Markdown, at most 65,535 characters. */
  readonly summary: string;
  readonly annotations: readonly Annotation[];
}

export interface StatusDraft {
  readonly commit: string;
  readonly context: string;
  readonly state: "pending" | "success" | "failure" | "error";
  /** At most 140 characters. */
  readonly description: string;
  readonly url: string | null;
}

export interface CheckHost {
  /** Makes the check run, or changes the one with the same name, commit and external id. Answers its id. @throws LK8002 for a token */
  putCheck(draft: CheckDraft, known: number | null, signal?: AbortSignal): Promise<number>;
  /** A commit status; the newest of a context counts. */
  putStatus(draft: StatusDraft, signal?: AbortSignal): Promise<void>;
}

/** A change of exactly one file, as a pull request of labkeeper's own. */
export interface RequestDraft {
  readonly branch: string;
  readonly base: string;
  readonly path: string;
  /** Null: the file is removed. */
  readonly content: Uint8Array | null;
  /** The blob that is replaced or removed; a file that changed meanwhile is refused (LK8004). */
  readonly blobOid: string;
  readonly commitMessage: string;
  readonly title: string;
  readonly body: string;
}

/** Somebody else uses the branch: it was left as it is. `by` names what is there, as a clause's subject. */
export interface TakenBranch {
  readonly branch: string;
  readonly by: string;
}

export interface RequestHost {
  /**
   * Idempotent by branch: what labkeeper itself left there (branch, commit, pull request onto `base`) is used as it is.
   * What others put there never is, or it would be proposed in labkeeper's name.
   */
  openRequest(draft: RequestDraft, signal?: AbortSignal): Promise<PullRequest | TakenBranch>;
  closeRequest(pullRequest: number, signal?: AbortSignal): Promise<void>;
}

export interface MembershipHost {
  /** Asked anew each time. @throws when it cannot be told (403, 5xx): that is not "no". */
  isTeamMember(organisation: string, team: string, login: string, signal?: AbortSignal): Promise<boolean>;
  permission(login: string, signal?: AbortSignal): Promise<"admin" | "write" | "read" | "none">;
}

export interface Host extends PullRequestHost, CommentHost, CheckHost, RequestHost, MembershipHost {
  /** `https://HOST/OWNER/NAME` */
  readonly repositoryUrl: string;
}

// ------------------------------------------------------------------ catalog

/** What a pull request proposes, read as data through git; nothing of it is ever run. */
export interface Proposal {
  readonly head: string;
  /** Where it left the base. */
  readonly forkPoint: string;
  /** What it changes under `labs/`, from the fork point to its head. */
  readonly labs: readonly CatalogEntry[];
  /** Paths of those that were not there before. */
  readonly addedLabs: readonly string[];
  /** `catalog.yaml` and `profiles/` as a merge into the base would leave them. */
  readonly policyFiles: readonly CatalogEntry[];
  /** Which of those it changes itself. */
  readonly policyPaths: readonly string[];
  /** Paths that both sides changed differently since the fork point. */
  readonly conflicts: readonly string[];
  /** The base has all that it changes: it was merged already, or others did the same. */
  readonly inBase: boolean;
}

export interface ProposalSource {
  /** Reads `refs/pull/N/head`, forks included. @throws LK1003 when there is no such ref, LK8005 when its head is not `expected` */
  proposal(pullRequest: number, expectedHead: string, base: string, signal?: AbortSignal): Promise<Proposal>;
}

export interface CatalogFileSource {
  /** The branch that is followed; null when a tag or a commit is: nothing can be merged into those. */
  branch(signal?: AbortSignal): Promise<string | null>;
  /** One plain file at a commit; null when there is none. @throws LK1004 when something else is in its place */
  file(commit: string, path: string): Promise<{ readonly blobOid: string; readonly bytes: Uint8Array } | null>;
}

// ------------------------------------------------------------------ records

/** A recorded pull request with what it was last reviewed on. */
export interface RecordedPullRequest {
  readonly pullRequest: PullRequest;
  readonly purpose: RequestPurpose | null;
  /** The lab that labkeeper opened it for, to end it before it expires; absent or null for every other. */
  readonly endsLab?: string | null;
  readonly review: Review | null;
}

/** A lab that a pull request touches, by the review of its last head. */
export interface TouchedLab {
  readonly lab: string;
  readonly team: string;
  readonly path: string;
  readonly action: "create" | "update" | "replace" | "destroy";
  /** The lab that was there at review; null when none was. */
  readonly labId: string | null;
}

export interface PullRequestStore {
  /** Makes the records say what the host says. A merged pull request never opens again. Reports of what moved become due. */
  recordPullRequests(seen: readonly PullRequest[]): Promise<void>;
  /** Recorded as open, whatever the host says by now. */
  openPullRequests(): Promise<readonly RecordedPullRequest[]>;
  /** The numbers of those. */
  openNumbers(): Promise<readonly number[]>;
  /** Merged, but never reviewed at the head that was merged: their labs are not known yet. */
  unreviewedMerges(): Promise<readonly RecordedPullRequest[]>;
  /**
   * Stores a review and the labs it touches, replacing those of the pull request's earlier heads. The destroys of a
   * review of an open pull request count as reviewed once exactly this head is merged; `afterMerge` ones never do.
   */
  recordReview(review: Review, touched: readonly TouchedLab[], afterMerge: boolean): Promise<void>;
  cursor(name: string): Promise<Date | null>;
  setCursor(name: string, value: Date): Promise<void>;
  /** Median and ninth decile of the latest fifty provisions by profile; profiles without history are left out. */
  durations(profiles: readonly string[]): Promise<readonly Durations[]>;
  /** When somebody last read each lab's credentials, by lab id. */
  lastUsed(labIds: readonly string[]): Promise<ReadonlyMap<string, Date>>;
  /** Live labs by the profile they pinned: how many, and the names of up to ten. */
  liveLabsByProfile(
    profiles: readonly string[],
  ): Promise<ReadonlyMap<string, { readonly count: number; readonly names: readonly string[] }>>;
}

/** One report that is due, with what it said last. */
export interface DueReport {
  readonly pullRequest: PullRequest;
  readonly kind: ReportKind;
  /** comment: "" · check: head commit · status: lab name · expiry: lab id */
  readonly subject: string;
  readonly remoteId: number | null;
  readonly sentDigest: string | null;
  readonly failures: number;
  /** Another one each time something makes it wanted. */
  readonly mark: string;
}

export interface ReportStore {
  /** Looks which labs had events since last asked, and makes the reports of their pull requests due. */
  noteEvents(): Promise<void>;
  /**
   * Up to `limit` reports that are due: wanted, not before their `next_at`, the longest waiting first. Reports with a
   * running job come due by themselves every `progressSeconds`.
   */
  dueReports(now: Date, progressSeconds: number, limit: number): Promise<readonly DueReport[]>;
  /** The labs of a merged pull request as they are now; without log lines and links. */
  board(pullRequest: number): Promise<readonly BoardRow[]>;
  commandAnswers(pullRequest: number): Promise<readonly CommandAnswer[]>;
  review(pullRequest: number): Promise<Review | null>;
  /** It says `digest` now and may be edited again after `notBefore`. Still due when something made it wanted since it was asked for. */
  recordSent(
    report: DueReport,
    sent: {
      readonly remoteId: number | null;
      readonly digest: string;
      readonly at: Date;
      readonly notBefore: Date;
    },
  ): Promise<void>;
  recordFailure(report: DueReport, error: string, retryAt: Date): Promise<void>;
  /** How many reports wait, and how many failed last time: for doctor and logs. */
  backlog(): Promise<{ readonly waiting: number; readonly failing: number; readonly lastError: string | null }>;
}

/** A board lab as the database knows it. */
export interface BoardRow extends Omit<BoardLab, "logTail" | "credentialsUrl"> {
  readonly labId: string | null;
  /** The job whose log tells of the failure. */
  readonly failedJobId: string | null;
}

/** A command found in a comment. */
export interface CommentCommand {
  readonly commentId: number;
  readonly commentUrl: string;
  readonly pullRequest: number;
  readonly author: string;
  readonly authorId: number | null;
  /** One line. */
  readonly command: string;
  readonly at: Date;
}

export interface CommentCommandStore {
  /** Records commands as received, each comment once in its life; answers those that are new. */
  receive(commands: readonly CommentCommand[]): Promise<readonly CommentCommand[]>;
  /** Received and not answered: by this process or one that died. */
  unanswered(): Promise<readonly CommentCommand[]>;
  answer(commentId: number, state: "done" | "refused", answer: string): Promise<void>;
  /** The pull request whose plan a hold belongs to, with its author; null for none (a direct push, or before). */
  holdOrigin(hold: string): Promise<{
    readonly lab: string;
    readonly team: string;
    readonly guard: string;
    readonly pullRequest: number | null;
    /** Who opened it, or asked labkeeper for it. */
    readonly author: Account | null;
    /** Somebody added it to a pull request that labkeeper had opened for another lab: nobody knows who. */
    readonly smuggled: boolean;
  } | null>;
}

export interface WebhookStore {
  /** False when this delivery was seen before. */
  recordDelivery(id: string, event: string): Promise<boolean>;
  /** Wakes whoever reconciles, in any process. */
  wake(): Promise<void>;
  /** Forgets deliveries from before a time, when their ids come no more; answers how many. */
  forgetDeliveries(before: Date): Promise<number>;
}

/** A pull request that labkeeper wants to open or has opened. `detail` parts several of one purpose: hours, expiry time. */
export interface RequestRecord {
  readonly labId: string;
  readonly lab: string;
  readonly purpose: RequestPurpose;
  readonly detail: string;
  readonly branch: string;
  readonly askedBy: Account;
  readonly pullRequest: number | null;
}

export interface RequestStore {
  /** Labs whose expiry was told and that have no pull request for it yet. */
  expiringWithoutRequest(): Promise<
    readonly {
      readonly labId: string;
      readonly lab: string;
      readonly team: string;
      readonly owner: string;
      readonly path: string;
      readonly expiresAt: Date;
      readonly pullRequest: number | null;
    }[]
  >;
  recordRequest(request: RequestRecord): Promise<void>;
  /**
   * Open pull requests to expire a lab that no longer expires then (it was given more hours), or to extend or destroy
   * one that is destroyed by now. Those that expire a lab which did expire stay: merging them tidies its file.
   */
  obsoleteRequests(): Promise<readonly RequestRecord[]>;
  /** It was closed as beside the point; not opened again for the same detail. */
  recordClosed(request: RequestRecord): Promise<void>;
}

/** An open pull request of labkeeper's own. */
export interface OwnRequest {
  readonly number: number;
  /** Branches that it should have had and that others use. */
  readonly avoided: readonly TakenBranch[];
}

/** What commands and expiries ask for. Asking again answers the same pull request. */
export interface OwnRequests {
  /** Adds hours to what a lab may live. @throws LK3004 when its profile allows no more */
  extend(
    lab: string,
    hours: number,
    askedBy: Account,
    signal?: AbortSignal,
  ): Promise<OwnRequest & { readonly ttlHours: number }>;
  destroy(lab: string, askedBy: Account, signal?: AbortSignal): Promise<OwnRequest>;
  /** For every lab whose expiry was told: one that removes its file. Closes those that are beside the point by now. */
  keepExpiryRequests(signal?: AbortSignal): Promise<void>;
}
