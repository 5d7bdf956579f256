import { escapeTerminal, shownValue } from "./render-escape.ts";
import { isQuiet } from "./render-json.ts";
import { orderWords, shortCommit, summaryLine, symbolOf, warningOf } from "./render-words.ts";
import type { Change, Plan, Problem } from "./types.ts";

type Paint = (text: string) => string;

/** Colours for the plan; each may be the identity. */
export interface PlanColours {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly cyan: Paint;
}

const same: Paint = (text) => text;
export const NO_COLOURS: PlanColours = { bold: same, dim: same, red: same, green: same, yellow: same, cyan: same };

const colourOf = ({ action, replace }: Change, colours: PlanColours): Paint => {
  if (replace) return colours.yellow;
  return { create: colours.green, update: colours.yellow, destroy: colours.red, keep: colours.dim }[action];
};

const INDENT = " ".repeat(8);

const changeLines = (change: Change, width: number, colours: PlanColours): string[] => {
  const paint = colourOf(change, colours);
  const name = escapeTerminal(change.lab).padEnd(width);
  const lines = [`  ${paint(`${symbolOf(change).padStart(3)}  ${name}`)}  ${escapeTerminal(change.reason)}`];
  const order = orderWords(change);
  if (order !== null) lines.push(`${INDENT}${colours.dim(escapeTerminal(order))}`);
  const warning = warningOf(change);
  if (warning !== null) lines.push(`${INDENT}${colours.yellow("!")} ${escapeTerminal(warning)}`);
  for (const { path, before, after } of change.fields)
    lines.push(`${INDENT}${escapeTerminal(`${path}: ${shownValue(before)} → ${shownValue(after)}`)}`);
  return [...lines, ...heldLines(change, colours)];
};

const heldLines = ({ held }: Change, colours: PlanColours): string[] => {
  if (held === null) return [];
  const lines = [
    `${INDENT}${colours.yellow("held")} by ${held.guard}: ${escapeTerminal(held.message)}`,
    `${INDENT}${colours.cyan("→")} ${escapeTerminal(held.release)}`,
  ];
  return held.approvable ? [...lines, `${INDENT}${colours.cyan("→")} labkeeper approve ${held.hold}`] : lines;
};

const problemLines = ({ path, line, column, code, message, remedy }: Problem, colours: PlanColours): string[] => [
  `  ${escapeTerminal(path)}:${line}:${column}  ${colours.red(code)} ${escapeTerminal(message)}`,
  `${INDENT}${colours.cyan("→")} ${escapeTerminal(remedy)}`,
];

/** The plan for people, without a final newline. `all` adds the labs that are kept. */
export const planText = (plan: Plan, colours: PlanColours = NO_COLOURS, { all = false } = {}): string => {
  const changes = plan.changes.filter((change) => all || !isQuiet(change));
  const width = Math.max(0, ...changes.map(({ lab }) => escapeTerminal(lab).length));
  const since = plan.previousCommit === null ? "the first one" : `after ${shortCommit(plan.previousCommit)}`;
  const sections = [
    [colours.bold(`Commit ${shortCommit(plan.commit)}`) + colours.dim(`, ${since}`)],
    changes.flatMap((change) => changeLines(change, width, colours)),
    plan.problems.length === 0
      ? []
      : [colours.bold("Problems"), ...plan.problems.flatMap((problem) => problemLines(problem, colours))],
    [colours.bold(summaryLine(plan))],
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
};
