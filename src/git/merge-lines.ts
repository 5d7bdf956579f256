/**
 * Merges two edits of one file, line by line, as git does where they do not touch; null where they do. Between lines
 * that all three have, one side alone may differ from the ancestor, or both in the same way. It never takes more for
 * mergeable than git: where lines repeat, it must not matter which of them is taken for the old one.
 */
export function mergeLines(ancestor: Uint8Array, ours: Uint8Array, theirs: Uint8Array): Uint8Array | null {
  const sides = [linesOf(ancestor), linesOf(ours), linesOf(theirs)] as const;
  const earliest = mergeSides(...sides);
  if (earliest === null) return null;
  const [old, left, right] = sides;
  const latest = mergeSides(old.toReversed(), left.toReversed(), right.toReversed());
  if (latest === null || !same(earliest, latest.toReversed())) return null;
  return Buffer.from(earliest.join(""), "latin1");
}

/** Equal lines are matched as early as can be. */
function mergeSides(old: Lines, left: Lines, right: Lines): Lines | null {
  const [inLeft, inRight] = [matches(old, left), matches(old, right)];
  const merged: string[] = [];
  let [atOld, atLeft, atRight] = [0, 0, 0];
  for (let line = 0; line <= old.length; line++) {
    const [toLeft, toRight] = line === old.length ? [left.length, right.length] : [inLeft[line], inRight[line]];
    if (toLeft === undefined || toRight === undefined) continue;
    const chunk = choose(old.slice(atOld, line), left.slice(atLeft, toLeft), right.slice(atRight, toRight));
    if (chunk === null) return null;
    merged.push(...chunk, ...old.slice(line, line + 1));
    [atOld, atLeft, atRight] = [line + 1, toLeft + 1, toRight + 1];
  }
  return merged;
}

type Lines = readonly string[];

/** One character a byte, so that whatever is no text comes through as it is. */
const linesOf = (bytes: Uint8Array): Lines =>
  Buffer.from(bytes)
    .toString("latin1")
    .match(/[^\n]*\n|[^\n]+$/g) ?? [];

const same = (a: Lines, b: Lines): boolean => a.length === b.length && a.every((line, index) => line === b[index]);

function choose(old: Lines, left: Lines, right: Lines): Lines | null {
  if (same(old, left)) return right;
  if (same(old, right) || same(left, right)) return left;
  return null;
}

/** More than this many comparisons and the middle counts as different all through: then nothing there can merge. */
const MAX_CELLS = 4_000_000;

/** For each line of `old` its place in `now`, in order: a longest common subsequence. */
function matches(old: Lines, now: Lines): (number | undefined)[] {
  const found: (number | undefined)[] = Array(old.length).fill(undefined);
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) {
    found[start] = start;
    start++;
  }
  const [rows, columns] = [old.length - start, now.length - start];
  if (rows * columns > MAX_CELLS) return found;

  const width = columns + 1;
  const lengths = new Uint32Array((rows + 1) * width);
  const length = (row: number, column: number): number => lengths[row * width + column] ?? 0;
  for (let row = rows - 1; row >= 0; row--) {
    for (let column = columns - 1; column >= 0; column--) {
      const equal = old[start + row] === now[start + column];
      lengths[row * width + column] = equal
        ? length(row + 1, column + 1) + 1
        : Math.max(length(row + 1, column), length(row, column + 1));
    }
  }
  for (let row = 0, column = 0; row < rows && column < columns; ) {
    if (old[start + row] === now[start + column]) found[start + row++] = start + column++;
    else if (length(row + 1, column) >= length(row, column + 1)) row++;
    else column++;
  }
  return found;
}
