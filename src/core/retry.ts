import type { JobKind } from "./types.ts";

export type Retry = { readonly kind: "retry"; readonly delaySeconds: number } | { readonly kind: "dead" };

/** The first delay doubles with each attempt up to the cap. Seconds. */
export interface RetryPace {
  readonly first: number;
  readonly cap: number;
}

/** Work that makes or changes a lab: from 10 s to a quarter of an hour. */
export const WORK_PACE: RetryPace = { first: 10, cap: 900 };

/** Destroys are tried for ever, so they slow down to once an hour instead of giving up. */
export const DESTROY_PACE: RetryPace = { first: 10, cap: 3_600 };

/** Waiting for something outside to change (a quota, a window): looked at again every five minutes. */
export const WAIT_SECONDS = 300;

/** Between half of the delay and all of it, so that labs that failed together do not come back together. */
const jitter = (seconds: number, random: number): number => {
  const share = random >= 0 && random < 1 ? random : 0.5;
  return Math.max(1, Math.round(seconds * (0.5 + share / 2)));
};

const backoff = ({ first, cap }: RetryPace, attempt: number): number =>
  Math.min(cap, first * 2 ** Math.min(30, Math.max(0, attempt - 1)));

/**
 * What follows a failed attempt. `attempt` counts from 1 and is the one that failed; `random` is in [0, 1).
 *
 * - retry: exponential backoff, dead after `maxAttempts`
 * - wait: the same slow beat however often, never dead: what it waits for is not the work's own failure
 * - stop: dead at once
 * - a destroy is never dead (promise P6): stop only sends it to its slowest beat
 */
export const nextRetry = (
  kind: JobKind,
  attempt: number,
  maxAttempts: number,
  disposition: "retry" | "wait" | "stop",
  random: number,
  pace: RetryPace = kind === "destroy" ? DESTROY_PACE : WORK_PACE,
): Retry => {
  const after = (seconds: number): Retry => ({ kind: "retry", delaySeconds: jitter(seconds, random) });
  if (disposition === "wait") return after(Math.min(WAIT_SECONDS, pace.cap));
  if (kind === "destroy") return after(disposition === "stop" ? pace.cap : backoff(pace, attempt));
  if (disposition === "stop" || attempt >= maxAttempts) return { kind: "dead" };
  return after(backoff(pace, attempt));
};
