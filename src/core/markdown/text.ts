/**
 * Markdown that cannot be made by accident. Text from outside is a string, Markdown is not: what is put into `md`
 * is escaped unless it was made by `md` or by one of the files beside this one (promise P10).
 */

import { escapeMarkdown, shortened } from "../render-escape.ts";

const SOURCE = Symbol("Markdown source");

/** A piece of GitHub Markdown, complete in itself: nothing that it opens is left open. */
export interface Markdown {
  readonly [SOURCE]: string;
}

/** No sentence is longer than a person reads; longer ones end in an ellipsis. Characters. */
const LONGEST_TEXT = 500;

/** Source taken as it is. For the primitives beside this file alone: nothing from outside may be in it unescaped. */
export const trusted = (source: string): Markdown => ({ [SOURCE]: source });

export const sourceOf = (markdown: Markdown): string => markdown[SOURCE];

export const EMPTY = trusted("");

export const isEmpty = (markdown: Markdown): boolean => sourceOf(markdown) === "";

/** Text on one line, escaped, at most so many characters of it. */
export const text = (value: string, most = LONGEST_TEXT): Markdown => trusted(escapeMarkdown(shortened(value, most)));

const inner = (value: Markdown | string | number): string => {
  if (typeof value === "object") return sourceOf(value);
  return typeof value === "number" ? String(value) : sourceOf(text(value));
};

/** Markdown with everything that is put into it escaped, but for Markdown. */
export const md = (parts: TemplateStringsArray, ...values: readonly (Markdown | string | number)[]): Markdown =>
  trusted(parts.map((part, index) => (index === 0 ? part : inner(values[index - 1] ?? "") + part)).join(""));

const joined = (pieces: readonly Markdown[], separator: string): Markdown =>
  trusted(
    pieces
      .map(sourceOf)
      .filter((piece) => piece !== "")
      .join(separator),
  );

/** Inline pieces in one line. */
export const inline = (pieces: readonly Markdown[], separator: " " | ", " | " · " | "" = " "): Markdown =>
  joined(pieces, separator);

/** Inline pieces one below the other; in a table cell too. */
export const broken = (pieces: readonly Markdown[]): Markdown => joined(pieces, "<br>");

/** Blocks one after the other. Empty ones are left out. */
export const blocks = (pieces: readonly Markdown[]): Markdown => joined(pieces, "\n\n");

/** Nothing stays nothing: marks around it would be a rule or text, and so would marks with a space inside. */
const around = (before: string, value: Markdown, after: string): Markdown => {
  const inside = sourceOf(value).trim();
  return inside === "" ? EMPTY : trusted(`${before}${inside}${after}`);
};

export const bold = (value: Markdown | string): Markdown =>
  around("**", typeof value === "string" ? text(value) : value, "**");

export const small = (value: Markdown): Markdown => around("<sub>", value, "</sub>");

export const heading = (level: 3 | 4, value: Markdown): Markdown => trusted(`${"#".repeat(level)} ${sourceOf(value)}`);

export const list = (items: readonly Markdown[]): Markdown =>
  trusted(items.map((item) => `- ${sourceOf(item)}`).join("\n"));

const MARKER = /^<!-- labkeeper:[\w:. -]*[\w:.] -->$/;

/** A text that begins with a hidden comment, by which it is found again. @throws RangeError for any other marker */
export const marked = (marker: string, body: Markdown): string => {
  if (!MARKER.test(marker) || marker.slice(4, -3).includes("--")) throw new RangeError("not a marker of labkeeper's");
  return `${marker}\n${sourceOf(body)}\n`;
};
