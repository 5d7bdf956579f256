/** What a soak's samples add up to. */

export interface Point {
  /** Seconds. */
  readonly at: number;
  readonly value: number;
}

export interface Trend {
  /** Units an hour, by least squares. */
  readonly slope: number;
  /** Its standard error, with what neighbouring samples have in common taken into account. */
  readonly error: number;
  /** Where the slope lies with a confidence of 95 %. */
  readonly low: number;
  readonly high: number;
  readonly samples: number;
}

const HOUR = 3_600;
/** 97.5 % of the normal distribution lies below so many standard errors. */
const NORMAL = 1.96;

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * The line through samples of memory, and how sure it is. Memory that is high now is high a moment later too, so
 * samples count for fewer than they are: for n (1 − r) / (1 + r) where r is how residuals go with the ones before them
 * (the usual correction for trends of series that remember; Santer et al. 2000, doi:10.1029/1999JD901105).
 * Null with fewer than three samples, or when all are of one moment.
 */
export function trendOf(points: readonly Point[]): Trend | null {
  const count = points.length;
  if (count < 3) return null;
  const meanAt = mean(points.map(({ at }) => at));
  const meanValue = mean(points.map(({ value }) => value));
  const spread = points.reduce((sum, { at }) => sum + (at - meanAt) ** 2, 0);
  if (spread === 0) return null;
  const perSecond = points.reduce((sum, { at, value }) => sum + (at - meanAt) * (value - meanValue), 0) / spread;
  const residuals = points.map(({ at, value }) => value - meanValue - perSecond * (at - meanAt));
  const squares = residuals.reduce((sum, residual) => sum + residual ** 2, 0);
  const freedom = Math.max(0.5, effective(residuals, squares) - 2);
  const error = Math.sqrt(squares / freedom / spread) * HOUR;
  const slope = perSecond * HOUR;
  // Student's t for few degrees of freedom, near enough: 2.6 at five, 2.1 at twenty.
  const width = error * NORMAL * (1 + 1.5 / freedom);
  return { slope, error, low: slope - width, high: slope + width, samples: count };
}

/** Samples as independent ones. */
function effective(residuals: readonly number[], squares: number): number {
  if (squares === 0) return residuals.length;
  const together = residuals.slice(1).reduce((sum, residual, before) => sum + residual * (residuals[before] ?? 0), 0);
  const alike = Math.min(0.99, Math.max(0, together / squares));
  return (residuals.length * (1 - alike)) / (1 + alike);
}

/** Grows certainly by more than the limit. What cannot be told does not certainly grow: it is reported as unknown. */
export const grows = (trend: Trend | null, limit: number): boolean => trend !== null && trend.low > limit;

export interface Spread {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Null of nothing. A percentile is the smallest value that so many are at or below (nearest rank). */
export function spreadOf(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const rank = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { count: sorted.length, p50: rank(0.5), p99: rank(0.99), max: rank(1) };
}
