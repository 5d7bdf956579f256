import type { Json } from "./types.ts";

/** Everything a terminal or a reader may take for a command: C0, C1, DEL, separators, direction and zero-width marks. */
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const ZERO_WIDTH_SPACE = "\u200b";
/** What Markdown and HTML may read as structure, wherever it stands. */
const STRUCTURE = /[&<>"'`*_~|\\[\](){}!#^$]/g;
/** Letters of scripts that are written from right to left. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** Of emoji names that are all digits there are two; others are times and places in files. What follows may go on with a colon. */
const EMOJI_OR_ADDRESS = /:(?=(?!(?!(?:100|1234)(?::|$))\d+(?::|$))[\w+-]+(?::|$)|\/)/g;

const codePoint = (character: string): string => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;

/** One line that a terminal shows as it is: anything that could move the cursor or hide text shows as its code. */
export const escapeTerminal = (text: string): string =>
  text.replace(/(?<!\s)\s*[\r\n]\s*/g, " ").replace(CONTROL, codePoint);

/** Keeps what is written from right to left from reordering what stands around it (Unicode's isolates, UAX 9). */
const isolated = (text: string): string => (RIGHT_TO_LEFT.test(text) ? `\u2068${text}\u2069` : text);

/** A commit is linked from its first seven hex digits on; nobody needs to copy one from a sentence. */
const brokenHex = (digits: string): string => digits.replace(/.{6}(?=.)/g, (six) => `${six}${ZERO_WIDTH_SPACE}`);

/**
 * Text as GitHub Markdown that reads as itself: on one line, in a table cell or out of one, with no markup, HTML,
 * link, reference, mention, emoji code or formula (promise P10). Structure becomes character references, which
 * Markdown never reads as structure (CommonMark 0.31, section 2.5).
 *
 * GitHub looks for mentions, references, commits, emoji codes and addresses in the rendered text, where a character
 * reference would not help, so those are broken by a zero-width space (GitHub's documentation, "Autolinked references
 * and URLs", and the specification of GitHub Flavored Markdown, section 6.9).
 */
export const escapeMarkdown = (text: string): string =>
  isolated(
    text
      .toWellFormed()
      .replace(/\s+/g, " ")
      .replace(CONTROL, "")
      .replace(/^ *([-+=:]|\d+[.)])/, (start) => `${ZERO_WIDTH_SPACE}${start}`)
      .replace(/@/g, `@${ZERO_WIDTH_SPACE}`)
      .replace(/#(?=\w|$)/g, `#${ZERO_WIDTH_SPACE}`)
      .replace(/(gh-|ghsa-|cve-)(?=\w|$)/gi, `$1${ZERO_WIDTH_SPACE}`)
      .replace(EMOJI_OR_ADDRESS, `:${ZERO_WIDTH_SPACE}`)
      .replace(/(mailto|xmpp):/gi, `$1${ZERO_WIDTH_SPACE}:`)
      .replace(/(www)\./gi, `$1${ZERO_WIDTH_SPACE}.`)
      .replace(/[0-9a-f]{7,}/gi, brokenHex)
      .replace(STRUCTURE, (character) => `&#${character.charCodeAt(0)};`),
  );

const LONGEST_VALUE = 120;

/** A field's value as JSON, cut where a person stops reading. */
export const shownValue = (value: Json, most = LONGEST_VALUE): string => shortened(JSON.stringify(value), most);

/** At most so many characters (code points); an ellipsis says that there were more. */
export const shortened = (text: string, most: number): string => {
  if (text.length <= most) return text;
  const characters = [...text.slice(0, most * 2)];
  return characters.length > most ? `${characters.slice(0, most - 1).join("")}…` : text;
};
