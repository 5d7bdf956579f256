/** The figures that a soak is judged by. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { grows, type Point, spreadOf, trendOf } from "../../simulate/soak-figures.ts";
import { prng } from "../../src/core/prng.ts";

const LIMIT = 30;

/** Ten minutes, a sample each five seconds. */
const points = (valueAt: (second: number) => number): Point[] =>
  Array.from({ length: 120 }, (_, index) => ({ at: index * 5, value: valueAt(index * 5) }));

/** Sum of so many uniform numbers: noise that is nearly normal, with a deviation of one. */
const noise = (...seed: readonly (string | number)[]): (() => number) => {
  const random = prng(...seed);
  return () => Array.from({ length: 12 }, random).reduce((sum, each) => sum + each, -6);
};

describe("the trend of memory", () => {
  test("is what grows in an hour, and certain where nothing scatters", () => {
    const trend = trendOf(points((second) => 100 + second / 30));
    expect(trend?.slope).toBeCloseTo(120);
    expect(trend?.error).toBeCloseTo(0);
    expect(trendOf(points(() => 80))).toMatchObject({ slope: 0, error: 0, low: 0, high: 0, samples: 120 });
  });

  test("is unknown of fewer than three samples, and of several at once", () => {
    expect(trendOf([])).toBeNull();
    expect(trendOf(points((second) => second).slice(0, 2))).toBeNull();
    expect(trendOf([1, 2, 3].map((value) => ({ at: 9, value })))).toBeNull();
  });

  test("does not depend on when the clock began, nor on the order of samples", () => {
    const scatter = noise("shift");
    const some = points((second) => second / 50 + scatter());
    const shifted = some.map(({ at, value }) => ({ at: at + 1.7e9, value: value + 300 }));
    expect(trendOf(shifted)?.slope).toBeCloseTo(trendOf(some)?.slope ?? Number.NaN, 3);
    expect(trendOf(shifted)?.error).toBeCloseTo(trendOf(some)?.error ?? Number.NaN, 3);
  });

  test("has an error as textbooks give it where samples know nothing of each other", () => {
    // Residuals 1, -1, -1, 1 about a flat line; of such as go against their neighbours none is discounted.
    const trend = trendOf([1, -1, -1, 1].map((value, index) => ({ at: index * 3_600, value })));
    expect(trend?.slope).toBeCloseTo(0);
    expect(trend?.error).toBeCloseTo(Math.sqrt(4 / 2 / 5));
  });

  test("lies within its bounds about as often as they promise, also where memory remembers", () => {
    const TRUE_SLOPE = 40;
    for (const memory of [0, 0.6]) {
      let inside = 0;
      for (let run = 0; run < 200; run++) {
        const scatter = noise("bounds", memory, run);
        let value = 0;
        const trend = trendOf(
          points((second) => {
            value = memory * value + scatter();
            return (TRUE_SLOPE * second) / 3_600 + value;
          }),
        );
        if (trend && trend.low <= TRUE_SLOPE && TRUE_SLOPE <= trend.high) inside += 1;
      }
      expect(inside / 200, `memory ${memory}`).toBeGreaterThan(0.88);
    }
  });
});

describe("flat", () => {
  test("is memory that scatters, and memory that saws", () => {
    const scatter = noise("flat");
    expect(grows(trendOf(points(() => 120 + 3 * scatter())), LIMIT)).toBe(false);
    expect(grows(trendOf(points((second) => 100 + (second % 60))), LIMIT)).toBe(false);
  });

  test("is not memory that grows by twice the limit, though it scatters", () => {
    const scatter = noise("leak");
    expect(grows(trendOf(points((second) => 120 + (3 * LIMIT * second) / 3_600 + 0.5 * scatter())), LIMIT)).toBe(true);
  });

  test("is what cannot be told", () => {
    expect(grows(null, LIMIT)).toBe(false);
  });
});

describe("percentiles", () => {
  test("are values that so many are at or below", () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(spreadOf(hundred)).toEqual({ count: 100, p50: 50, p99: 99, max: 100 });
    expect(spreadOf([7])).toEqual({ count: 1, p50: 7, p99: 7, max: 7 });
    expect(spreadOf([])).toBeNull();
  });

  test("hold for any values", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, min: 0, max: 1e6 }), { minLength: 1 }), (values) => {
        const spread = spreadOf(values);
        const share = (bound: number): number => values.filter((value) => value <= bound).length / values.length;
        expect(spread).not.toBeNull();
        if (spread === null) return;
        expect(share(spread.p50)).toBeGreaterThanOrEqual(0.5);
        expect(share(spread.p99)).toBeGreaterThanOrEqual(0.99);
        expect(values).toContain(spread.p99);
        expect(spread.max).toBe(Math.max(...values));
      }),
    );
  });
});
