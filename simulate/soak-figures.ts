/** What a soak's samples add up to. */

export interface Sample {
  /** Seconds since the process began. */
  readonly at: number;
  readonly rssMiB: number;
}

/** MiB an hour by least squares; null with fewer than two samples. */
export function slopePerHour(samples: readonly Sample[]): number | null {
  const count = samples.length;
  if (count < 2) return null;
  const meanAt = samples.reduce((sum, { at }) => sum + at, 0) / count;
  const meanRss = samples.reduce((sum, { rssMiB }) => sum + rssMiB, 0) / count;
  const spread = samples.reduce((sum, { at }) => sum + (at - meanAt) ** 2, 0);
  if (spread === 0) return null;
  const together = samples.reduce((sum, { at, rssMiB }) => sum + (at - meanAt) * (rssMiB - meanRss), 0);
  return (together / spread) * 3_600;
}
