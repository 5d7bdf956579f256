import type { Reporter, SerializedError, TestModule } from "vitest/node";

export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * Counts what vitest ran. A file that cannot be loaded, an error that no test caught and a test that never ended
 * each count as a failure: a run in which something broke must not close with `0 failed`.
 */
export class TallyReporter implements Reporter {
  readonly tally: Tally = { passed: 0, failed: 0, skipped: 0 };

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    this.tally.failed += unhandled.length;
    for (const module of modules) {
      const before = this.tally.failed;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        this.tally[state === "pending" ? "failed" : state] += 1;
      }
      if (!module.ok() && this.tally.failed === before) this.tally.failed += 1;
    }
  }
}

/** The last line of a run, for people and for CI to read. */
export const closingLine = ({ passed, failed, skipped }: Tally): string =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;

/** A run that ran nothing has shown nothing. */
export const exitCode = ({ passed, failed }: Tally): 0 | 1 => (failed === 0 && passed > 0 ? 0 : 1);
