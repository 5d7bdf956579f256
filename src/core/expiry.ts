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

type Edited = Pick<Lab, "readyAt" | "expiresAt" | "spec" | "policy">;

/** Where a profile warns of nothing, an edit still leaves its people time to see what it did. Hours. */
const LEAST_HOURS = 1;

/** What an edit leaves a lab at least: nobody loses one without the warning its profile promises. Hours. */
export const hoursAfterEdit = ({ policy }: Pick<Lab, "policy">): number =>
  Math.max(policy.spec.lifecycle.warnBeforeDestroyHours, LEAST_HOURS);

const earliestEnd = (lab: Edited, now: Date): Date => plusHours(now, hoursAfterEdit(lab));

/** An edit of `ttlHours` that ends the lab sooner than that: in effect a destroy, by a commit. */
export const isCutShort = (lab: Edited, ttlHours: number, now: Date): boolean => {
  if (lab.readyAt === null || lab.expiresAt === null || ttlHours === lab.spec.ttlHours) return false;
  const end = expiresAt(lab.readyAt, ttlHours).getTime();
  return end < lab.expiresAt.getTime() && end < earliestEnd(lab, now).getTime();
};

/** When a lab ends once its `ttlHours` are these; null before it was ready. */
export const expiryAfterEdit = (lab: Edited, ttlHours: number, now: Date): Date | null => {
  if (lab.readyAt === null || lab.expiresAt === null || ttlHours === lab.spec.ttlHours) return lab.expiresAt;
  if (!isCutShort(lab, ttlHours, now)) return expiresAt(lab.readyAt, ttlHours);
  return new Date(Math.min(lab.expiresAt.getTime(), earliestEnd(lab, now).getTime()));
};

/** The end of a deletion grace that starts now. */
export const leavingUntil = (now: Date, graceHours: number): Date => plusHours(now, graceHours);
