/** Pull requests as tests need them: small whole values, and the way from open to merged. */

import type { PullRequest, Review, ReviewedChange } from "../../src/core/pull-request.ts";
import type { TouchedLab } from "../../src/github-ports.ts";
import type { Store } from "../../src/store/open.ts";
import { commitNumber } from "../fixtures.ts";

/** Longer than a merge is told in whole seconds. */
const LATER = 5_000;

export function aPullRequest(number: number, change: Partial<PullRequest> = {}): PullRequest {
  return {
    number,
    title: `Change ${number}`,
    author: "octocat",
    url: `https://github.com/octo-org/labs/pull/${number}`,
    state: "open",
    head: { commit: commitNumber(1_000 + number), ref: `change-${number}`, fork: false },
    base: { ref: "main", commit: commitNumber(1) },
    mergeCommit: null,
    updatedAt: new Date(),
    endedAt: null,
    ...change,
  };
}

/** Merged a little later than anything that was recorded so far. */
export const merged = (pullRequest: PullRequest, at = new Date(Date.now() + LATER)): PullRequest => ({
  ...pullRequest,
  state: "merged",
  mergeCommit: commitNumber(2_000 + pullRequest.number),
  updatedAt: at,
  endedAt: at,
});

export const aChange = (lab: string, change: Partial<ReviewedChange> = {}): ReviewedChange => ({
  lab,
  team: "team-a",
  action: "create",
  reason: "the catalog has it",
  fields: [],
  path: `labs/team-a/${lab}.yaml`,
  labId: null,
  order: null,
  warning: null,
  cost: { perDay: 0, untilExpiry: 0 },
  held: null,
  running: null,
  ...change,
});

export const aReview = (pullRequest: PullRequest, changes: readonly ReviewedChange[] = []): Review => ({
  pullRequest: pullRequest.number,
  headCommit: pullRequest.head.commit,
  baseCommit: pullRequest.base.commit,
  hash: "sha256:review",
  changes,
  problems: [],
  policy: null,
  teams: [],
  durations: [],
  conflicts: [],
});

export const touchedBy = ({ changes }: Review): readonly TouchedLab[] =>
  changes.map(({ lab, team, path, action, labId }) => ({ lab, team, path, action, labId }));

export const record = (store: Store, review: Review, afterMerge = false): Promise<void> =>
  store.recordReview(review, touchedBy(review), afterMerge);

/** Opened, reviewed and merged, as it should be. */
export async function mergeReviewed(
  store: Store,
  pullRequest: PullRequest,
  changes: readonly ReviewedChange[],
): Promise<PullRequest> {
  await store.recordPullRequests([pullRequest]);
  await record(store, aReview(pullRequest, changes));
  const done = merged(pullRequest);
  await store.recordPullRequests([done]);
  return done;
}

export const idOf = async (store: Store, lab: string): Promise<string> => {
  const detail = await store.lab(lab);
  if (detail === null) throw new Error(`there is no ${lab}`);
  return detail.lab.id;
};
