import type { ReviewedChange, TeamImpact } from "../core/pull-request.ts";
import { escapeMarkdown as md, shownValue } from "../core/render-escape.ts";
import { shortCommit, summaryLine } from "../core/render-words.ts";
import type { Problem } from "../core/types.ts";
import type { Verdict } from "./verdict.ts";

/**
 * Bytes. GitHub drops a step's summary of more than 1 MiB whole, so problems and changes share less than that.
 * https://docs.github.com/actions/reference/workflow-commands-for-github-actions#step-isolation-and-limits
 */
const MOST = { problems: 400_000, changes: 500_000, teams: 80_000 } as const;

const SYMBOLS = { create: "+", update: "~", replace: "-/+", destroy: "-" } as const;

const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`;
/** Escaped too: two plain dollar signs in one line may be taken for mathematics. */
const dollars = (amount: number): string => md(`$${amount.toFixed(2)}`);
const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

/** A table of as many rows as fit into `most` bytes; what is left out is said. */
const table = (head: readonly string[], rows: readonly string[], most: number, where: string): string[] => {
  let left = most;
  const end = rows.findIndex((each) => {
    left -= Buffer.byteLength(each) + 1;
    return left < 0;
  });
  const shown = end === -1 ? rows : rows.slice(0, end);
  const more = rows.length - shown.length;
  const lines = [row(head), row(head.map(() => "---")), ...shown];
  return more === 0 ? lines : [...lines, "", `… and ${more} more: ${where}`];
};

const problemRow = ({ path, line, column, code, message, remedy }: Problem): string =>
  row([`${md(path)}:${line}:${column}`, code, md(message), md(remedy)]);

const verdictSection = ({ validation: { files, problems } }: Verdict): string[] => {
  if (problems.length === 0) return [`### ✅ ${counted(files, "lab file")} checked, no problems`];
  const broken = new Set(problems.map(({ path }) => path)).size;
  return [
    `### ❌ ${counted(problems.length, "problem")} in ${counted(broken, "file")}`,
    "",
    ...table(
      ["Where", "Code", "Problem", "What to do"],
      problems.map(problemRow),
      MOST.problems,
      "see the step's log.",
    ),
  ];
};

const heldLines = ({ held }: ReviewedChange): string[] => {
  if (held === null) return [];
  const approve = held.approvable && held.hold !== "" ? [`<code>labkeeper approve ${md(held.hold)}</code>`] : [];
  return [`⏸ **held** by ${held.guard}: ${md(held.message)}`, md(held.release), ...approve];
};

const costCell = ({ cost }: ReviewedChange): string =>
  cost.perDay > 0 ? `${dollars(cost.perDay)} a day, ${dollars(cost.untilExpiry)} in all` : "";

const changeRow = (change: ReviewedChange): string => {
  const { lab, team, action, reason, fields, order, warning, path } = change;
  const why = [
    md(reason),
    ...[order, warning].flatMap((words) => (words === null ? [] : [md(words)])),
    ...fields.map((field) => `${md(field.path)}: ${md(shownValue(field.before))} → ${md(shownValue(field.after))}`),
    ...heldLines(change),
  ];
  const loud = action === "destroy" || action === "replace" ? `**${action}**` : action;
  return row([
    `<code>${SYMBOLS[action]}</code>`,
    md(lab),
    md(team),
    loud,
    why.join("<br>"),
    costCell(change),
    md(path),
  ]);
};

const newLabs = (changes: readonly ReviewedChange[]): string[] => {
  const made = changes.filter(({ action, held }) => action === "create" && held === null);
  const [perDay, inAll] = [
    made.reduce((sum, { cost }) => sum + cost.perDay, 0),
    made.reduce((sum, { cost }) => sum + cost.untilExpiry, 0),
  ];
  if (perDay === 0) return [];
  return ["", `New labs cost about **${dollars(perDay)} a day**, and ${dollars(inAll)} until they expire.`];
};

const limited = (before: string, after: string, limit: string | null): string =>
  `${before} → ${after}${limit === null ? "" : ` of ${limit}`}`;

const teamRow = ({ team, labs, monthly }: TeamImpact): string =>
  row([
    md(team),
    limited(`${labs.before}`, `${labs.after}`, labs.limit === null ? null : `${labs.limit}`),
    labs.limit === null ? "no limit" : `${labs.limit - labs.after}`,
    limited(dollars(monthly.before), dollars(monthly.after), monthly.limit === null ? null : dollars(monthly.limit)),
    monthly.limit === null ? "no limit" : dollars(monthly.limit - monthly.after),
  ]);

const CHANGES = ["", "Lab", "Team", "Action", "Why", "Cost", "File"];
const TEAMS = ["Team", "Labs", "Left", "A month", "Left"];

const planSection = ({ plan, policyChanged }: Verdict): string[] => {
  if (plan === null) return ["No base to compare with, so every file was checked and nothing planned."];
  const { changes, teams, unknown, plan: whole } = plan;
  const lines = [`### ${md(summaryLine(whole))}`];
  const output = "see the step's output `plan`.";
  if (changes.length > 0) lines.push("", ...table(CHANGES, changes.map(changeRow), MOST.changes, output));
  lines.push(...newLabs(changes));
  if (teams.length > 0) lines.push("", ...table(TEAMS, teams.map(teamRow), MOST.teams, "see `catalog.yaml`."));
  if (policyChanged)
    lines.push("", "The policy changes. Labs that exist keep what their profile said when they were made.");
  if (unknown.length > 0) lines.push("", unknownLabs(unknown));
  const { previousCommit, commit } = whole;
  const range = `${shortCommit(previousCommit ?? "")} → ${shortCommit(commit)}`;
  return [
    ...lines,
    "",
    `<sub>${range} · Told from the catalog alone: what labs do now, and when they expire, labkeeper knows and weighs after the merge.</sub>`,
  ];
};

const SHOWN = 20;

const unknownLabs = (names: readonly string[]): string => {
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : "";
  return `⚠️ The base's files of ${names.slice(0, SHOWN).map(md).join(", ")}${more} could not be used, so whether these labs exist, and whether one of them goes, is not known here.`;
};

/** The job's summary, as GitHub Markdown in which nothing from a catalog can act (promise P10). Below 1 MiB. */
export const summaryMarkdown = (verdict: Verdict): string =>
  `${[...verdictSection(verdict), "", ...planSection(verdict)].join("\n")}\n`;

/** What stands there when nothing could be judged. */
export const failureMarkdown = (code: string, message: string, remedy: string): string =>
  `### ❌ The catalog could not be checked\n\n**${md(code)}** ${md(message)}\n\n${md(remedy)}\n`;
