import { LONGEST, PATTERN_SOURCES, PEM_BEGIN, PEM_END, PEM_END_LENGTH, PEM_LONGEST } from "./redact-patterns.ts";

export const REDACTED = "[redacted]";

/** Takes text in pieces and gives it back without secrets; a secret cut in two by a piece's end is held back. */
export interface StreamRedactor {
  /** What is surely safe by now; may be empty. */
  push(chunk: string): string;
  /** The rest. The redactor may be used again after it. */
  flush(): string;
}

/** Shorter ones are words of every log; hiding them hides the log and tells their value by its absence. */
const SHORTEST = 4;

/** A secret as it may show up: as it is, in JSON, in a URL, in base64, and inside a longer base64 text. */
const formsOf = (secret: string): string[] => {
  const bytes = Buffer.from(secret, "utf8");
  const base64 = bytes.toString("base64");
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret.toWellFormed()),
    base64,
    base64.replace(/={1,2}$/, ""),
    bytes.toString("base64url"),
    ...[0, 1, 2].map((offset) => insideBase64(bytes, offset)).filter((form) => form.length >= 8),
  ];
};

/** The characters that depend on the secret alone when `offset` bytes (modulo 3) stand before it. */
const insideBase64 = (bytes: Buffer, offset: number): string => {
  const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
  const first = Math.ceil((offset * 8) / 6);
  const last = Math.floor(((offset + bytes.length) * 8) / 6);
  return text.slice(first, last);
};

/** Longest first, so that a form that begins another never hides only its beginning. */
const literalsOf = (secrets: readonly string[]): string[] => {
  const forms = secrets.flatMap((secret) => [secret, secret.trim()]).filter((secret) => secret.length >= SHORTEST);
  return [...new Set(forms.flatMap(formsOf))].sort((a, b) => b.length - a.length);
};

const quote = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");

/** For each prefix of a text, how long its longest proper prefix is that also ends it (Knuth, Morris, Pratt). */
const failureTable = (text: string): number[] => {
  const table = [0];
  for (let index = 1, length = 0; index < text.length; index++) {
    while (length > 0 && text[index] !== text[length]) length = table[length - 1] ?? 0;
    if (text[index] === text[length]) length++;
    table.push(length);
  }
  return table;
};

interface Span {
  readonly start: number;
  readonly end: number;
}

/** How many characters at the end of a text could be the beginning of the literal. */
type Overlap = (text: string) => number;

const overlapWith = (literal: string): Overlap => {
  const table = failureTable(literal);
  return (text) => {
    let length = 0;
    for (let index = Math.max(0, text.length - literal.length + 1); index < text.length; index++) {
      while (length > 0 && text[index] !== literal[length]) length = table[length - 1] ?? 0;
      if (text[index] === literal[length]) length++;
    }
    return length;
  };
};

/**
 * Hides the given secrets in their usual encodings, and what looks like a secret: passwords, tokens, keys. Linear in
 * the text. Over-hides rather than under-hides; secrets of fewer than four characters are not looked for. The result
 * does not depend on where the pieces are cut.
 */
