import type { Rehearsal } from "../../core/rehearsal.ts";
import { escapeTerminal } from "../../core/render-escape.ts";
import type { Palette } from "../palette.ts";
import { shorten, table } from "../table.ts";
import { duration, stamp } from "../time.ts";

const counted = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`;

const queueTable = ({ queue }: Rehearsal, colours: Palette): string[] => {
  const rows = Object.entries(queue).map(([kind, { jobs, p50, p90, max }]) => [
    kind,
    String(jobs),
    duration(p50),
    duration(p90),
    duration(max),
  ]);
  if (rows.length === 0) return [];
  const header = ["WAITED", "JOBS", "P50", "P90", "MAX"].map((title) => colours.bold(title));
  return ["", table([header, ...rows])];
};

const holdLines = ({ holds }: Rehearsal, colours: Palette): string[] => {
  if (holds.length === 0) return ["", "No guard would have held anything."];
  const labs = holds.reduce((sum, hold) => sum + hold.labs.length, 0);
  return [
    "",
    `${colours.yellow(counted(labs, "change"))} would have been held, by ${counted(new Set(holds.map(({ commit }) => commit)).size, "commit")}; nobody approves in a rehearsal:`,
    ...holds.map(
      ({ commit, at, guard, labs: held }) =>
        `  ${commit.slice(0, 10)}  ${stamp(at)}  ${guard}  ${escapeTerminal(shorten(held.join(", "), 80))}`,
    ),
  ];
};

const failureLines = ({ failures, refused }: Rehearsal): string[] => [
  ...(failures.length === 0
    ? []
    : ["", "Runs that failed:", ...failures.map(({ job, code, count }) => `  ${count} × ${job} ${code}`)]),
  ...(refused.length === 0
    ? []
    : ["", `${counted(refused.length, "commit")} with files that were refused; their labs would have been kept.`]),
];

const costTable = ({ cost }: Rehearsal, colours: Palette): string[] => {
  if (cost.length === 0) return [];
  const header = ["TEAM", "MONTH", "ABOUT"].map((title) => colours.bold(title));
  const rows = cost.map(({ team, month, dollars }) => [escapeTerminal(team), month, `$${dollars.toFixed(2)}`]);
  return ["", table([header, ...rows])];
};

/** Names of labs and teams come from a catalog, so nothing of them may move the cursor. */
export const rehearsalText = (rehearsal: Rehearsal, colours: Palette): string => {
  const { from, to, commits, labs } = rehearsal;
  return [
    `${stamp(from)} to ${stamp(to)}: ${counted(commits, "commit")}`,
    `${counted(labs.made, "lab")} made, ${labs.changed} changed, ${labs.destroyed} destroyed; ${labs.atBegin} at the beginning, ${labs.mostAtOnce} at most at once, ${labs.atEnd} at the end`,
    ...queueTable(rehearsal, colours),
    ...holdLines(rehearsal, colours),
    ...failureLines(rehearsal),
    ...costTable(rehearsal, colours),
  ].join("\n");
};

export const rehearsalJson = (rehearsal: Rehearsal): string =>
  JSON.stringify({ apiVersion: "labkeeper.dev/v1", kind: "Rehearsal", ...rehearsal }, null, 2);
