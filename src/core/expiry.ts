import type { Lab } from "./types.ts";

const HOUR = 3_600_000;

const plusHours = (from: Date, hours: number): Date => new Date(from.getTime() + hours * HOUR);

/** A lab's time runs from the moment it was ready, so a slow install does not shorten it. */
export const expiresAt = (readyAt: Date, ttlHours: number): Date => plusHours(readyAt, ttlHours);

/** True from the moment of expiry on. A lab that was never ready has no expiry. */
export const isDue = (lab: Pick<Lab, "expiresAt">, now: Date): boolean =>
  lab.expiresAt !== null && lab.expiresAt.getTime() <= now.getTime();

/** When people are warned: `warnHours` before expiry, but never before the lab was ready. */
export const warningAt = (readyAt: Date, expiry: Date, warnHours: number): Date =>
  new Date(Math.max(readyAt.getTime(), expiry.getTime() - warnHours * HOUR));

/** Between the warning's time and the expiry; after that there is nothing left to warn of. */
export const isWarningDue = (lab: Pick<Lab, "readyAt" | "expiresAt" | "policy">, now: Date): boolean => {
  if (lab.readyAt === null || lab.expiresAt === null || isDue(lab, now)) return false;
  const at = warningAt(lab.readyAt, lab.expiresAt, lab.policy.spec.lifecycle.warnBeforeDestroyHours);
  return at.getTime() <= now.getTime();
};

/** The end of a deletion grace that starts now. */
export const leavingUntil = (now: Date, graceHours: number): Date => plusHours(now, graceHours);
