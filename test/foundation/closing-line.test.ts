import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createVitest } from "vitest/node";
import { closingLine, exitCode, type Tally, TallyReporter } from "../../scripts/closing-line.ts";
import { packageFile } from "../../src/package-root.ts";

const folders: string[] = [];

/** Runs a small suite of its own: file → content. Inside the checkout, so that it finds vitest. */
async function tallyOf(files: Readonly<Record<string, string>>): Promise<Tally> {
  mkdirSync(packageFile("node_modules/.cache"), { recursive: true });
  const root = mkdtempSync(packageFile("node_modules/.cache/closing-line-"));
  folders.push(root);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(root, name), content);
  const reporter = new TallyReporter();
  const vitest = await createVitest({
    root,
    config: false,
    watch: false,
    include: ["*.test.js"],
    exclude: [],
    reporters: [reporter],
  });
  await vitest.start();
  await vitest.close();
  return reporter.tally;
}

let exitCodeBefore: typeof process.exitCode;
beforeAll(() => {
  exitCodeBefore = process.exitCode;
});
afterAll(() => {
  // The suites above fail on purpose, and vitest marks the process that ran them.
  process.exitCode = exitCodeBefore;
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const start = 'import { test, expect } from "vitest";';

test("counts what passed, failed and was skipped", async () => {
  const tally = await tallyOf({
    "a.test.js": `${start} test("one", () => {}); test("two", () => expect(1).toBe(2)); test.skip("three", () => {});`,
    "b.test.js": `${start} test("four", () => {});`,
  });
  expect(tally).toEqual({ passed: 2, failed: 1, skipped: 1 });
});

test("counts a file that cannot be loaded and an error that nobody caught", async () => {
  const tally = await tallyOf({
    "unloadable.test.js": `${start} throw new Error("at load");`,
    "uncaught.test.js": `${start} test("fine", async () => { Promise.reject(new Error("lost")); await new Promise((r) => setTimeout(r, 20)); });`,
  });
  expect(tally).toEqual({ passed: 1, failed: 2, skipped: 0 });
});

test.each([
  [{ passed: 3, failed: 0, skipped: 0 }, "3 passed, 0 failed", 0],
  [{ passed: 3, failed: 0, skipped: 2 }, "3 passed, 0 failed, 2 skipped", 0],
  [{ passed: 3, failed: 1, skipped: 0 }, "3 passed, 1 failed", 1],
  [{ passed: 0, failed: 0, skipped: 4 }, "0 passed, 0 failed, 4 skipped", 1],
])("closes %j with `%s` and exit code %i", (tally, line, code) => {
  expect(closingLine(tally)).toBe(line);
  expect(exitCode(tally)).toBe(code);
});
