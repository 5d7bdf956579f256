/** One history from its first step to rest, with the promises held after each step. */

import type { History } from "./history.ts";
import { expectPromises } from "./invariants.ts";
import type { NewDatabase } from "./server.ts";
import { settle } from "./settle.ts";
import { simulation } from "./simulation.ts";
import { take } from "./steps.ts";
import { Violation } from "./violation.ts";

/** What came of a run. Plain data: it is told from process to process. */
export interface Ran {
  /** Steps after which every promise held. */
  readonly steps: number;
  /** Faults that came about, by kind. */
  readonly faults: Readonly<Record<string, number>>;
  /** The promise that did not hold, by its number; null: all held. */
  readonly violation: { readonly promise: string; readonly message: string } | null;
}

const asViolation = (error: unknown): Violation => {
  if (error instanceof Violation) return error;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new Violation(/secrets are where none may be/.test(text) ? "P9" : "defect", text, { cause: error });
};

/** Never rejects: whatever went wrong is a violation. */
export async function play({ seed, hosted, steps }: History, newDatabase: NewDatabase): Promise<Ran> {
  let faults: ReadonlyMap<string, number> = new Map();
  let taken = 0;
  let violation: Violation | null = null;
  try {
    await using sim = await simulation(seed, newDatabase, hosted);
    faults = sim.faults;
    for (const step of steps) {
      await take(sim, step);
      await expectPromises(sim);
      taken += 1;
    }
    await settle(sim);
    await expectPromises(sim);
  } catch (error) {
    violation = asViolation(error);
  }
  return {
    steps: taken,
    faults: Object.fromEntries(faults),
    violation: violation && { promise: violation.promise, message: violation.message },
  };
}
