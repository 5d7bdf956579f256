/** What a review says beside its table of changes, each part on its own. */

import type { Review, ReviewedChange } from "../pull-request.ts";
import type { Problem } from "../types.ts";
import { sortedChanges } from "./changes.ts";
import { code } from "./code.ts";
import { andMore, type Part } from "./fit.ts";
import { alert } from "./fold.ts";
import { fileUrl, link } from "./link.ts";
import { blocks, bold, broken, EMPTY, heading, list, type Markdown, md, text } from "./text.ts";
import { counted, timeWords } from "./words.ts";

const NONE: Part = { importance: 0, items: 0, render: () => EMPTY };

/** A list whose last rows may be left out. */
const listPart = <Row>(
  importance: number,
  rows: readonly Row[],
  before: Markdown,
  item: (row: Row, brief: boolean) => Markdown,
): Part =>
  rows.length === 0
    ? NONE
    : {
        importance,
        items: rows.length,
        render: (shown, brief) => {
          const rest = andMore(rows.length, shown);
          const items = rows.slice(0, shown).map((row) => item(row, brief));
          return blocks([before, list([...items, ...(rest === null ? [] : [md`${rest}`])])]);
        },
      };

// ------------------------------------------------------------ running labs

const endWords = ({ action, running }: ReviewedChange): string => {
  const hours = running?.graceHours ?? null;
  if (action === "replace") return "It is destroyed and made anew: what is on it is lost.";
  if (action === "update") return `The edit ends it in ${hours ?? 0} h.`;
  return hours === null || hours === 0
    ? "It is destroyed at once."
    : `It is destroyed ${hours} h after the merge, unless its file comes back before.`;
};

const runningLine = (change: ReviewedChange): Markdown => {
  const { running, lab, team } = change;
  if (running === null) return EMPTY;
  const used =
    running.lastUsed === null
      ? "nobody has read its credentials"
      : `credentials last read ${timeWords(running.lastUsed)}`;
  const whose = md`${bold(text(lab, 80))} of ${bold(text(running.owner, 80))} (${text(team, 80)})`;
  return md`${whose}: ${running.state}, in use since ${timeWords(running.since)}, ${used}. ${bold(endWords(change))}`;
};

/** Whoever merges this takes something away from somebody: nobody can overlook it. */
export const runningPart = (review: Review): Part => {
  const ending = sortedChanges(review.changes).filter(({ running }) => running !== null);
  const waiting = ending.filter(({ held }) => held !== null).length;
  const first = waiting === 0 ? EMPTY : md` ${waiting} of them only once released, see below.`;
  const title = md`${bold(`Merging this ends ${counted(ending.length, "running lab")}.`)}${first}`;
  const part = listPart(90, ending, title, runningLine);
  return ending.length === 0
    ? part
    : { ...part, render: (shown, brief) => alert("CAUTION", part.render(shown, brief)) };
};

// ---------------------------------------------------------------- problems

const problemLine = (problem: Problem, review: Review, repositoryUrl: string): Markdown => {
  const { path, line, column, message, remedy } = problem;
  const place = link(md`${text(path, 200)}:${line}:${column}`, fileUrl(repositoryUrl, review.headCommit, path, line));
  return md`${place} ${code(problem.code)} ${message}<br>→ ${remedy}`;
};

export const problemsPart = (review: Review, repositoryUrl: string): Part =>
  listPart(
    85,
    review.problems,
    blocks([heading(4, md`Problems`), md`What these files ask for is not carried out before they are mended.`]),
    (problem) => problemLine(problem, review, repositoryUrl),
  );

// ------------------------------------------------------------------- holds

const holdLine = ({ lab, held }: ReviewedChange): Markdown => {
  if (held === null) return EMPTY;
  return broken([
    md`${bold(text(lab, 80))} by ${code(held.guard)}: ${held.message}`,
    md`${held.release}`,
    held.approvable ? md`After the merge: ${code(`/lab approve ${held.hold}`)}` : EMPTY,
  ]);
};

export const holdsPart = (review: Review): Part => {
  const held = review.changes.filter((change) => change.held !== null);
  const who = held.some((change) => change.held?.approvable)
    ? md`These wait after the merge, until somebody who may release them does. Nobody releases what they asked for themselves.`
    : md`These wait after the merge, until what is said below is so.`;
  return listPart(80, held, blocks([heading(4, md`⏸️ Held back`), who]), holdLine);
};

// --------------------------------------------------------------- conflicts

export const conflictsPart = (review: Review): Part => {
  const title = md`${bold("Conflicts with the base branch.")} These files changed on both sides; the plan is what this pull request asks for.`;
  const part = listPart(60, review.conflicts, title, (path) => code(path));
  return review.conflicts.length === 0
    ? part
    : { ...part, render: (shown, brief) => alert("WARNING", part.render(shown, brief)) };
};
