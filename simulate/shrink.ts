/** The simplest history that fails too. Each try is a run of seconds, and the machine interleaves each run anew. */

import fc from "fast-check";
import { anyStep, type History } from "./history.ts";

/** Answers what failed of a candidate (the same, or less when the rest was never reached), null when nothing did. */
export type Fails = (candidate: History) => Promise<History | null>;

const historyWith = (step: fc.Arbitrary<History["steps"][number]>): fc.Arbitrary<History> =>
  fc.record(
    { seed: fc.noShrink(fc.nat()), hosted: fc.boolean(), steps: fc.array(step, { size: "max" }) },
    { noNullPrototype: true },
  );

/** Whole steps go first, since each makes every later try shorter; then what is inside those that are left. */
const PHASES = [historyWith(fc.noShrink(anyStep)), historyWith(anyStep)] as const;

/**
 * Follows fast-check's shrinks from a history that failed to one of which none fails any more, or until time is up.
 * What is left failed at least once, not always: a failure that needs an interleaving may hide from a try.
 */
export async function shrink(failed: History, fails: Fails, isTimeUp: () => boolean): Promise<History> {
  // Nothing else than a history: whatever else a file said of it has no arbitrary.
  const { seed, hosted, steps } = failed;
  let simplest: History = { seed, hosted, steps };
  for (const phase of PHASES) {
    // Anew when it is through: what came later may have made an earlier try worth another.
    for (let before: History | null = null; before !== simplest; ) {
      before = simplest;
      simplest = await descend(phase, simplest, fails, isTimeUp);
    }
  }
  return simplest;
}

async function descend(
  phase: fc.Arbitrary<History>,
  from: History,
  fails: Fails,
  isTimeUp: () => boolean,
): Promise<History> {
  let simplest = from;
  let candidates = phase.shrink(from, undefined);
  for (;;) {
    const next = await firstThatFails(candidates, fails, isTimeUp);
    if (next === null) return simplest;
    const { candidate, failed } = next;
    simplest = failed;
    // The context knows which tries below this one were made already; less than the candidate needs another.
    candidates = phase.shrink(failed, failed === candidate.value ? candidate.context : undefined);
  }
}

async function firstThatFails(
  candidates: fc.Stream<fc.Value<History>>,
  fails: Fails,
  isTimeUp: () => boolean,
): Promise<{ readonly candidate: fc.Value<History>; readonly failed: History } | null> {
  for (const candidate of candidates) {
    if (isTimeUp()) return null;
    const failed = await fails(candidate.value);
    if (failed !== null) return { candidate, failed };
  }
  return null;
}
