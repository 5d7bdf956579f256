/** A short search with a fixed seed, each time the tests run: `npm run fuzz` in small. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { minimised } from "../../fuzz/minimise.ts";
import { search } from "../../fuzz/search.ts";
import { must, type Target } from "../../fuzz/target.ts";
import { packageRoot } from "../../src/package-root.ts";

const INPUTS = 400;

interface Shown {
  readonly target: string;
  readonly inputs: number;
  readonly blocks: { readonly covered: number; readonly known: number };
  readonly failures: readonly { readonly why: string; readonly base64: string }[];
}

const fuzz = async (...options: string[]): Promise<readonly Shown[]> => {
  const run = promisify(execFile)(process.execPath, ["fuzz/main.ts", "--json", "--seconds", "300", ...options], {
    cwd: packageRoot,
    maxBuffer: 1 << 26,
  });
  return JSON.parse((await run.catch((error: { stdout: string }) => error)).stdout) as Shown[];
};

test("no reader breaks on the inputs of seed 1", { timeout: 300_000 }, async () => {
  const figures = await fuzz("--inputs", String(INPUTS), "--seed", "1");
  expect(figures.length).toBeGreaterThanOrEqual(13);
  expect(figures.filter(({ failures }) => failures.length > 0)).toEqual([]);
  for (const { target, inputs, blocks } of figures) {
    expect(inputs, target).toBeGreaterThanOrEqual(INPUTS);
    // Without coverage there is nothing that leads the search.
    expect(blocks.covered, target).toBeGreaterThan(blocks.known / 2);
  }
});

/** Breaks on a word that only its dictionary can make. */
const brittle: Target = {
  name: "brittle",
  seeds: ["nothing"],
  dictionary: ["<", "b", ">"],
  run: (input) => must(!Buffer.from(input).toString().includes("<b>"), "markup got through"),
};

const blind = {
  reset: () => undefined,
  isNew: () => false,
  blocks: () => ({ covered: 0, known: 0 }),
  [Symbol.dispose]: () => undefined,
};

test("the same seed finds the same failure, and shows the little that it takes", async () => {
  const look = async () => (await search(brittle, { inputs: 20_000, seconds: 60, seed: 3 }, blind)).failures;
  const [found] = await look();
  expect(found?.why).toBe("Broken: markup got through");
  expect(Buffer.from(found?.input ?? []).toString()).toBe("<b>");
  expect(await look()).toEqual([found]);
});

test("an input is made smaller as long as it fails", async () => {
  const input = Buffer.from(`${"x".repeat(500)}a${"y".repeat(300)}b${"z".repeat(200)}`);
  const small = await minimised(input, (bytes) => /a.*b/s.test(Buffer.from(bytes).toString()));
  expect(Buffer.from(small).toString()).toBe("ab");
});
