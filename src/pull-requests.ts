/**
 * Story 3: who wants to change the catalog is told what would come of it. Each open pull request is read as data,
 * planned against what is recorded, and the plan is recorded as its review. Nothing here ever changes a lab.
 */

import type { CatalogSource } from "./catalog-ports.ts";
import { canonicalJson } from "./core/canonical.ts";
import { planHash } from "./core/plan-hash.ts";
import type { PullRequest, Review } from "./core/pull-request.ts";
import { LabkeeperError } from "./errors.ts";
import type { ProposalSource, PullRequestStore, RecordedPullRequest } from "./github-ports.ts";
import type { ReadStore } from "./ports.ts";
import { isCurrent, type PlannedBase, type PlanningDeps, planBase } from "./proposed-plan.ts";
import { type Reviewed, reviewOf, settledReviewOf } from "./proposed-review.ts";
import { recordWhatIsSeen, type SeeingDeps, whatIsSeen } from "./seen-pull-requests.ts";

export interface ReviewDeps extends PlanningDeps {
  readonly host: SeeingDeps["host"];
  readonly catalog: CatalogSource & ProposalSource;
  readonly store: PlanningDeps["store"] & PullRequestStore & Pick<ReadStore, "lab">;
  /** The branch that the catalog is read from. */
  readonly branch: string;
  /** What this process reviewed; kept from round to round. */
  readonly memory: ReviewMemory;
  /** Told of each failure that harms no more than one pull request, or that a reconcile goes on without. */
  onError(error: unknown, pullRequest: number | null): void;
}

/** By number. Losing it costs one more look at each open pull request. */
export type ReviewMemory = Map<number, Look>;

interface Look {
  readonly head: string;
  readonly base: string;
  readonly policy: string | null;
  /** Of the branch without any pull request: it moves when labs do. */
  readonly basePlan: string;
  readonly at: number;
  readonly broken: boolean;
  /** Since when the base has all of it while it is told to be open. */
  readonly inBaseSince: number | null;
}

export interface ReviewRound {
  /** Pull requests whose review is new. */
  readonly reviewed: readonly number[];
  /** Those that could not be reviewed this time, and will be tried again. */
  readonly failed: readonly number[];
}

/** Facts such as times and usage age, even where no plan moves. Milliseconds. */
const LONGEST_AGE = 10 * 60_000;
/** Something kept it from being planned for good, by all that is known. Milliseconds. */
const LONGEST_BROKEN = 60 * 60_000;
/** Hosts show a merge in git before they show it in lists. Milliseconds. */
const MERGE_SHOWS = 30_000;
/** Asking the host before a reconcile may take this long; labs do not wait for GitHub any longer. Milliseconds. */
const LEARNING_MS = 10_000;

/**
 * Reviews every open pull request that moved, or whose base, policy or labs did, and explains merged ones that nobody
 * had reviewed. One that cannot be planned harms only itself: its review says so. Rejects when the host or the catalog
 * cannot be read; then nothing is taken for gone.
 */
export async function reviewPullRequests(deps: ReviewDeps, signal?: AbortSignal): Promise<ReviewRound> {
  const open = await recordWhatIsSeen(deps, signal);
  const recorded = (await deps.store.openPullRequests()).filter(({ pullRequest }) => open.has(pullRequest.number));
  const merged = await deps.store.unreviewedMerges();
  for (const number of deps.memory.keys()) if (!open.has(number)) deps.memory.delete(number);
  if (recorded.length === 0 && merged.length === 0) return { reviewed: [], failed: [] };

  const round: Round = { deps, base: await planBase(deps, signal), signal, reviewed: [], failed: [] };
  const due = recorded.filter((each) => isDue(each.pullRequest, round.base, deps.memory));
  for (const each of [...due.filter(isNew), ...due.filter((other) => !isNew(other))]) await reviewOpen(round, each);
  for (const each of merged) await explainMerged(round, each);
  return { reviewed: round.reviewed, failed: round.failed };
}

/**
 * Asks the host which pull requests were merged, before a reconcile: what was reviewed a second ago need not wait.
 * Takes bounded time and never rejects: a reconcile goes on without it, and holds what it cannot know.
 */
export async function learnOfMerges(deps: LearningDeps, signal?: AbortSignal): Promise<void> {
  await learning(deps, signal, (bounded) => recordWhatIsSeen(deps, bounded));
}

/** What `learnOfMerges` would learn and record, and nothing recorded: a dry run plans with it (promise P7). */
export async function mergesMeanwhile(deps: LearningDeps, signal?: AbortSignal): Promise<readonly PullRequest[]> {
  const seen = await learning(deps, signal, (bounded) => whatIsSeen(deps, bounded));
  return (seen?.news ?? []).filter(({ state }) => state === "merged");
}

type LearningDeps = SeeingDeps & Pick<ReviewDeps, "onError">;

/** Null when it took too long or failed, which is told. */
async function learning<T>(
  { onError }: LearningDeps,
  signal: AbortSignal | undefined,
  ask: (bounded: AbortSignal) => Promise<T>,
): Promise<T | null> {
  const bounded = AbortSignal.any([AbortSignal.timeout(LEARNING_MS), ...(signal === undefined ? [] : [signal])]);
  try {
    return await ask(bounded);
  } catch (error) {
    if (!signal?.aborted) onError(error, null);
    return null;
  }
}

