import { escapeMarkdown, escapeTerminal, shortened } from "../render-escape.ts";
import { type Markdown, trusted } from "./text.ts";

const LONGEST_CODE = 300;
const LONGEST_LINE = 400;

/** A code span may hold anything but a backtick, and in a table a pipe. Format characters would be hidden in it. */
const PLAIN = /^(?! )[^`|\p{C}\p{Zl}\p{Zp}]+(?<! )$/u;

/**
 * A name, path or command, to be copied as it is. Nothing in a code span is a mention, a reference or a link. What a
 * span cannot hold is escaped between tags instead, where it reads the same and may not copy the same.
 */
export const code = (value: string): Markdown => {
  const line = shortened(value.replace(/\s+/g, " ").trim(), LONGEST_CODE);
  if (line === "") return trusted("");
  return trusted(PLAIN.test(line) ? `\`${line}\`` : `<code>${escapeMarkdown(line)}</code>`);
};

const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");

const shownLine = (line: string): string =>
  shortened(escapeTerminal(line.toWellFormed().replace(COLOURS, "").replace(/\t/g, "  ")), LONGEST_LINE);

/** Lines as a block of code, with a fence longer than any run of backticks in them, so that no line can close it. */
export const fence = (lines: readonly string[]): Markdown => {
  const shown = lines.flatMap((line) => line.split(/\r\n|\r|\n/)).map(shownLine);
  const longest = Math.max(0, ...shown.flatMap((line) => line.match(/`+/g) ?? []).map((run) => run.length));
  const marks = "`".repeat(Math.max(3, longest + 1));
  return trusted([`${marks}text`, ...shown, marks].join("\n"));
};
