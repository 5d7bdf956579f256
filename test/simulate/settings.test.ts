import { describe, expect, test } from "vitest";
import { settingsFrom } from "../../simulate/settings.ts";

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
