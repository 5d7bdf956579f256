/**
 * Shows labkeeper's own Markdown on a terminal: what src/core/markdown makes, and no more of the language than that.
 * Folds show as their summary, tables as columns whose last one wraps.
 */

import { type Palette, plain } from "./palette.ts";
import { widthOf } from "./table.ts";

type Style = (text: string) => string;

const asIs: Style = (text) => text;

/** Character references, and the marks that only keep GitHub from reading a text as more than text. */
const decoded = (text: string): string =>
  plain(
    text
      .replace(/&#(\d{1,6});/g, (_, code: string) => String.fromCodePoint(Number(code)))
      .replaceAll("&amp;", "&")
      .replace(/[\u200b\u2068\u2069]/g, ""),
  );

/** Code, bold, links, small print; the first that begins wins. */
/** Bounded, so that text which opens much and closes nothing costs no more than its length. */
const SPAN =
  /`([^`]{1,500})`|<code>(.{0,500}?)<\/code>|\*\*(.{1,500}?)\*\*|\[((?:[^[\]]|\[[^[\]]{0,100}\]){0,300})\]\([^()]{0,1000}\)|<sub>(.{0,2000}?)<\/sub>/;

/** One line's words in their styles, each closed in itself, so that a line can be broken between any two. */
const inline = (source: string, colours: Palette, style: Style = asIs): string => {
  const styled = (text: string): string => decoded(text).replace(/\S+/g, (word) => style(word));
  const match = SPAN.exec(source);
  if (match === null) return styled(source);
  const [whole, code, coded, bold, label, small] = match;
  const rest = source.slice(match.index + whole.length);
  const inner = (): string => {
    const exact = code ?? coded;
    if (exact !== undefined) return decoded(exact).replace(/\S+/g, (word) => colours.cyan(word));
    if (bold !== undefined) return inline(bold, colours, (text) => colours.bold(style(text)));
    if (label !== undefined) return inline(label, colours, style);
    return inline(small ?? "", colours, (text) => colours.dim(style(text)));
  };
  return styled(source.slice(0, match.index)) + inner() + inline(rest, colours, style);
};

/** Breaks between words; a word that is wider than the room keeps its line to itself. */
const wrapped = (line: string, width: number): readonly string[] => {
  const lines: string[] = [];
  let current = "";
  for (const word of line.split(/ +/)) {
    const longer = current === "" ? word : `${current} ${word}`;
    if (current !== "" && widthOf(longer) > width) {
      lines.push(current);
      current = word;
    } else current = longer;
  }
  return [...lines, current];
};

const cellsOf = (row: string): readonly string[] =>
  row
    .replace(/^\| ?| ?\|$/g, "")
    .split(" | ")
    .map((cell) => cell.trim());

const shownTable = (rows: readonly string[], width: number, colours: Palette): readonly string[] => {
  const cells = rows.map((row, at) =>
    cellsOf(row).map((cell) => cell.split("<br>").map((line) => inline(line, colours, at === 0 ? colours.dim : asIs))),
  );
  const columns = Math.max(...cells.map((row) => row.length));
  const widths = Array.from({ length: columns - 1 }, (_, column) =>
    Math.max(...cells.map((row) => Math.max(0, ...(row[column] ?? []).map(widthOf)))),
  );
  const left = widths.reduce((sum, each) => sum + each + 2, 0);
  return cells.flatMap((row) => {
    const last = (row[columns - 1] ?? []).flatMap((line) => wrapped(line, Math.max(24, width - left)));
    const height = Math.max(last.length, ...row.slice(0, -1).map((lines) => lines.length));
    return Array.from({ length: height }, (_, at) => {
      const before = widths.map((wide, column) => {
        const text = row[column]?.[at] ?? "";
        return `${text}${" ".repeat(wide - widthOf(text))}  `;
      });
      return `${before.join("")}${last[at] ?? ""}`.trimEnd();
    });
  });
};

/** A mark, and lines that stand behind it. */
const behind = (mark: string, text: string, width: number, colours: Palette): readonly string[] =>
  text
    .split("<br>")
    .flatMap((line) => wrapped(inline(line, colours), width - widthOf(mark)))
    .map((line, at) => `${at === 0 ? mark : " ".repeat(widthOf(mark))}${line}`);

const ALERTS: Readonly<Record<string, string>> = {
  NOTE: "cyan",
  IMPORTANT: "cyan",
  WARNING: "yellow",
  CAUTION: "red",
};

const alertLines = (lines: readonly string[], width: number, colours: Palette): readonly string[] => {
  const [, kind = "NOTE"] = /^\[!(\w+)\]/.exec(lines[0] ?? "") ?? [];
  const name = ALERTS[kind] ?? "cyan";
  const colour = name === "red" ? colours.red : name === "yellow" ? colours.yellow : colours.cyan;
  const inside = lines.slice(1).flatMap((line) => blockLine(line, width - 2, colours));
  return [colour(colours.bold(kind)), ...inside].map((line) => `${colour("▌")} ${line}`.trimEnd());
};

const blockLine = (line: string, width: number, colours: Palette): readonly string[] => {
  const [, heading] = /^#{1,6} (.*)$/.exec(line) ?? [];
  if (heading !== undefined) return wrapped(inline(heading, colours, colours.bold), width);
  if (line.startsWith("- ")) return behind("• ", line.slice(2), width, colours);
  return behind("", line, width, colours);
};

/** The lines from `start` on that fit, and where they end. */
const run = (lines: readonly string[], start: number, fits: (line: string) => boolean): number => {
  let end = start;
  while (end < lines.length && fits(lines[end] ?? "")) end += 1;
  return end;
};

/** Folds are closed: their summary stands for them. `open` says of a summary that its fold is wanted whole. */
export const markdownView = (
  markdown: string,
  { width, colours, open = () => false }: MarkdownViewOptions,
): readonly string[] => {
  const lines = markdown.split("\n").filter((line) => !/^<!-- .* -->$/.test(line));
  const shown: string[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? "";
    const [, fence] = /^(`{3,})/.exec(line) ?? [];
    const [, summary] = /^<summary>(.*)<\/summary>$/.exec(line) ?? [];
    if (fence !== undefined) {
      const end = run(lines, at + 1, (each) => each !== fence);
      shown.push(...lines.slice(at + 1, end).map((each) => `  ${colours.dim(plain(each))}`));
      at = end + 1;
    } else if (line.startsWith("| ")) {
      const end = run(lines, at, (each) => each.startsWith("|"));
      const rows = lines.slice(at, end).filter((_, row) => row !== 1);
      shown.push(...shownTable(rows, width, colours));
      at = end;
    } else if (line.startsWith("> ")) {
      const end = run(lines, at, (each) => each.startsWith(">"));
      const quoted = lines.slice(at, end).map((each) => each.replace(/^> ?/, ""));
      shown.push(...alertLines(quoted, width, colours));
      at = end;
    } else if (summary !== undefined) {
      const whole = open(decoded(summary));
      shown.push(`${colours.cyan(whole ? "▾" : "▸")} ${inline(summary, colours)}`);
      at = whole ? at + 1 : run(lines, at + 1, (each) => each !== "</details>");
    } else {
      if (!/^<\/?details>$/.test(line)) shown.push(...blockLine(line, width, colours));
      at += 1;
    }
  }
  return withoutDoubleGaps(shown);
};

export interface MarkdownViewOptions {
  /** Columns. */
  readonly width: number;
  readonly colours: Palette;
  readonly open?: (summary: string) => boolean;
}

const withoutDoubleGaps = (lines: readonly string[]): readonly string[] =>
  lines.filter((line, at) => line !== "" || (at > 0 && at < lines.length - 1 && lines[at - 1] !== ""));
