/**
 * Attacks on one regular expression: texts made from its own parts, repeated. What an expression of a given shape does
 * badly on is a repetition of what some of its parts accept, after what leads there and before what spoils the match.
 */

/** One place of an expression that takes a character. */
interface Atom {
  readonly accepts: (character: string) => boolean;
  readonly least: number;
}

const PRINTABLE = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index));
const CHARACTERS = [...PRINTABLE, "\n", "\r", "\t", "\0", "\u001b", "é", "\u2028", "\u200b", "\u202e", "😀"];
const LONGEST_SAMPLE = 64;

const QUANTIFIER = /^(?:[*+?]|\{(\d+)(?:,\d*)?\})\??/;
/** A character class, an escape, or one plain character: what takes a single character. */
const SINGLE =
  /^(?:\[(?:\\[\s\S]|[^\]\\])*\]|\\[pPu]\{[^}]+\}|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\[^bBk]|[^\\()|[\]*+?{}^$]|[{}])/u;
const NO_CHARACTER = /^(?:\\[bB]|[\^$|)]|\\k<\w+>|\((?:\?(?:[:=!]|<[=!]|<\w+>))?)/;

const accepting = (source: string, flags: string): ((character: string) => boolean) => {
  const one = new RegExp(`^(?:${source})$`, flags.replace(/[gy]/g, ""));
  return (character) => one.test(character);
};

/** The expression's single-character places in the order of its text; groups and alternatives are flattened. */
function atomsOf(pattern: string, flags: string): Atom[] {
  const atoms: Atom[] = [];
  for (let rest = pattern; rest !== ""; ) {
    const single = SINGLE.exec(rest)?.[0];
    const part = single ?? NO_CHARACTER.exec(rest)?.[0];
    if (part === undefined) throw new Error(`cannot read ${JSON.stringify(rest)} of ${pattern}`);
    rest = rest.slice(part.length);
    const quantifier = QUANTIFIER.exec(rest);
    rest = rest.slice(quantifier?.[0].length ?? 0);
    if (single !== undefined) atoms.push({ accepts: accepting(single, flags), least: Number(quantifier?.[1] ?? 1) });
  }
  return atoms;
}

/** A prefix, what is repeated after it, and an end. */
export interface Attack {
  readonly before: string;
  readonly pump: string;
  readonly after: string;
}

export const textOf = ({ before, pump, after }: Attack, length: number): string =>
  before + pump.repeat(Math.max(1, Math.round(length / pump.length))) + after;

/** One character for each set of places that some character fits, so that few stand for all. */
function representatives(atoms: readonly Atom[]): string[] {
  const bySignature = new Map<string, string>();
  for (const character of CHARACTERS) {
    const signature = atoms.map(({ accepts }) => (accepts(character) ? "1" : "0")).join("");
    if (!bySignature.has(signature)) bySignature.set(signature, character);
  }
  return [...bySignature.values()];
}

const MOST_REPRESENTATIVES = 12;

export function attacksOn(pattern: string, flags: string): readonly Attack[] {
  const atoms = atomsOf(pattern, flags);
  const characters = representatives(atoms);
  const samples = atoms.map(({ accepts, least }) => {
    const character = CHARACTERS.find((each) => accepts(each)) ?? "";
    return character.repeat(Math.min(Math.max(least, 1), LONGEST_SAMPLE));
  });
  const prefixes = [...new Set(samples.map((_, end) => samples.slice(0, end).join("")))];
  const spoiler = characters.find((character) => !atoms.some(({ accepts }) => accepts(character))) ?? "\0";
  const some = characters.slice(0, MOST_REPRESENTATIVES);
  const pumps = [
    ...some.flatMap((first) => some.map((second) => (first === second ? first : first + second))),
    ...prefixes.filter((prefix) => prefix !== ""),
    samples.join("") || "a",
  ];
  const attacks: Attack[] = pumps.flatMap((pump) => ["", spoiler].map((after) => ({ before: "", pump, after })));
  for (const before of prefixes.slice(1))
    for (const pump of characters) attacks.push({ before, pump, after: "" }, { before, pump, after: spoiler });
  return attacks;
}
