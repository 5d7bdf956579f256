import { ancestry } from "./history.ts";
import { isMissing, type Objects } from "./objects.ts";

/** Reached from one side, from the other; `STALE`: behind a commit that both sides reach. */
const ONE = 1;
const OTHER = 2;
const STALE = 4;
const BOTH = ONE | OTHER;

/** Commits looked at before giving up; a pull request nearly always left its base a few commits ago. */
const MAX_COMMITS = 20_000;

/**
 * The best common ancestors of two commits, newest first: more than one after a criss-cross merge, none when the two
 * share no history. Null when the history at hand ends before that is certain. Commits are followed as they are there,
 * newest first, so only what lies between the two and their ancestor is read.
 */
export async function mergeBases(objects: Objects, one: string, other: string): Promise<readonly string[] | null> {
  const marks = new Map<string, number>();
  const times = new Map<string, number>();
  const queue: string[] = [];
  const found = new Set<string>();
  const isStale = (oid: string): boolean => ((marks.get(oid) ?? 0) & STALE) !== 0;

  /** False when history ends here and what lies beyond could still matter. */
  const reach = async (oid: string, mark: number): Promise<boolean> => {
    const known = marks.get(oid) ?? 0;
    if ((known & mark) === mark) return true;
    if (!times.has(oid)) {
      const time = await timeOf(objects, oid);
      if (time === null) return (mark & STALE) !== 0;
      times.set(oid, time);
    }
    marks.set(oid, known | mark);
    queue.splice(placeFor(queue, times, oid), 0, oid);
    return true;
  };

  if (!(await reach(one, ONE)) || !(await reach(other, OTHER))) return null;
  while (queue.some((oid) => !isStale(oid))) {
    const oid = queue.pop() ?? "";
    const mark = marks.get(oid) ?? 0;
    const isCommon = (mark & BOTH) === BOTH;
    if (isCommon && !isStale(oid)) found.add(oid);
    for (const parent of (await objects.commit(oid)).parents) {
      if (!(await reach(parent, isCommon ? mark | STALE : mark))) return null;
    }
    if (marks.size > MAX_COMMITS) return null;
  }
  const candidates = [...found].filter((oid) => !isStale(oid));
  return (await independent(objects, candidates)).sort((a, b) => (times.get(b) ?? 0) - (times.get(a) ?? 0));
}

/** Null for a commit that is not there. */
async function timeOf(objects: Objects, oid: string): Promise<number | null> {
  try {
    return (await objects.commit(oid)).time;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** The queue is kept oldest first, and the newest is taken from its end. */
function placeFor(queue: readonly string[], times: ReadonlyMap<string, number>, oid: string): number {
  const time = times.get(oid) ?? 0;
  let [low, high] = [0, queue.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times.get(queue[middle] ?? "") ?? 0) <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Clocks of committers differ: an ancestor of another candidate may have been taken for one of its own. */
async function independent(objects: Objects, candidates: readonly string[]): Promise<string[]> {
  const kept: string[] = [];
  for (const oid of candidates) {
    const others = candidates.filter((other) => other !== oid);
    const answers = await Promise.all(others.map((other) => ancestry(objects, oid, other, new Set())));
    if (!answers.includes("yes")) kept.push(oid);
  }
  return kept;
}
