import { type Figure, isMet, type Skipped } from "./figures.ts";

const digits = (value: number): number => (value >= 100 ? 0 : value >= 10 ? 1 : 2);
export const shown = (value: number): string =>
  Number.isFinite(value) ? value.toLocaleString("en-US", { maximumFractionDigits: digits(value) }) : "–";

const targetText = ({ target }: Figure): string => {
  if (target === undefined) return "";
  return "atMost" in target ? `≤ ${shown(target.atMost)}` : `≥ ${shown(target.atLeast)}`;
};

const verdict = (figure: Figure): string => {
  const met = isMet(figure);
  return met === null ? "" : met ? "met" : "MISSED";
};

const HEAD = ["figure", "value", "unit", "target", "", "n", "note"] as const;

/** A Markdown table, padded so that it reads as plain text too. */
export function tableOf(figures: readonly Figure[], skipped: readonly Skipped[]): string {
  const rows = figures.map((figure) => [
    figure.name,
    shown(figure.value),
    figure.unit,
    targetText(figure),
    verdict(figure),
    String(figure.samples),
    figure.note ?? "",
  ]);
  const widths = HEAD.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 1 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join(" | ")} |`;
  const rule = `| ${widths.map((width, column) => (column === 1 ? `${"-".repeat(Math.max(width - 1, 2))}:` : "-".repeat(Math.max(width, 3)))).join(" | ")} |`;
  return [line(HEAD), rule, ...rows.map(line), ...skipped.map(({ name, why }) => `\nskipped: ${name} (${why})`)].join(
    "\n",
  );
}
