import type { Ran } from "./run.ts";
import type { Series } from "./settings.ts";

/** What came of all runs so far. */
export interface Total {
  readonly add: (ran: Ran) => void;
  readonly runs: () => number;
  /** The lines that end a simulation: figures, faults by kind, and the one that is counted. */
  readonly lines: (seconds: number, leftOut: readonly LeftOut[]) => readonly string[];
  readonly exitCode: (leftOut: readonly LeftOut[]) => 0 | 1;
}

/** Runs of a series that the time did not suffice for. */
export interface LeftOut {
  readonly series: Series["name"];
  readonly planned: number;
  readonly count: number;
}

export function totalOf(): Total {
  let runs = 0;
  let failed = 0;
  let steps = 0;
  const faults = new Map<string, number>();
  return {
    add(ran) {
      runs += 1;
      steps += ran.steps;
      if (ran.violation !== null) failed += 1;
      for (const [kind, count] of Object.entries(ran.faults)) faults.set(kind, (faults.get(kind) ?? 0) + count);
    },
    runs: () => runs,
    lines(seconds, leftOut) {
      const sorted = [...faults].sort(([a], [b]) => (a < b ? -1 : 1));
      const all = sorted.reduce((sum, [, count]) => sum + count, 0);
      const skipped = leftOut.reduce((sum, { count }) => sum + count, 0);
      return [
        `${runs} runs, ${steps} steps, ${all} faults in ${Math.round(seconds)} s; lost = ${failed}`,
        `faults: ${sorted.map(([kind, count]) => `${kind} ${count}`).join(", ")}`,
        ...leftOut.map(
          ({ series, planned, count }) => `the time was over after ${planned - count} of ${planned} ${series} runs`,
        ),
        `${runs - failed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`,
      ];
    },
    // As many fresh ones as the time allows were asked for; of those that were chosen, all.
    exitCode: (leftOut) => (failed > 0 || runs === 0 || leftOut.some(({ series }) => series === "chosen") ? 1 : 0),
  };
}
