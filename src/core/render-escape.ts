import type { Json } from "./types.ts";

/** Everything a terminal or a reader may take for a command: C0, C1, DEL, separators, direction and zero-width marks. */
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const ZERO_WIDTH_SPACE = "\u200b";
/** What Markdown and HTML may read as structure, wherever it stands. */
const STRUCTURE = /[&<>"'`*_~|\\[\](){}!#^$]/g;

const codePoint = (character: string): string => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;

/** One line that a terminal shows as it is: anything that could move the cursor or hide text shows as its code. */
export const escapeTerminal = (text: string): string =>
  text.replace(/(?<!\s)\s*[\r\n]\s*/g, " ").replace(CONTROL, codePoint);

/**
 * Text as GitHub Markdown that reads as itself: on one line, in a table cell or out of one, with no markup, HTML,
 * link, reference or mention (promise P10). Structure becomes character references, which Markdown never reads as
 * structure (CommonMark 0.31, section 2.5). GitHub looks for mentions, references and addresses in the rendered text,
 * where a reference would not help, so those are broken by a zero-width space.
 */
export const escapeMarkdown = (text: string): string =>
  text
    .replace(/\s+/g, " ")
    .replace(CONTROL, "")
    .replace(/^ *([-+=]|\d+[.)])/, (start) => `${ZERO_WIDTH_SPACE}${start}`)
    .replace(/@/g, `@${ZERO_WIDTH_SPACE}`)
    .replace(/#(?=\w)/g, `#${ZERO_WIDTH_SPACE}`)
    .replace(/(gh-)(?=\d)/gi, `$1${ZERO_WIDTH_SPACE}`)
    .replace(/:(?=(?:\d*[a-z+-][\w+-]*|100|1234):|\/)/g, `:${ZERO_WIDTH_SPACE}`)
    .replace(/(mailto|xmpp):/gi, `$1${ZERO_WIDTH_SPACE}:`)
    .replace(/(www)\./gi, `$1${ZERO_WIDTH_SPACE}.`)
    .replace(STRUCTURE, (character) => `&#${character.charCodeAt(0)};`);

const LONGEST_VALUE = 120;

/** A field's value as JSON, cut where a person stops reading. */
export const shownValue = (value: Json): string => {
  const characters = [...JSON.stringify(value)];
  return characters.length > LONGEST_VALUE
    ? `${characters.slice(0, LONGEST_VALUE - 1).join("")}…`
    : characters.join("");
};
