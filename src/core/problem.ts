import type { DocumentCode } from "./document-codes.ts";
import { DOCUMENT_CODES } from "./document-codes.ts";
import type { Problem } from "./types.ts";

/** A place in a text, both counted from 1; columns count UTF-16 units, as editors do. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export const START: Position = { line: 1, column: 1 };

/** One problem; its remedy comes from the catalogue unless a better one is known. */
export const problemAt = (
  path: string,
  position: Position,
  code: DocumentCode,
  message: string,
  remedy: string = DOCUMENT_CODES[code].remedy,
): Problem => ({ path, line: position.line, column: position.column, code, message, remedy });

/** Problems of a file's text under the code that says what follows from them; what is wrong moves into the message. */
export const consequently = (problems: readonly Problem[], code: DocumentCode): Problem[] =>
  problems.map((problem) => ({
    ...problem,
    code,
    message: `${DOCUMENT_CODES[problem.code as DocumentCode].title}: ${problem.message}`,
  }));

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** By path, line, column, then code and message, so that the same catalog always reads the same. */
export const byPlace = (a: Problem, b: Problem): number =>
  compareText(a.path, b.path) ||
  a.line - b.line ||
  a.column - b.column ||
  compareText(a.code, b.code) ||
  compareText(a.message, b.message);

// Control, format (bidirectional marks among them), surrogate and private characters, and the odd line ends.
const UNPRINTABLE = /[\p{C}\u2028\u2029]/gu;

const escaped = (character: string): string => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;

/** Text from outside on one line, harmless in a terminal, and no longer than a message bears. */
export const plain = (text: string, most = 120): string => {
  const shown = text.length > most ? `${text.slice(0, most)}…` : text;
  return shown.replace(UNPRINTABLE, escaped);
};

/** A value from a document, quoted for a message. */
export const quoted = (value: unknown): string => plain(JSON.stringify(value) ?? "nothing", 80);