interface Round extends ReviewRound {
  readonly deps: ReviewDeps;
  readonly signal: AbortSignal | undefined;
  base: PlannedBase;
  readonly reviewed: number[];
  readonly failed: number[];
}

const isNew = ({ pullRequest, review }: RecordedPullRequest): boolean => review?.headCommit !== pullRequest.head.commit;

function isDue({ number, head }: PullRequest, base: PlannedBase, memory: ReviewMemory): boolean {
  const last = memory.get(number);
  if (last?.head !== head.commit || last.base !== base.commit || last.policy !== digestOf(base)) return true;
  const age = base.now.getTime() - last.at;
  if (last.broken) return age >= LONGEST_BROKEN;
  return last.inBaseSince !== null || last.basePlan !== base.plan.hash || age >= LONGEST_AGE;
}

const digestOf = ({ policy }: PlannedBase): string | null => policy?.digest ?? null;

async function reviewOpen(round: Round, recorded: RecordedPullRequest): Promise<void> {
  const { deps } = round;
  const { number, head } = recorded.pullRequest;
  await apart(round, number, async () => {
    const { result, base } = await onCurrentBase(round, (base) => orBroken(round, recorded, base, reviewOf));
    const last = deps.memory.get(number);
    const now = base.now.getTime();
    const inBaseSince = result.inBase ? (last?.inBaseSince ?? now) : null;
    // Merged a moment ago, it seems. A plan that shows nothing any more must not stand for the one that was merged.
    const isWaiting = inBaseSince !== null && now - inBaseSince < MERGE_SHOWS;
    if (!isWaiting && canonicalJson(result.review) !== canonicalJson(recorded.review)) {
      await deps.store.recordReview(result.review, result.touched, false);
      round.reviewed.push(number);
    }
    deps.memory.set(number, {
      head: head.commit,
      base: base.commit,
      policy: digestOf(base),
      basePlan: base.plan.hash,
      at: now,
      broken: result.broken,
      inBaseSince: isWaiting ? inBaseSince : null,
    });
  });
}

/** Merged before it could be reviewed: its labs have to be known for the board. This reviews nothing any more. */
async function explainMerged(round: Round, recorded: RecordedPullRequest): Promise<void> {
  const { number } = recorded.pullRequest;
  await apart(round, number, async () => {
    const { result } = await onCurrentBase(round, (base) => orBroken(round, recorded, base, settledReviewOf));
    await round.deps.store.recordReview(result.review, result.touched, true);
    round.reviewed.push(number);
  });
}

/** What happens to one pull request happens to no other. */
async function apart({ deps, failed, signal }: Round, pullRequest: number, work: () => Promise<void>): Promise<void> {
  signal?.throwIfAborted();
  try {
    await work();
  } catch (error) {
    signal?.throwIfAborted();
    failed.push(pullRequest);
    deps.onError(error, pullRequest);
  }
}

/**
 * A reconcile in between moves the records under a plan: what somebody else's commit does would then look as if the
 * pull request did it, and would count as reviewed with it.
 */
async function onCurrentBase<T>(
  round: Round,
  work: (base: PlannedBase) => Promise<T>,
): Promise<{ readonly result: T; readonly base: PlannedBase }> {
  for (let attempt = 0; attempt < 3; attempt++) {
    const { base } = round;
    const result = await work(base);
    if (await isCurrent(round.deps, base)) return { result, base };
    round.base = await planBase(round.deps, round.signal);
  }
  throw new LabkeeperError("LK8005", "the catalog was reconciled again and again while it was planned");
}

/** A pull request that can never be planned as it is says so where its plan would stand. */
async function orBroken(
  { deps, signal }: Round,
  recorded: RecordedPullRequest,
  base: PlannedBase,
  work: typeof reviewOf,
): Promise<Reviewed & { readonly broken: boolean }> {
  try {
    return { ...(await work(deps, recorded, base, signal)), broken: false };
  } catch (error) {
    if (!isItsOwnFault(error) || signal?.aborted) throw error;
    return { review: brokenReview(recorded.pullRequest, base, error), touched: [], inBase: false, broken: true };
  }
}

/**
 * Of git, and for good; or nothing that was foreseen. What fails for everybody, or for now, is tried again: so is a ref
 * that is not there (LK1003), for hosts may show a pull request before its ref.
 */
const isItsOwnFault = (error: unknown): boolean => {
  if (!(error instanceof LabkeeperError)) return true;
  return error.disposition === "stop" && error.code.startsWith("LK1") && error.code !== "LK1003";
};

function brokenReview({ number, head }: PullRequest, base: PlannedBase, error: unknown): Review {
  const { code, message, remedy } = error instanceof LabkeeperError ? error : unforeseen(error);
  return {
    pullRequest: number,
    headCommit: head.commit,
    baseCommit: base.commit,
    hash: planHash([]),
    changes: [],
    problems: [{ path: "labs", line: 1, column: 1, code, message, remedy }],
    policy: null,
    teams: [],
    durations: [],
    conflicts: [],
  };
}

const unforeseen = (cause: unknown): LabkeeperError =>
  new LabkeeperError("LK1004", "this pull request cannot be planned", {
    cause,
    remedy: "Nothing of it is reviewed; what it removes will be held. Report this with the pull request's changes.",
  });
