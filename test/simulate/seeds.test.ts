/** Histories that once failed, and some that show each kind of fault: every promise holds after each of their steps. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { historyOf } from "../../simulate/history.ts";
import { play } from "../../simulate/run.ts";
import { createDatabase } from "../database.ts";

interface Seed {
  readonly why: string;
  readonly seed: number;
  readonly steps: number;
  readonly real: boolean;
  /** Only these steps, by index; null: all. */
  readonly keep: readonly number[] | null;
}

const SEEDS = JSON.parse(readFileSync(new URL("seeds.json", import.meta.url), "utf8")) as readonly Seed[];

describe.each(SEEDS)("seed $seed: $why", ({ seed, steps, real, keep }) => {
  test("keeps every promise and converges", { timeout: 120_000 }, async () => {
    const all = historyOf(seed, { steps, realProcesses: real });
    const part = keep === null ? all : keep.flatMap((index) => all[index] ?? []);
    const ran = await play(seed, part, createDatabase);
    expect({ violation: ran.violation?.message ?? null, at: ran.at }).toEqual({ violation: null, at: null });
    expect(ran.steps).toBe(part.length);
  });
});
