import { code } from "./markdown/code.ts";
import { table } from "./markdown/table.ts";
import { blocks, bold, broken, EMPTY, heading, type Markdown, md, small, sourceOf, text } from "./markdown/text.ts";
import { shownValue } from "./render-escape.ts";
import { isQuiet } from "./render-json.ts";
import { orderWords, shortCommit, summaryLine, symbolOf, warningOf } from "./render-words.ts";
import type { Change, Plan, Problem } from "./types.ts";

const heldLines = ({ held }: Change): Markdown[] =>
  held === null
    ? []
    : [
        md`${bold("held")} by ${code(held.guard)}: ${held.message}`,
        text(held.release),
        held.approvable ? code(`labkeeper approve ${held.hold}`) : EMPTY,
      ];

const why = (change: Change): Markdown =>
  broken([
    text(change.reason),
    ...[orderWords(change), warningOf(change)].map((words) => text(words ?? "")),
    ...change.fields.map(
      ({ path, before, after }) => md`${text(path, 120)}: ${shownValue(before)} → ${bold(shownValue(after))}`,
    ),
    ...heldLines(change),
  ]);

const changeRow = (change: Change): Markdown[] => [
  md`${code(symbolOf(change))} ${change.replace ? "replace" : change.action}`,
  broken([bold(text(change.lab, 80)), text(change.team, 80), code(change.source?.path ?? "")]),
  why(change),
];

const problemRow = ({ path, line, column, code: problem, message, remedy }: Problem): Markdown[] => [
  md`${text(path)}:${line}:${column}`,
  broken([md`${code(problem)} ${message}`, md`→ ${remedy}`]),
];

/** The plan for a pull request, as GitHub Markdown. Nothing from a catalog can act in it. `all` adds what is kept. */
export const planMarkdown = (plan: Plan, { all = false } = {}): string => {
  const changes = plan.changes.filter((change) => all || !isQuiet(change));
  const sections = [
    heading(3, md`${summaryLine(plan)}`),
    table(["Change", "Lab", "Why"], changes.map(changeRow)),
    plan.problems.length === 0 ? EMPTY : heading(4, md`Problems`),
    table(["Where", "Problem and remedy"], plan.problems.map(problemRow)),
    small(md`commit ${code(shortCommit(plan.commit))} · plan ${code(plan.hash)}`),
  ];
  return `${sourceOf(blocks(sections))}\n`;
};
