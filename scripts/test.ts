/**
 * `npm test`: the checks of `npm run check`, then every test. `npm test -- TEXT…` runs only the test files whose path
 * contains one of the texts. The last line counts the tests and the checks together.
 */

import { createVitest } from "vitest/node";
import { runChecks } from "./checks.ts";
import { closingLine, exitCode, TallyReporter } from "./closing-line.ts";

const checks = await runChecks();
const reporter = new TallyReporter();
const vitest = await createVitest({ watch: false, reporters: ["default", reporter] });
try {
  await vitest.start(process.argv.slice(2));
} catch (error) {
  // A failing global set-up, or no file that matches: nothing was run, which the closing line must show.
  console.error(error);
  reporter.tally.failed += 1;
} finally {
  await vitest.close();
}

const { tally } = reporter;
if (tally.passed + tally.failed === 0) tally.failed += 1;
for (const { passed } of checks) tally[passed ? "passed" : "failed"] += 1;
console.log(closingLine(tally));
// Whatever a test left open must not keep the run from ending.
process.exit(exitCode(tally));
