import { describe, expect, it } from "vitest";
import { estimateCost, hourlyCost, monthlyCost } from "../../src/core/cost.ts";
import { dueAt, expiresAt, expiryAfterEdit, isCutShort, isDue, leavingUntil } from "../../src/core/expiry.ts";
import type { LabState } from "../../src/core/types.ts";
import { hoursFromNow, labOf, NOW, profileOf } from "./builders.ts";

describe("expiry", () => {
  it("counts from ready", () => {
    expect(expiresAt(NOW, 24)).toEqual(hoursFromNow(24));
    expect(leavingUntil(NOW, 1.5)).toEqual(hoursFromNow(1.5));
  });

  it("is due from its very moment, and never without one", () => {
    const lab = (expiry: Date | null) => labOf("one", { expiresAt: expiry });
    expect(isDue(lab(NOW), NOW)).toBe(true);
    expect(isDue(lab(new Date(NOW.getTime() + 1)), NOW)).toBe(false);
    expect(isDue(lab(null), NOW)).toBe(false);
  });

  it("of a lab that was given up before it was ready counts from its creation", () => {
    const lab = (state: LabState) =>
      labOf("one", { state, readyAt: null, expiresAt: null, createdAt: hoursFromNow(-2) });
    const { ttlHours } = lab("failed").spec;
    expect(dueAt(lab("failed_permanent"))).toEqual(hoursFromNow(ttlHours - 2));
    expect(dueAt(lab("timed_out"))).toEqual(hoursFromNow(ttlHours - 2));
    for (const state of ["pending", "provisioning", "failed"] as const) expect(dueAt(lab(state))).toBeNull();
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

describe("an edit of ttlHours", () => {
  // Ready for an hour, with 23 of its 24 left; its profile warns some hours before the end.
  const lab = labOf("one");
  const warning = lab.policy.spec.lifecycle.warnBeforeDestroyHours;

  it("moves the expiry, both ways", () => {
    expect(expiryAfterEdit(lab, 48, NOW)).toEqual(hoursFromNow(47));
    expect(expiryAfterEdit(lab, 20, NOW)).toEqual(hoursFromNow(19));
    expect(isCutShort(lab, 20, NOW)).toBe(false);
  });

  it("never ends a lab before the warning that its profile promises", () => {
    expect(isCutShort(lab, 1, NOW)).toBe(true);
    expect(expiryAfterEdit(lab, 1, NOW)).toEqual(hoursFromNow(warning));
  });

  it("leaves an hour where the profile warns of nothing", () => {
    const { policy } = lab;
    const lifecycle = { ...policy.spec.lifecycle, warnBeforeDestroyHours: 0 };
    const unwarned = { ...lab, policy: { ...policy, spec: { ...policy.spec, lifecycle } } };
    expect(isCutShort(unwarned, 2, new Date(NOW.getTime() + 1))).toBe(true);
    expect(expiryAfterEdit(unwarned, 1, NOW)).toEqual(hoursFromNow(1));
    expect(isCutShort(unwarned, 2, NOW)).toBe(false);
  });

  it("leaves a lab alone whose end is nearer than that anyway, or that is not ready", () => {
    const ending = labOf("one", { expiresAt: hoursFromNow(warning / 2) });
    expect(expiryAfterEdit(ending, 1, NOW)).toEqual(hoursFromNow(warning / 2));
    expect(expiryAfterEdit(ending, ending.spec.ttlHours, NOW)).toEqual(ending.expiresAt);
    expect(expiryAfterEdit(labOf("one", { state: "pending" }), 1, NOW)).toBeNull();
  });
});
