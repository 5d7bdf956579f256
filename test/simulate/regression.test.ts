import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { historyOf } from "../../simulate/history.ts";
import { openLanes } from "../../simulate/lanes.ts";
import { readRegression, regressionsIn, regressionText } from "../../simulate/regression.ts";
import { packageFile } from "../../src/package-root.ts";
import { temporaryFolder } from "../../standins/git/repository.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());
const file = (name: string, text: string): string => {
  const path = join(folder.path, name);
  writeFileSync(path, text);
  return path;
};

describe("a history in a file", () => {
  test("is the one that was written, with why", () => {
    const regression = { why: 'P1: "oak" ended', ...historyOf(4, { steps: 60, realProcesses: true }) };
    const path = file("seed-4.json", regressionText(regression));
    expect(readRegression(path)).toEqual(regression);
    expect(regressionsIn(folder.path)).toEqual([{ name: "seed-4", ...regression }]);
  });

  test.each([
    ["no JSON", "{"],
    ["no reason", '{"seed": 1, "hosted": false, "steps": []}'],
    ["no seed", '{"why": "", "hosted": false, "steps": []}'],
    ["no place", '{"why": "", "seed": 1, "steps": []}'],
    ["no steps", '{"why": "", "seed": 1, "hosted": false}'],
    ["a step that is none", '{"why": "", "seed": 1, "hosted": false, "steps": [{"do": "nothing"}]}'],
  ])("with %s is refused, and named", (_, text) => {
    const path = file("broken.txt", text);
    expect(() => readRegression(path)).toThrow(`${path}: `);
  });

  test("is replayed by the command, which counts it", { timeout: 240_000 }, () => {
    const path = file("none.json", regressionText({ why: "nothing happens", seed: 1, hosted: false, steps: [] }));
    const simulate = (...args: string[]) =>
      spawnSync(process.execPath, [packageFile("simulate/main.ts"), ...args], { encoding: "utf8" });
    const { status, stdout } = simulate("--replay", path, "--runs", "2", "--parallel", "1");
    expect(stdout).toMatch(/^2 runs, 0 steps, 0 faults in \d+ s; lost = 0$/m);
    expect(stdout).toMatch(/^2 passed, 0 failed\n$/m);
    expect(status).toBe(0);
    expect(simulate("--replay", file("odd.txt", "{}"))).toMatchObject({ status: 2 });
  });
});

test("a run whose process ends is a failed run, and the next has another process", { timeout: 240_000 }, async () => {
  await using lanes = openLanes(1);
  const nothing = { seed: 1, hosted: false, steps: [] };
  expect((await lanes.play(nothing)).violation).toBeNull();
  const long = lanes.play(historyOf(3, { steps: 200, realProcesses: false }));
  for (const pid of lanes.processes()) process.kill(pid, "SIGKILL");
  expect((await long).violation?.message).toContain("the process ended");
  expect((await lanes.play(nothing)).violation).toBeNull();
});
