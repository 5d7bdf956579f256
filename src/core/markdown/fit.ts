/** Cuts what is too long to say, whole pieces at a time, so that no table, fold or fence is left open. */

import { blocks, isEmpty, type Markdown, sourceOf } from "./text.ts";

/**
 * What any text may be at GitHub, in UTF-8 bytes: 65,536 characters are the limit that it names, 65,535 that of a
 * check run's summary, and where it counts bytes it allows more than this. Bytes are never fewer than characters.
 */
export const GITHUB_LIMIT = 65_535;

/** One part of a text, which can be said shorter. */
export interface Part {
  /** Parts with less of it are shortened first. */
  readonly importance: number;
  /** How many rows it has. */
  readonly items: number;
  /** With its first rows only; `brief` leaves out what matters least of each. */
  readonly render: (shown: number, brief: boolean) => Markdown;
}

/** A part that is always said as it is. */
export const always = (markdown: Markdown): Part => ({
  importance: Number.POSITIVE_INFINITY,
  items: 0,
  render: () => markdown,
});

/** `and 37 more` below the rows that are left; nothing when all are there. */
export const andMore = (items: number, shown: number): string | null =>
  shown < items ? (shown === 0 ? `${items} left out here` : `and ${items - shown} more`) : null;

interface Shown {
  readonly part: Part;
  items: number;
  brief: boolean;
}

const bytesOf = (markdown: Markdown): number => Buffer.byteLength(sourceOf(markdown), "utf8");

/** The parts as blocks, shortened until they fit; then `pointer` says where the rest is. */
export const fitted = (parts: readonly Part[], pointer: Markdown, limit = GITHUB_LIMIT): Markdown => {
  const shown = parts.map((part): Shown => ({ part, items: part.items, brief: false }));
  const written = (): Markdown[] => shown.map(({ part, items, brief }) => part.render(items, brief));
  const sizes = written().map(bytesOf);
  const total = (): number => sizes.reduce((sum, size) => sum + (size === 0 ? 0 : size + 2), 0);
  if (total() <= limit) return blocks(written());

  const room = limit - bytesOf(pointer) - 2;
  const leastFirst = shown
    .map((each, index) => ({ each, index }))
    .filter(({ each }) => each.part.importance !== Number.POSITIVE_INFINITY)
    .sort((a, b) => a.each.part.importance - b.each.part.importance || b.index - a.index);
  for (const { each, index } of leastFirst) {
    const others = total() - (sizes[index] ?? 0);
    shorten(each, room - others);
    sizes[index] = bytesOf(each.part.render(each.items, each.brief));
    if (total() <= room) break;
  }
  return blocks([...written(), pointer].filter((piece) => !isEmpty(piece)));
};

/** Says as much of a part as there is room for. Bytes. */
const shorten = (each: Shown, room: number): void => {
  const size = (items: number): number => bytesOf(each.part.render(items, true));
  each.brief = true;
  if (size(each.items) <= room) return;
  let [fits, tooMany] = [0, each.items];
  while (tooMany - fits > 1) {
    const middle = (fits + tooMany) >> 1;
    if (size(middle) <= room) fits = middle;
    else tooMany = middle;
  }
  each.items = fits;
};
