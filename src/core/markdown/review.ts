/** A pull request that is open: what would happen if it were merged. */

import type { Review } from "../pull-request.ts";
import { shortCommit } from "../render-words.ts";
import { changesPart } from "./changes.ts";
import { code } from "./code.ts";
import { always, type Part } from "./fit.ts";
import { durationsPart, teamsPart } from "./impact.ts";
import { policyPart } from "./policy.ts";
import { conflictsPart, holdsPart, problemsPart, runningPart } from "./review-parts.ts";
import { type Markdown, md, small } from "./text.ts";
import { counted } from "./words.ts";

/** `1 to create, 2 to destroy · 1 held · 1 problem`, as plain text. */
export const reviewHeadline = (review: Review): string => {
  const count = (action: string): number => review.changes.filter((change) => change.action === action).length;
  const actions = (["create", "update", "replace", "destroy"] as const)
    .filter((action) => count(action) > 0)
    .map((action) => `${count(action)} to ${action}`);
  const held = review.changes.filter((change) => change.held !== null).length;
  return [
    actions.length === 0 ? "No lab changes" : actions.join(", "),
    ...(held > 0 ? [`${held} held`] : []),
    ...(review.policy !== null ? ["policy change"] : []),
    ...(review.problems.length > 0 ? [counted(review.problems.length, "problem")] : []),
    ...(review.conflicts.length > 0 ? [counted(review.conflicts.length, "conflict")] : []),
  ].join(" · ");
};

/** Where the whole plan is when there is no room for it. */
export const POINTER = md`This is shortened to what GitHub takes. In full: problems by ${code("labkeeper validate")} in a clone, the plan by ${code("labkeeper reconcile --dry-run")} with the catalog at this branch.`;

const foot = ({ hash, headCommit, baseCommit }: Review): Markdown =>
  small(md`Plan ${code(hash)} for ${code(shortCommit(headCommit))} on ${code(shortCommit(baseCommit))}`);

/** Every part of a review, in the order in which it is read. */
export const reviewParts = (review: Review, repositoryUrl: string): Part[] => [
  runningPart(review),
  conflictsPart(review),
  problemsPart(review, repositoryUrl),
  policyPart(review),
  changesPart(review, repositoryUrl),
  holdsPart(review),
  teamsPart(review),
  durationsPart(review),
  always(foot(review)),
];
