import type { Position } from "./problem.ts";

/** Offsets into the text of one node and, inside a mapping, of its key. */
export interface Place {
  readonly key: number | null;
  readonly value: number;
  readonly end: number;
}

/** One step of a JSON pointer (RFC 6901). */
export const pointerStep = (key: string | number): string =>
  `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;

/** The keys of a JSON pointer, unescaped. */
export const pointerKeys = (pointer: string): string[] =>
  pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));

/** Where an offset is; `\n`, `\r\n` and `\r` end a line, as in YAML. */
export const positionAt = (text: string, offset: number): Position => {
  let line = 1;
  let lineStart = 0;
  for (let index = 0; index < offset; index++) {
    const unit = text.charCodeAt(index);
    if (unit === 10 || (unit === 13 && text.charCodeAt(index + 1) !== 10)) {
      line++;
      lineStart = index + 1;
    }
  }
  return { line, column: offset - lineStart + 1 };
};

/** The node a pointer names or, where the text has none (missing, or inside an alias), what is nearest above it. */
export const nearest = (places: ReadonlyMap<string, Place>, pointer: string): Place => {
  for (let at = pointer; ; at = at.slice(0, at.lastIndexOf("/"))) {
    const place = places.get(at);
    if (place !== undefined) return place;
    if (at === "") return { key: null, value: 0, end: 0 };
  }
};
