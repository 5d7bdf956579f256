import { changesPart } from "../core/markdown/changes.ts";
import { code } from "../core/markdown/code.ts";
import { always, fitted, type Part } from "../core/markdown/fit.ts";
import { alert } from "../core/markdown/fold.ts";
import { teamsPart } from "../core/markdown/impact.ts";
import { policyPart } from "../core/markdown/policy.ts";
import { holdsPart, problemsPart } from "../core/markdown/review-parts.ts";
import {
  blocks,
  bold,
  EMPTY,
  heading,
  inline,
  type Markdown,
  md,
  small,
  sourceOf,
  text,
} from "../core/markdown/text.ts";
import { counted, money } from "../core/markdown/words.ts";
import type { Review, ReviewedChange, TeamImpact } from "../core/pull-request.ts";
import { shortCommit, summaryLine } from "../core/render-words.ts";
import type { Validation } from "../core/validate.ts";
import type { Verdict } from "./verdict.ts";

/**
 * Bytes. GitHub drops a step's summary of more than 1 MiB as a whole.
 * https://docs.github.com/actions/reference/workflow-commands-for-github-actions#step-isolation-and-limits
 */
const MOST = 1_000_000;

const POINTER = md`This is shortened to what GitHub takes. All problems are in the step's log, all changes in its output ${code("plan")} and in ${code("labkeeper reconcile --dry-run")}.`;

/** Where the catalog is, for links to its files. */
export interface Where {
  /** `https://HOST/OWNER/NAME`; null where nothing says it: then there are no links. */
  readonly repositoryUrl: string | null;
  /** From the repository's root to the catalog: "" or a path that ends in a slash. */
  readonly prefix: string;
}

const verdictLine = ({ files, problems }: Validation): Markdown => {
  if (problems.length === 0) return heading(3, md`✅ ${counted(files, "lab file")} checked, no problems`);
  const broken = new Set(problems.map(({ path }) => path)).size;
  return heading(3, md`❌ ${counted(problems.length, "problem")} in ${counted(broken, "file")}`);
};

/** Paths from the repository's root, and no command for a hold whose id is not known. */
const shownAt = (review: Review, prefix: string): Review => {
  const at = <Of extends { readonly path: string }>(each: Of): Of => ({ ...each, path: `${prefix}${each.path}` });
  const releasable = (change: ReviewedChange): ReviewedChange =>
    change.held === null || change.held.hold !== ""
      ? change
      : { ...change, held: { ...change.held, approvable: false } };
  return {
    ...review,
    problems: review.problems.map(at),
    changes: review.changes.map((change) => at(releasable(change))),
    policy:
      review.policy === null ? null : { ...review.policy, paths: review.policy.paths.map((path) => prefix + path) },
  };
};

const leftOf = ({ team, labs, monthly }: TeamImpact): Markdown => {
  const left = [
    labs.limit === null ? EMPTY : md`${counted(labs.limit - labs.after, "lab")}`,
    monthly.limit === null ? EMPTY : md`${money(monthly.limit - monthly.after)} a month`,
  ];
  const limits = inline(left, ", ");
  return sourceOf(limits) === "" ? EMPTY : md`${bold(text(team, 80))} ${limits}`;
};

const MOST_TEAMS = 50;

/** What the teams may still have after it. */
const leftLine = ({ teams }: Review): Markdown => {
  const left = inline(teams.slice(0, MOST_TEAMS).map(leftOf), " · ");
  return sourceOf(left) === "" ? EMPTY : md`Left: ${left}`;
};

const MOST_NAMES = 20;

const unknownNote = (names: readonly string[]): Markdown => {
  if (names.length === 0) return EMPTY;
  const shown = inline(
    names.slice(0, MOST_NAMES).map((name) => code(name)),
    ", ",
  );
  const more = names.length > MOST_NAMES ? md` and ${names.length - MOST_NAMES} more` : EMPTY;
  return alert(
    "WARNING",
    md`The base's files of ${shown}${more} cannot be used, so whether there are such labs, and whether one of them goes, is not known here.`,
  );
};

const foot = ({ baseCommit, headCommit }: Review): Markdown =>
  small(
    md`${code(shortCommit(baseCommit))} → ${code(shortCommit(headCommit))} · Told from the catalog alone. What labs do now and when they expire labkeeper knows, and weighs after the merge.`,
  );

const planParts = ({ plan, unknown }: Verdict, review: Review, repositoryUrl: string): Part[] =>
  plan === null
    ? [always(md`There is nothing to compare with: every file was checked, and nothing planned.`)]
    : [
        always(heading(3, text(summaryLine(plan)))),
        always(unknownNote(unknown)),
        policyPart(review),
        changesPart(review, repositoryUrl),
        holdsPart(review),
        teamsPart(review),
        always(leftLine(review)),
        always(foot(review)),
      ];

/** The job's summary, as GitHub Markdown in which nothing from a catalog can act (promise P10). Below 1 MiB. */
export const summaryMarkdown = (verdict: Verdict, { repositoryUrl, prefix }: Where): string => {
  const review = shownAt(verdict.review, prefix);
  const url = repositoryUrl ?? "";
  const parts = [
    always(verdictLine(verdict.validation)),
    problemsPart(review, url),
    ...planParts(verdict, review, url),
  ];
  return `${sourceOf(fitted(parts, POINTER, MOST))}\n`;
};

/** What stands there when nothing could be judged. */
export const failureMarkdown = (errorCode: string, message: string, remedy: string): string =>
  `${sourceOf(blocks([heading(3, md`❌ The catalog could not be checked`), md`${code(errorCode)} ${message}`, md`${remedy}`]))}\n`;
