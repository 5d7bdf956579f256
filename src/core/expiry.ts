import type { Lab } from "./types.ts";

const HOUR = 3_600_000;

const plusHours = (from: Date, hours: number): Date => new Date(from.getTime() + hours * HOUR);

/** A lab's time runs from the moment it was ready, so a slow install does not shorten it. */
export const expiresAt = (readyAt: Date, ttlHours: number): Date => plusHours(readyAt, ttlHours);

/**
 * When a lab's time is over. One that was given up before it was ready has its hours from its creation on: what was
 * half made costs money too. Null: not while it is in this state.
 */
export const dueAt = ({ expiresAt, createdAt, state, spec }: Lab): Date | null => {
  const givenUp = state === "failed_permanent" || state === "timed_out";
  return expiresAt ?? (givenUp ? plusHours(createdAt, spec.ttlHours) : null);
};

export const isDue = (lab: Lab, now: Date): boolean => {
  const due = dueAt(lab);
  return due !== null && due.getTime() <= now.getTime();
};

/** The end of a deletion grace that starts now. */
export const leavingUntil = (now: Date, graceHours: number): Date => plusHours(now, graceHours);