export const streamRedactor = (secrets: readonly string[]): StreamRedactor => {
  const literals = literalsOf(secrets);
  const overlaps = literals.map(overlapWith);
  const known = literals.map(quote).join("|");
  const literal = known === "" ? null : new RegExp(known, "g");
  const alternatives = [...(known === "" ? [] : [`(?<known>${known})`]), `(?<pem>${PEM_BEGIN})`, ...PATTERN_SOURCES];
  const pattern = new RegExp(alternatives.join("|"), "g");
  let buffer = "";
  /** The buffer begins inside a private key, which is dropped whole. */
  let insideKey = false;
  /** How far the key in the buffer was looked through for its end. */
  let keyRead = 0;

  /** From here on, more text could still change what is found. Patterns end with the line, literals may not. */
  const settledUntil = (): number => {
    // A line without end is given out by the half: for each of its characters would mean to look at all of it each time.
    const long = buffer.length >= 2 * LONGEST ? buffer.length - LONGEST : 0;
    const line = Math.max(buffer.lastIndexOf("\n") + 1, buffer.lastIndexOf("\r") + 1, long);
    return overlaps.reduce((least, overlap) => Math.min(least, buffer.length - overlap(buffer)), line);
  };

  /** True when the key's end was found, or its greatest length is behind us. */
  const dropKey = (final: boolean): boolean => {
    const end = PEM_END.exec(buffer.slice(keyRead, PEM_LONGEST + PEM_END_LENGTH));
    const at = keyRead + (end?.index ?? 0);
    if (end !== null && at <= PEM_LONGEST) buffer = buffer.slice(at + end[0].length);
    else if (final || buffer.length >= PEM_LONGEST + PEM_END_LENGTH) buffer = buffer.slice(PEM_LONGEST);
    else {
      keyRead = Math.max(0, buffer.length - PEM_END_LENGTH);
      return false;
    }
    keyRead = 0;
    return true;
  };

  /** Finds secrets from ever later places of the buffer; what it found and nobody passed yet is not looked for again. */
  const secretsFrom = (): ((from: number) => Span | null) => {
    let next: Span | null = { start: -1, end: 0 };
    return (from) => {
      if (literal === null) return null;
      if (next !== null && next.start < from) {
        literal.lastIndex = from;
        const found = literal.exec(buffer);
        next = found === null ? null : { start: found.index, end: found.index + found[0].length };
      }
      return next;
    };
  };

  const takeText = (final: boolean): string => {
    const secretFrom = secretsFrom();
    /** Widens what a pattern hides by every secret that begins inside its match: in what is kept, or to end after it. */
    const widened = (match: Span, hidden: Span): Span => {
      let { start, end } = hidden;
      for (let at = secretFrom(match.start); at !== null && at.start < match.end; at = secretFrom(at.end)) {
        start = Math.min(start, at.start);
        end = Math.max(end, at.end);
      }
      return { start, end };
    };
    let until = final ? buffer.length : settledUntil();
    if (until <= 0) return "";
    let safe = "";
    let from = 0;
    pattern.lastIndex = 0;
    for (let match = pattern.exec(buffer); match !== null && match.index < until; match = pattern.exec(buffer)) {
      const groups: Record<string, string | undefined> = match.groups ?? {};
      const whole = { start: match.index, end: match.index + match[0].length };
      let hidden: Span = whole;
      if (groups["known"] === undefined && groups["pem"] === undefined) {
        // A secret that begins in here may not have come whole yet.
        if (whole.end > until) {
          until = whole.start;
          break;
        }
        const kept = (side: string): number =>
          PATTERN_SOURCES.reduce((length, _, index) => length + (groups[`${side}${index}`]?.length ?? 0), 0);
        hidden = widened(whole, { start: whole.start + kept("before"), end: whole.end - kept("after") });
      }
      const upTo = Math.max(whole.end, hidden.end);
      safe += buffer.slice(from, hidden.start) + REDACTED + buffer.slice(hidden.end, upTo);
      from = upTo;
      pattern.lastIndex = from;
      if (groups["pem"] !== undefined) {
        insideKey = true;
        break;
      }
    }
    const upTo = insideKey ? from : Math.max(from, until);
    safe += buffer.slice(from, upTo);
    buffer = buffer.slice(upTo);
    return safe;
  };

  const take = (final: boolean): string => {
    let safe = "";
    for (;;) {
      if (insideKey && !dropKey(final)) return safe;
      insideKey = false;
      safe += takeText(final);
      if (!insideKey) return safe;
    }
  };

  return {
    push(chunk) {
      buffer += chunk;
      return take(false);
    },
    flush() {
      return take(true);
    },
  };
};

/** The same for text that is complete. */
export const redactor = (secrets: readonly string[]): ((text: string) => string) => {
  const stream = streamRedactor(secrets);
  return (text) => stream.push(text) + stream.flush();
};

/** Characters of a text that are looked at for its beginning. */
const WINDOW = 4 * LONGEST;

/** The first `most` characters of a text without secrets, and without the first part of one that the cut goes through. */
export const redactedBeginning = (text: string, most: number, secrets: readonly string[] = []): string => {
  const stream = streamRedactor(secrets);
  const settled = stream.push(text.slice(0, WINDOW));
  // What the window itself cuts through is held back.
  return (text.length > WINDOW ? settled : settled + stream.flush()).slice(0, most);
};
