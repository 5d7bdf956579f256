import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { freshSeed } from "../../simulate/fresh-seed.ts";
import { settingsFrom } from "../../simulate/settings.ts";
import { totalOf } from "../../simulate/total.ts";
import { createRepository, temporaryFolder } from "../../standins/git/repository.ts";

describe("options of a simulation", () => {
  test("have defaults, and a seed that is drawn", () => {
    expect(settingsFrom([])).toMatchObject({
      series: [{ name: "chosen", runs: 20 }],
      replay: null,
      save: null,
      steps: 40,
      realEvery: 10,
      budgetMs: 3_600_000,
    });
    expect(settingsFrom(["--seed", "7"])).toMatchObject({ series: [{ name: "chosen", seed: 7, runs: 20 }] });
    expect(settingsFrom(["--help"])).toBe("help");
  });
  test("fresh seeds come alone, or after those that were chosen", () => {
    const fresh = { name: "fresh", runs: 200 };
    expect(settingsFrom(["--fresh", "200"])).toMatchObject({ series: [fresh] });
    expect(settingsFrom(["--seed", "3000", "--runs", "30", "--fresh", "200"])).toMatchObject({
      series: [{ name: "chosen", seed: 3000, runs: 30 }, fresh],
    });
  });
  test("hours win over runs, and over fresh runs", () => {
    const endless = Number.POSITIVE_INFINITY;
    expect(settingsFrom(["--hours", "0.5", "--runs", "3"])).toMatchObject({
      series: [{ name: "chosen", runs: endless }],
      budgetMs: 1_800_000,
    });
    expect(settingsFrom(["--hours", "8", "--fresh", "3"])).toMatchObject({
      series: [{ name: "fresh", runs: endless }],
    });
  });
  test("a file is played instead of seeds", () => {
    expect(settingsFrom(["--replay", "seed-7.json", "--runs", "3"])).toMatchObject({
      series: [],
      replay: { file: "seed-7.json", runs: 3 },
    });
  });
  test.each([
    ["--seed", "x"],
    ["--seed", "2147483648"],
    ["--runs", "0"],
    ["--fresh", "0"],
    ["--minutes", "0"],
    ["--what"],
    ["--replay", "a.json", "--seed", "7"],
    ["--replay", "a.json", "--hours", "7"],
  ])("%s %s %s %s is refused", (...argv) => {
    expect(() => settingsFrom(argv)).toThrow(TypeError);
  });
});

describe("fresh seeds", () => {
  test("begin at the first 31 bits of what is committed, wherever in the history that is", () => {
    const folder = temporaryFolder();
    try {
      const { commit, git, path } = createRepository(folder.path);
      commit({ "a.txt": "a" });
      const seed = freshSeed(path);
      expect(seed).toBe(Number(BigInt(`0x${git(["rev-parse", "main^{tree}"])}`) >> BigInt(160 - 31)));
      commit({ "a.txt": "b" });
      expect(freshSeed(path)).not.toBe(seed);
      commit({ "a.txt": "a" });
      expect(freshSeed(path)).toBe(seed);
    } finally {
      folder.remove();
    }
  });
  test("are drawn where nothing is committed", () => {
    const folder = temporaryFolder();
    try {
      execFileSync("git", ["init", "-q", folder.path]);
      expect(freshSeed(folder.path)).not.toBe(freshSeed(folder.path));
      expect(freshSeed(folder.path)).toBeLessThan(2 ** 31);
    } finally {
      folder.remove();
    }
  });
});

describe("what came of all runs", () => {
  const passed = { steps: 25, faults: { cut: 2 }, violation: null };
  test("is told by steps, faults and runs, and counted in the last line", () => {
    const total = totalOf();
    total.add(passed);
    total.add({ steps: 3, faults: { cut: 1, freeze: 1 }, violation: { promise: "P1", message: "P1: …" } });
    expect(total.lines(12.3, [])).toEqual([
      "2 runs, 28 steps, 4 faults in 12 s; lost = 1",
      "faults: cut 3, freeze 1",
      "1 passed, 1 failed",
    ]);
    expect(total.exitCode([])).toBe(1);
  });
  test("says when the time was over, which is no failure of fresh seeds, but of chosen ones", () => {
    const total = totalOf();
    total.add(passed);
    const fresh = { series: "fresh", planned: 200, count: 199 } as const;
    expect(total.lines(300, [fresh]).slice(2)).toEqual([
      "the time was over after 1 of 200 fresh runs",
      "1 passed, 0 failed, 199 skipped",
    ]);
    expect(total.exitCode([fresh])).toBe(0);
    expect(total.exitCode([{ ...fresh, series: "chosen" }])).toBe(1);
  });
  test("is a failure when nothing was run", () => {
    expect(totalOf().exitCode([])).toBe(1);
  });
});
