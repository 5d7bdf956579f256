import { type Markdown, sourceOf, trusted } from "./text.ts";

const row = (cells: readonly Markdown[]): string =>
  `| ${cells.map((cell) => sourceOf(cell).replace(/\n+/g, " ")).join(" | ")} |`;

/** A table of few columns, because most are read on a phone. Every row has the head's number of cells. */
export const table = (head: readonly string[], rows: readonly (readonly Markdown[])[]): Markdown => {
  if (rows.length === 0) return trusted("");
  const wide = rows.map((cells) => head.map((_, index) => cells[index] ?? trusted("")));
  return trusted([row(head.map(trusted)), `|${" --- |".repeat(head.length)}`, ...wide.map(row)].join("\n"));
};
