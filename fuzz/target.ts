/** What is fuzzed: a reader of outside text, and what must hold whatever the text is. */
export interface Target {
  readonly name: string;
  /** Where the search starts: what people and programs really write. */
  readonly seeds: readonly (string | Uint8Array)[];
  /** Words that mean something to the reader; a byte at a time the search would hardly find them. */
  readonly dictionary: readonly string[];
  /** Reads one input. Whatever it throws or rejects with is a failure: an exception that escaped, or a broken invariant. */
  run(input: Uint8Array): void | Promise<void>;
  /** Ends what it holds open between inputs. */
  end?(): Promise<void>;
}

/** Says which invariant does not hold. */
export class Broken extends Error {
  override readonly name = "Broken";
}

export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Broken(what);
}

/** Control, format and line-end characters: none may reach a terminal or a report as it is. */
export const UNSHOWABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

export const mustBeShowable = (text: string, what: string): void =>
  must(!UNSHOWABLE.test(text), `${what} has a character that acts instead of being shown`);

/** Bytes as text, the broken ones replaced: what a stream set to UTF-8 hands out. */
export const textOf = (input: Uint8Array): string => Buffer.from(input).toString("utf8");
