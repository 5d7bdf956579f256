import { escapeMarkdown, shownValue } from "./render-escape.ts";
import { isQuiet } from "./render-json.ts";
import { orderWords, shortCommit, summaryLine, symbolOf, warningOf } from "./render-words.ts";
import type { Change, Plan, Problem } from "./types.ts";

const md = escapeMarkdown;

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

const details = (change: Change): string => {
  const lines = [md(change.reason)];
  for (const words of [orderWords(change), warningOf(change)]) if (words !== null) lines.push(md(words));
  for (const { path, before, after } of change.fields)
    lines.push(`${md(path)}: ${md(shownValue(before))} → ${md(shownValue(after))}`);
  const { held } = change;
  if (held !== null) {
    lines.push(`**held** by ${held.guard}: ${md(held.message)}`, md(held.release));
    if (held.approvable) lines.push(`<code>labkeeper approve ${md(held.hold)}</code>`);
  }
  return lines.join("<br>");
};

const changeRow = (change: Change): string =>
  row([
    `<code>${symbolOf(change)}</code>`,
    md(change.lab),
    md(change.team),
    change.replace ? "replace" : change.action,
    details(change),
    md(change.source?.path ?? ""),
  ]);

const problemRow = ({ path, line, column, code, message, remedy }: Problem): string =>
  row([`${md(path)}:${line}:${column}`, md(code), md(message), md(remedy)]);

const table = (head: readonly string[], rows: readonly string[]): string[] =>
  rows.length === 0 ? [] : [row(head), row(head.map(() => "---")), ...rows];

/** The plan for a pull request, as GitHub Markdown. Nothing from a catalog can act in it. `all` adds what is kept. */
export const planMarkdown = (plan: Plan, { all = false } = {}): string => {
  const changes = plan.changes.filter((change) => all || !isQuiet(change));
  const sections = [
    [`### ${md(summaryLine(plan))}`],
    table(["", "Lab", "Team", "Action", "Why", "File"], changes.map(changeRow)),
    plan.problems.length === 0 ? [] : ["#### Problems"],
    table(["Where", "Code", "Problem", "Remedy"], plan.problems.map(problemRow)),
    [`<sub>commit ${md(shortCommit(plan.commit))} · plan ${md(plan.hash)}</sub>`],
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
};
