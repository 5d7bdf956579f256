import { escapeMarkdown, escapeTerminal } from "../../core/render-escape.ts";
import type { Problem } from "../../core/types.ts";
import type { HoldRow } from "../../ports.ts";
import type { Palette } from "../palette.ts";
import { shorten, table, widthOf } from "../table.ts";
import { duration } from "../time.ts";
import type { LabView } from "./lab-view.ts";
import { expiryWords, stateWord, workWords } from "./lab-words.ts";

export interface StatusList {
  /** The database's clock. */
  readonly now: Date;
  readonly labs: readonly LabView[];
  readonly holds: readonly HoldRow[];
  readonly problems: readonly Problem[];
  readonly queue: { readonly queued: number; readonly running: number; readonly dead: number };
}

const counted = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`;

const footer = ({ labs, queue, holds, problems }: StatusList): string => {
  const states = new Map<string, number>();
  for (const { state } of labs) states.set(state, (states.get(state) ?? 0) + 1);
  const byState = [...states].sort().map(([state, count]) => `${count} ${state}`);
  return [
    `${counted(labs.length, "lab")}${byState.length > 0 ? ` (${byState.join(", ")})` : ""}`,
    `jobs: ${queue.running} running, ${queue.queued} queued, ${queue.dead} dead`,
    ...(holds.length > 0 ? [counted(holds.length, "hold")] : []),
    ...(problems.length > 0 ? [counted(problems.length, "problem")] : []),
  ].join(" · ");
};

const holdLines = (holds: readonly HoldRow[], colours: Palette): string[] =>
  holds.flatMap((hold) => [
    `${colours.yellow(hold.id)}  ${hold.action} ${escapeTerminal(hold.lab)} held by ${hold.guard}${hold.state === "approved" ? " (approved)" : ""}: ${escapeTerminal(hold.message)}`,
    `  ${colours.cyan("→")} ${escapeTerminal(hold.release)}`,
  ]);

const problemLines = (problems: readonly Problem[], colours: Palette): string[] =>
  problems.flatMap((problem) => [
    `${colours.red(problem.code)}  ${escapeTerminal(problem.path)}:${problem.line}:${problem.column}  ${escapeTerminal(problem.message)}`,
    `  ${colours.cyan("→")} ${escapeTerminal(problem.remedy)}`,
  ]);

/** The table of all labs, then what is held and what is wrong. `columns` is the terminal's width; null is no bound. */
export const statusListText = (status: StatusList, colours: Palette, columns: number | null): string => {
  const { labs, holds, problems, now } = status;
  const header = ["LAB", "TEAM", "STATE", "AGE", "EXPIRES", "WORK"].map((title) => colours.bold(title));
  const rows = labs.map((view) => [
    view.name,
    view.team,
    stateWord(view.state, colours),
    duration(view.ageSeconds),
    expiryWords(view, now),
  ]);
  const taken =
    Math.max(
      0,
      ...table([header.slice(0, 5), ...rows])
        .split("\n")
        .map(widthOf),
    ) + 2;
  const room = columns === null ? Number.POSITIVE_INFINITY : Math.max(20, columns - taken);
  const whole = rows.map((row, index) => {
    const view = labs[index];
    return [...row, view === undefined ? "" : shorten(workWords(view, now), room)];
  });
  const sections = [
    labs.length === 0 ? "No labs." : table([header, ...whole]),
    ...(holds.length > 0 ? [[colours.bold("HOLDS"), ...holdLines(holds, colours)].join("\n")] : []),
    ...(problems.length > 0 ? [[colours.bold("PROBLEMS"), ...problemLines(problems, colours)].join("\n")] : []),
    colours.dim(footer(status)),
  ];
  return sections.join("\n\n");
};

/** What `status --output json` prints. */
export const statusListJson = ({ now, labs, holds, problems, queue }: StatusList): string =>
  JSON.stringify(
    {
      apiVersion: "labkeeper.dev/v1",
      kind: "Status",
      at: now.toISOString(),
      labs,
      holds: holds.map((hold) => ({ ...hold, createdAt: hold.createdAt.toISOString() })),
      problems,
      queue,
    },
    null,
    2,
  );

/** The same table as GitHub-flavoured Markdown, with everything from outside escaped. */
export const statusListMarkdown = ({ labs, holds, now }: StatusList): string => {
  const rows = labs.map((view) =>
    [view.name, view.team, view.state, duration(view.ageSeconds), expiryWords(view, now), workWords(view, now)]
      .map(escapeMarkdown)
      .join(" | "),
  );
  const head = "| lab | team | state | age | expires | work |\n| --- | --- | --- | --- | --- | --- |";
  const held = holds.map(
    (hold) =>
      `- ${escapeMarkdown(hold.id)}: ${escapeMarkdown(hold.action)} ${escapeMarkdown(hold.lab)}, ${escapeMarkdown(hold.message)}`,
  );
  return [head, ...rows.map((row) => `| ${row} |`), ...(held.length > 0 ? ["", "Held:", "", ...held] : [])].join("\n");
};
