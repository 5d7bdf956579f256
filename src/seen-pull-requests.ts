/** Which pull requests there are, as the host tells it and as far as they are the catalog's. */

import type { PullRequest } from "./core/pull-request.ts";
import { LabkeeperError } from "./errors.ts";
import type { PullRequestHost, PullRequestStore } from "./github-ports.ts";
import type { Clock } from "./ports.ts";

export interface SeeingDeps {
  readonly host: Pick<PullRequestHost, "openPullRequests" | "endedPullRequests" | "pullRequest">;
  readonly store: Pick<PullRequestStore, "cursor" | "setCursor" | "openNumbers" | "recordPullRequests">;
  readonly clock: Clock;
  /** The branch that the catalog is read from. */
  readonly branch: string;
}

export interface Seen {
  readonly open: readonly PullRequest[];
  /** Ended, or sent to another branch, and somebody may wait for it. */
  readonly news: readonly PullRequest[];
  readonly cursor: Date | null;
  readonly newest: number;
  readonly begun: Date | null;
  readonly followed: Date;
}

/** Hosts may show a change later than another that came after it. Milliseconds. */
const OVERLAP = 5 * 60_000;
/** What ended longer before the host was first asked is history that nobody waits for. Milliseconds. */
const RECENT = 60 * 60_000;
/** Up to when ended pull requests were seen, by the host's clock. */
const SEEN = "ended-pull-requests";
/** Since when they are followed at all, by this host's clock. */
const FOLLOWED = "followed-pull-requests";
/** Pull requests in neither list are asked for one by one: at most so many each time. */
const MOST_ASKED = 20;

/** Only reads. Open ones first: what ends in between is in the second list. */
export async function whatIsSeen(deps: SeeingDeps, signal: AbortSignal | undefined): Promise<Seen> {
  const { host, store, clock, branch } = deps;
  const cursor = await store.cursor(SEEN);
  const since = cursor === null ? null : new Date(cursor.getTime() - OVERLAP);
  const begun = await store.cursor(FOLLOWED);
  const followed = begun ?? new Date(clock.now().getTime() - RECENT);
  const open = await host.openPullRequests(branch, signal);
  const ended = await host.endedPullRequests(branch, since, signal);
  // By the clocks it may look old and yet have been seen open.
  const known = new Set(await store.openNumbers());
  const listed = new Set([...open, ...ended].map(({ number }) => number));
  const strays = await askedFor(
    deps,
    [...known].filter((number) => !listed.has(number)),
    signal,
  );
  const isHistory = ({ endedAt }: PullRequest): boolean => endedAt !== null && endedAt < followed;
  const news = ended.filter((each) => !isHistory(each) || known.has(each.number));
  const hasEnded = new Set(ended.map(({ number }) => number));
  const newest = Math.max(cursor?.getTime() ?? 0, ...ended.map(({ updatedAt }) => updatedAt.getTime()));
  return {
    open: [...open.filter(({ number }) => !hasEnded.has(number)), ...strays.filter(({ state }) => state === "open")],
    news: [...news, ...strays.filter(({ state }) => state !== "open")],
    cursor,
    newest,
    begun,
    followed,
  };
}

/** Answers the numbers that are open. */
export async function recordWhatIsSeen(
  deps: SeeingDeps,
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<number>> {
  const { store } = deps;
  const { open, news, cursor, newest, begun, followed } = await whatIsSeen(deps, signal);
  await store.recordPullRequests([...open, ...news]);
  if (begun === null) await store.setCursor(FOLLOWED, followed);
  if (newest !== cursor?.getTime()) await store.setCursor(SEEN, new Date(newest));
  return new Set(open.map(({ number }) => number));
}

/** What was known to be open and is in no list of the branch: it was sent to another, or a list was not whole. */
async function askedFor(
  { host, clock, branch }: SeeingDeps,
  numbers: readonly number[],
  signal: AbortSignal | undefined,
): Promise<readonly PullRequest[]> {
  // Each gets its turn, even where some are never shown again.
  const first = numbers.length === 0 ? 0 : Math.floor(clock.now().getTime() / 60_000) % numbers.length;
  const turn = [...numbers.slice(first), ...numbers.slice(0, first)].slice(0, MOST_ASKED);
  const found: PullRequest[] = [];
  for (const number of turn) {
    const each = await host.pullRequest(number, signal).catch(notShown);
    if (each !== null) found.push(each.base.ref === branch ? each : elsewhere(each));
  }
  return found;
}

/** GitHub hides pull requests of accounts that it suspended. That says nothing of this one: it stays as it is recorded. */
const notShown = (error: unknown): null => {
  if (error instanceof LabkeeperError && error.code === "LK8003") return null;
  throw error;
};

/**
 * For the catalog a pull request onto another branch is closed, whatever becomes of it there: its merge must never count
 * as one into the catalog. Sent back it is in the list again.
 */
const elsewhere = (each: PullRequest): PullRequest => ({
  ...each,
  state: "closed",
  mergeCommit: null,
  endedAt: each.endedAt ?? each.updatedAt,
});
