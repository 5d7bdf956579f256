/**
 * How often may be written at a host. GitHub asks for at most 80 writes a minute and 500 an hour, and slows whoever
 * goes on (docs.github.com, "Rate limits for the REST API", secondary rate limits); this stays well below, because
 * commands and pull requests of labkeeper's own need some too.
 */
export interface Pace {
  /** Takes one write; false when there is none left for now. */
  take(): boolean;
  /** Milliseconds until there is one again; 0 when there is. */
  wait(): number;
}

export interface PaceLimits {
  readonly perMinute: number;
  readonly perHour: number;
}

export const WRITES: PaceLimits = { perMinute: 40, perHour: 400 };

const MINUTE = 60_000;
const HOUR = 3_600_000;

/** Counts in two sliding windows. `monotonic` is milliseconds on any clock that never goes back. */
export const pace = ({ perMinute, perHour }: PaceLimits, monotonic: () => number): Pace => {
  let taken: number[] = [];
  const wait = (): number => {
    const now = monotonic();
    taken = taken.filter((at) => at > now - HOUR);
    const lastMinute = taken.filter((at) => at > now - MINUTE);
    const untilMinute = lastMinute.length < perMinute ? 0 : (lastMinute.at(-perMinute) ?? now) + MINUTE - now;
    const untilHour = taken.length < perHour ? 0 : (taken.at(-perHour) ?? now) + HOUR - now;
    return Math.max(untilMinute, untilHour);
  };
  return {
    wait,
    take: () => {
      if (wait() > 0) return false;
      taken.push(monotonic());
      return true;
    },
  };
};
