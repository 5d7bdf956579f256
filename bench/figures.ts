/** What a benchmark says: numbers with their unit, how they were sampled, and what they are held against. */

/** A bound that the median has to keep. */
export type Target = { readonly atMost: number } | { readonly atLeast: number };

export interface Figure {
  readonly name: string;
  /** The median of the samples, unless the name says otherwise. */
  readonly value: number;
  readonly unit: "ms" | "s" | "per s" | "times" | "files";
  /** How many samples the value stands for. */
  readonly samples: number;
  readonly target?: Target;
  readonly note?: string;
}

/** A peer or part that could not be measured here, and why. */
export interface Skipped {
  readonly name: string;
  readonly why: string;
}

export interface Report {
  figure(figure: Figure): void;
  skip(name: string, why: string): void;
  /** What is being done, for whoever waits. */
  step(text: string): void;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** Linear between the two nearest ranks; NaN of nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

/** Null where nothing is demanded. */
export const isMet = ({ value, target }: Figure): boolean | null =>
  target === undefined ? null : "atMost" in target ? value <= target.atMost : value >= target.atLeast;
