/** One history from its first step to rest, with the promises held after each step. */

import { type HistoryOptions, historyOf, isHosted, type Step } from "./history.ts";
import { expectPromises } from "./invariants.ts";
import type { NewDatabase } from "./server.ts";
import { settle } from "./settle.ts";
import { simulation } from "./simulation.ts";
import { take } from "./steps.ts";
import { Violation } from "./violation.ts";

export interface Ran {
  readonly steps: number;
  readonly faults: ReadonlyMap<string, number>;
  readonly violation: Violation | null;
  /** The step after which it showed; null: at the end. */
  readonly at: Step | null;
}

const asViolation = (error: unknown): Violation => {
  if (error instanceof Violation) return error;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new Violation(/secrets are where none may be/.test(text) ? "P9" : "defect", text, { cause: error });
};

export async function play(seed: number, steps: readonly Step[], newDatabase: NewDatabase): Promise<Ran> {
  let faults: ReadonlyMap<string, number> = new Map();
  let taken = 0;
  let at: Step | null = null;
  try {
    await using sim = await simulation(seed, newDatabase, isHosted(seed));
    faults = sim.faults;
    for (const step of steps) {
      at = step;
      await take(sim, step);
      await expectPromises(sim);
      taken += 1;
    }
    at = null;
    await settle(sim);
    await expectPromises(sim);
  } catch (error) {
    return { steps: taken, faults, violation: asViolation(error), at };
  }
  return { steps: taken, faults, violation: null, at: null };
}

export const playSeed = (seed: number, options: HistoryOptions, newDatabase: NewDatabase): Promise<Ran> =>
  play(seed, historyOf(seed, options), newDatabase);
