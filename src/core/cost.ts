import type { ProfileSpec, ResolvedSpec } from "./types.ts";

/** The hours of an average month, as the public clouds count them (8,760 / 12). */
export const HOURS_PER_MONTH = 730;

/** US dollars, estimated. `monthly` is the running rate of a lab that is always up, which is what budgets bound. */
export interface CostEstimate {
  readonly hourly: number;
  readonly untilExpiry: number;
  readonly monthly: number;
}

type Size = Pick<ResolvedSpec, "workers" | "ttlHours">;

const cents = (dollars: number): number => Math.round(dollars * 100) / 100;

/**
 * The profile says what a lab of its default size costs an hour; other sizes scale with the number of machines,
 * control plane included. An estimate for people and for guards, not a bill.
 */
export const hourlyCost = (profile: ProfileSpec, workers: number): number => {
  const { controlPlane, workers: pool } = profile.compute;
  const usual = controlPlane.replicas + pool.replicas;
  const scale = usual > 0 ? (controlPlane.replicas + workers) / usual : 1;
  return profile.costControls.estimatedHourlyCost * scale;
};

export const monthlyCost = (profile: ProfileSpec, workers: number): number =>
  cents(hourlyCost(profile, workers) * HOURS_PER_MONTH);

export const estimateCost = (profile: ProfileSpec, { workers, ttlHours }: Size): CostEstimate => {
  const hourly = hourlyCost(profile, workers);
  return { hourly, untilExpiry: cents(hourly * ttlHours), monthly: cents(hourly * HOURS_PER_MONTH) };
};
