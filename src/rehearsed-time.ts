import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "./ports.ts";

/** A clock that stands still until it is moved, and pauses that last by it. */
export interface RehearsedTime {
  readonly clock: Clock;
  /** Pauses that have not ended. */
  asleep(): number;
  /** When the next pause ends; null when nobody sleeps. */
  nextWaking(): Date | null;
  /** Lets it become so late, and wakes whoever wanted to be woken by then. */
  moveTo(at: Date): Promise<void>;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

interface Sleeper {
  readonly until: number;
  wake(): void;
}

/** `speed`: simulated seconds in a real one; null: without waiting. */
export function rehearsedTime(begin: Date, speed: number | null): RehearsedTime {
  let now = begin.getTime();
  const sleepers = new Set<Sleeper>();
  const nextUntil = (): number => Math.min(...[...sleepers].map(({ until }) => until));
  return {
    clock: { now: () => new Date(now), monotonic: () => now },
    asleep: () => sleepers.size,
    nextWaking: () => (sleepers.size === 0 ? null : new Date(nextUntil())),
    async moveTo(at) {
      if (speed !== null) await delay(Math.max(0, at.getTime() - now) / speed);
      now = Math.max(now, at.getTime());
      for (const sleeper of [...sleepers]) if (sleeper.until <= now) sleeper.wake();
    },
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const sleeper: Sleeper = {
          // Dates have whole milliseconds: a part of one would never come.
          until: now + Math.ceil(ms),
          wake: () => {
            sleepers.delete(sleeper);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal.addEventListener("abort", sleeper.wake, { once: true });
      }),
  };
}
