import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nextRetry } from "../../src/core/retry.ts";

const delay = (...args: Parameters<typeof nextRetry>): number | "dead" => {
  const next = nextRetry(...args);
  return next.kind === "retry" ? next.delaySeconds : "dead";
};

describe("a failed attempt", () => {
  it("waits twice as long each time, up to a quarter of an hour", () => {
    const delays = [1, 2, 3, 8, 50].map((attempt) => delay("provision", attempt, 99, "retry", 0.999999));
    expect(delays).toEqual([10, 20, 40, 900, 900]);
  });

  it("is spread between half of the delay and all of it", () => {
    expect(delay("update", 3, 9, "retry", 0)).toBe(20);
    expect(delay("update", 3, 9, "retry", 0.5)).toBe(30);
    expect(delay("update", 3, 9, "retry", Number.NaN)).toBe(30);
  });

  it("is the last one at the limit, or when the error says stop", () => {
    expect(delay("provision", 3, 3, "retry", 0)).toBe("dead");
    expect(delay("provision", 2, 3, "retry", 0)).not.toBe("dead");
    expect(delay("update", 1, 3, "stop", 0)).toBe("dead");
  });

  it("waits without end for what is not its own failure", () => {
    expect(delay("provision", 50, 3, "wait", 0)).toBe(150);
  });

  it("takes the pace it is given", () => {
    const pace = { first: 2, cap: 6 };
    expect([1, 2, 3].map((attempt) => delay("provision", attempt, 9, "retry", 0, pace))).toEqual([1, 2, 3]);
    expect(delay("provision", 1, 9, "wait", 0, pace)).toBe(3);
  });

  it("never ends a destroy, and tries it at least once an hour", () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.nat(),
        fc.constantFrom("retry", "wait", "stop" as const),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (attempt, limit, disposition, random) => {
          const next = nextRetry("destroy", attempt, limit, disposition, random);
          expect(next.kind).toBe("retry");
          if (next.kind === "retry") expect(next.delaySeconds).toBeLessThanOrEqual(3_600);
          if (next.kind === "retry") expect(next.delaySeconds).toBeGreaterThanOrEqual(1);
        },
      ),
    );
    expect(delay("destroy", 1, 3, "stop", 0)).toBe(1_800);
  });
});
