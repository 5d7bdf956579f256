/** Which leases count as lost: those of processes that lived and ran. */

import { describe, expect, test } from "vitest";
import { excuseOf } from "../../simulate/soak-leases.ts";
import { phaseOf, starved, type Waits, waitOf } from "../../simulate/soak-waits.ts";

const LEASE = 15_000;
const NEVER = Number.POSITIVE_INFINITY;
const life = { name: "worker-1", told: [], pauses: [], killedAt: NEVER };
const taken = { lab: "one", holder: "worker-1", claimedAt: 100_000, at: 130_000 };

describe("a lease that another took over", () => {
  test("is lost when its holder lived and ran", () => {
    expect(excuseOf(life, taken, LEASE)).toBeNull();
    expect(excuseOf({ ...life, killedAt: 130_001 }, taken, LEASE)).toBeNull();
  });
  test("is not when its holder had been killed", () => {
    expect(excuseOf({ ...life, killedAt: 114_000 }, taken, LEASE)).toBe("killed");
  });
  test("is not when its holder stood still, now or a moment ago", () => {
    expect(excuseOf({ ...life, pauses: [{ from: 112_000, to: NEVER }] }, taken, LEASE)).toBe("paused");
    expect(excuseOf({ ...life, pauses: [{ from: 112_000, to: 129_000 }] }, taken, LEASE)).toBe("paused");
  });
  test("is when the pause was long ago, came later, or was too short for it", () => {
    expect(excuseOf({ ...life, pauses: [{ from: 60_000, to: 80_000 }] }, taken, LEASE)).toBeNull();
    expect(excuseOf({ ...life, pauses: [{ from: 131_000, to: NEVER }] }, taken, LEASE)).toBeNull();
    expect(excuseOf({ ...life, pauses: [{ from: 112_000, to: 113_000 }] }, taken, LEASE)).toBeNull();
  });
  test("is not when its holder never heard that it had it", () => {
    const unanswered = (from: number, at: number) => ({ ...life, told: [{ tell: "unanswered" as const, from, at }] });
    expect(excuseOf(unanswered(99_990, 100_010), taken, LEASE)).toBe("unanswered");
    expect(excuseOf(unanswered(100_001, 100_010), taken, LEASE)).toBeNull();
  });
});

describe("a start", () => {
  const start = { kind: "provision", created: 5_000, freed: null, again: null, at: 9_000 };
  const marks = { churnAt: 10_000, wave: { from: 20_000, to: 30_000 }, drainAt: 90_000 };
  test("waits from when its job was queued, its lab was free, or it was to be tried again", () => {
    expect(waitOf(start)).toBe(4);
    expect(waitOf({ ...start, freed: 7_000 })).toBe(2);
    expect(waitOf({ ...start, freed: 3_000 })).toBe(4);
    expect(waitOf({ ...start, freed: 8_500, again: 8_000 })).toBe(1);
    // Hurried by somebody before it was due.
    expect(waitOf({ ...start, again: 9_500 })).toBe(0);
  });
  test.each([
    ["burst", { created: 9_999 }],
    ["churn", { created: 10_000 }],
    ["wave", { created: 20_000 }],
    ["churn", { created: 30_000 }],
    ["retry", { created: 20_000, again: 25_000 }],
  ])("belongs to the %s: %j", (phase, change) => {
    expect(phaseOf({ ...start, ...change }, marks)).toBe(phase);
  });
});

test("destroys are starved when they wait longer than creates of the same wave", () => {
  const waits = (kind: string, p99: number): Waits => ({
    phase: "wave",
    kind,
    spread: { count: 100, p50: 1, p99, max: p99 },
  });
  expect(starved([waits("destroy", 2), waits("provision", 5)])).toBeNull();
  expect(starved([waits("destroy", 9), waits("provision", 5)])).toContain("9.0 s");
  expect(starved([waits("destroy", 9)])).toBeNull();
});
