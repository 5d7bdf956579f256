import { describe, expect, test } from "vitest";
import { settingsFrom } from "../../simulate/settings.ts";
import { slopePerHour } from "../../simulate/soak-figures.ts";

describe("options of a simulation", () => {
  test("have defaults, and a seed that is drawn", () => {
    expect(settingsFrom([])).toMatchObject({ runs: 20, steps: 40, keep: null, realEvery: 10, budgetMs: 3_600_000 });
    expect(settingsFrom(["--seed", "7", "--keep", "1,4"])).toMatchObject({ seed: 7, keep: [1, 4] });
    expect(settingsFrom(["--help"])).toBe("help");
  });
  test("hours win over runs", () => {
    expect(settingsFrom(["--hours", "0.5", "--runs", "3"])).toMatchObject({
      runs: Number.POSITIVE_INFINITY,
      budgetMs: 1_800_000,
    });
  });
  test.each([["--seed", "x"], ["--runs", "0"], ["--keep", "1,x"], ["--minutes", "0"], ["--what"]])(
    "%s %s is refused",
    (...argv) => {
      expect(() => settingsFrom(argv)).toThrow(TypeError);
    },
  );
});

describe("the slope of memory", () => {
  test("is what grows in an hour", () => {
    const samples = [0, 1, 2, 3].map((minute) => ({ at: minute * 60, rssMiB: 100 + minute * 2 }));
    expect(slopePerHour(samples)).toBeCloseTo(120);
    expect(slopePerHour(samples.map(({ at }) => ({ at, rssMiB: 80 })))).toBeCloseTo(0);
  });
  test("is unknown of one sample, and of several at once", () => {
    expect(slopePerHour([{ at: 1, rssMiB: 5 }])).toBeNull();
    expect(slopePerHour([1, 2].map((rssMiB) => ({ at: 9, rssMiB })))).toBeNull();
  });
});
