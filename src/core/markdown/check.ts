/** The check run of an open pull request. */

import { plain } from "../problem.ts";
import type { Review } from "../pull-request.ts";
import { shortened } from "../render-escape.ts";
import { fitted, GITHUB_LIMIT } from "./fit.ts";
import { POINTER, reviewHeadline, reviewParts } from "./review.ts";
import { sourceOf } from "./text.ts";

export const CHECK_NAME = "labkeeper/plan";

export type CheckConclusion = "success" | "failure" | "neutral";

/**
 * Problems fail the check. What will be held, what is running and would end, and conflicts make it neutral: somebody
 * should look, but a required check must not stand in the way, because a hold can only be released after the merge.
 */
export const checkConclusion = (review: Review): CheckConclusion => {
  if (review.problems.length > 0) return "failure";
  const someoneShouldLook = review.changes.some(({ held, running }) => held !== null || running !== null);
  return someoneShouldLook || review.conflicts.length > 0 ? "neutral" : "success";
};

/** The plan, as the comment tells it. */
export const checkSummary = (review: Review, repositoryUrl: string): string =>
  `${sourceOf(fitted(reviewParts(review, repositoryUrl), POINTER, GITHUB_LIMIT - 1))}\n`;

export interface CheckAnnotation {
  readonly path: string;
  readonly line: number;
  readonly level: "failure";
  readonly title: string;
  readonly message: string;
}

/** Problems at their lines. Annotations are plain text. */
export const checkAnnotations = (review: Review): readonly CheckAnnotation[] =>
  review.problems.map(({ path, line, code, message, remedy }) => ({
    path,
    line: Math.max(1, line),
    level: "failure",
    title: shortened(plain(`${code} ${message}`, 200), 200),
    message: `${plain(message, 2_000)}\n→ ${plain(remedy, 2_000)}`,
  }));

/** What the check says, in the shape that the host takes. Found again by its name, commit and the pull request. */
export const checkDraft = (review: Review, repositoryUrl: string) => ({
  name: CHECK_NAME,
  commit: review.headCommit,
  externalId: `labkeeper:${review.pullRequest}`,
  conclusion: checkConclusion(review),
  title: shortened(reviewHeadline(review), 140),
  summary: checkSummary(review, repositoryUrl),
  annotations: checkAnnotations(review),
});
