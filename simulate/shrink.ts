import type { Step } from "./history.ts";

/**
 * The shortest part of a history found that still fails, as indexes into it: halves are dropped, then quarters, and so
 * on. Interleavings differ from run to run, so what is left failed at least once, not always.
 */
export async function shrink(
  steps: readonly Step[],
  fails: (part: readonly Step[]) => Promise<boolean>,
  isTimeUp: () => boolean,
): Promise<readonly number[]> {
  let kept = steps.map((_, index) => index);
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = 0; start < kept.length && !isTimeUp(); ) {
      const part = [...kept.slice(0, start), ...kept.slice(start + size)];
      const shorter = part.flatMap((index) => steps[index] ?? []);
      if (await fails(shorter)) kept = part;
      else start += size;
    }
  }
  return kept;
}
