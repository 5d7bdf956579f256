import { execFileSync, spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { churnOf } from "../../simulate/soak-churn.ts";
import { nameOf } from "../../simulate/soak-load.ts";
import { settingsFrom } from "../../simulate/soak-settings.ts";
import { toldFrom } from "../../simulate/soak-told.ts";
import { packageFile } from "../../src/package-root.ts";

/** To start a process, on a machine that is busy. */
const TIME = { timeout: 60_000 };
const PROGRAM = packageFile("simulate/soak.ts");

describe("options of a soak", () => {
  test("are the load that is promised, unless they say otherwise", () => {
    expect(settingsFrom([])).toMatchObject({
      labs: 2_000,
      churnMs: 600_000,
      workers: 3,
      jobs: null,
      faultEveryMs: 60_000,
      limit: 30,
      planted: [],
    });
    expect(
      settingsFrom(["--minutes", "0.5", "--faults", "0", "--plant", "leak", "--plant", "lost-lease"]),
    ).toMatchObject({
      churnMs: 30_000,
      faultEveryMs: null,
      planted: ["leak", "lost-lease"],
    });
    expect(settingsFrom(["-h"])).toBe("help");
  });

  test.each([
    ["--labs", "0"],
    ["--labs", "1.5"],
    ["--labs", ""],
    ["--minutes", "x"],
    ["--workers", "2"],
    ["--limit", "-1"],
    ["--plant", "weeds"],
    ["--what"],
    ["more"],
  ])("%s %s is refused", (...argv) => {
    expect(() => settingsFrom(argv)).toThrow(TypeError);
  });

  test("that are wrong end the program with 2 and say how it is used, before anything begins", TIME, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, "--labs", "many"], { encoding: "utf8" });
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain("--labs many: a number from 1 to 100000 is needed");
    expect(stderr).toContain("npm run soak -- [options]");
  });

  test("--help tells all of them", TIME, () => {
    const help = execFileSync(process.execPath, [PROGRAM, "--help"], { encoding: "utf8" });
    for (const option of [
      "labs",
      "minutes",
      "jobs",
      "workers",
      "concurrency",
      "changes",
      "lease",
      "faults",
      "limit",
      "seed",
    ])
      expect(help).toContain(`--${option} `);
  });
});

describe("churn", () => {
  test("is the same for the same seed, and keeps the number of labs", () => {
    const [one, same, other] = [churnOf(50, 3), churnOf(50, 3), churnOf(50, 4)];
    expect(one.first()).toEqual(same.first());
    other.first();
    const files = Array.from({ length: 40 }, () => one.some(10));
    expect(Array.from({ length: 40 }, () => same.some(10))).toEqual(files);
    expect(Array.from({ length: 40 }, () => other.some(10))).not.toEqual(files);
    expect(one.wanted.size).toBe(50);
  });

  test("adds, edits, removes, and brings names back", () => {
    const churn = churnOf(30, 1);
    const there = new Map(Object.entries(churn.first()));
    const seen = { added: 0, edited: 0, removed: 0, back: 0 };
    const gone = new Set<string>();
    for (let turn = 0; turn < 60; turn++)
      for (const [path, text] of Object.entries(churn.some(6))) {
        if (text === null) {
          expect(there.delete(path), path).toBe(true);
          gone.add(path);
          seen.removed += 1;
          continue;
        }
        if (there.has(path)) seen.edited += 1;
        else seen[gone.has(path) ? "back" : "added"] += 1;
        expect(there.get(path)).not.toEqual(text);
        there.set(path, text);
      }
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(10);
    expect([...there.keys()].filter((path) => path.startsWith("labs/"))).toHaveLength(30);
  });
});

test("statements are named after the function they call, or their beginning", () => {
  expect(nameOf("\n    select lk_claim_jobs($1, $2) as job")).toBe("lk_claim_jobs");
  expect(nameOf("update leases l\n set expires_at = $1")).toBe("update leases l set expires_at = $1");
});

test("lines for people are no figures", () => {
  expect(toldFrom("Warning: something")).toBeNull();
  expect(toldFrom('{"tell":"cycle","at":1}')).toEqual({ tell: "cycle", at: 1 });
});
