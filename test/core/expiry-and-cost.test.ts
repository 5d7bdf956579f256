import { describe, expect, it } from "vitest";
import { estimateCost, hourlyCost, monthlyCost } from "../../src/core/cost.ts";
import { expiresAt, isDue, isWarningDue, leavingUntil, warningAt } from "../../src/core/expiry.ts";
import { hoursFromNow, labOf, NOW, profileOf } from "./builders.ts";

describe("expiry", () => {
  it("counts from ready", () => {
    expect(expiresAt(NOW, 24)).toEqual(hoursFromNow(24));
    expect(leavingUntil(NOW, 1.5)).toEqual(hoursFromNow(1.5));
  });

  it("is due from its very moment, and never without one", () => {
    expect(isDue({ expiresAt: NOW }, NOW)).toBe(true);
    expect(isDue({ expiresAt: new Date(NOW.getTime() + 1) }, NOW)).toBe(false);
    expect(isDue({ expiresAt: null }, NOW)).toBe(false);
  });

  it("is warned of once it is near, not before ready and not after", () => {
    const lab = (hours: number, readyHours = -20) =>
      labOf("one", { readyAt: hoursFromNow(readyHours), expiresAt: hoursFromNow(hours) });
    expect([5, 4, 1, 0].map((hours) => isWarningDue(lab(hours), NOW))).toEqual([false, true, true, false]);
    expect(warningAt(NOW, hoursFromNow(2), 4)).toEqual(NOW);
    expect(isWarningDue(labOf("one", { state: "pending" }), NOW)).toBe(false);
  });
});

describe("cost", () => {
  const { spec } = profileOf();
  it("is the profile's at its default size and follows the number of machines", () => {
    expect(hourlyCost(spec, 3)).toBeCloseTo(1.2);
    expect(hourlyCost(spec, 0)).toBeCloseTo(0.6);
    expect(monthlyCost(spec, 6)).toBe(1_314);
    expect(estimateCost(spec, { workers: 3, ttlHours: 10 })).toMatchObject({ untilExpiry: 12, monthly: 876 });
  });

  it("is the profile's whatever the size where a lab has no machines", () => {
    const machines = {
      controlPlane: { replicas: 0, schedulable: true },
      workers: { replicas: 0, minReplicas: 0, maxReplicas: 9 },
    };
    expect(hourlyCost(profileOf("local", { compute: machines }).spec, 5)).toBeCloseTo(1.2);
  });
});
