/** Every fault of a simulation, by the name under which it is counted when it comes about: when it is met, not when it is set. */

/** Writes that carry a lease: after a pause past it each has to be refused. */
export const FENCED = [
  "beginStep",
  "recordIntent",
  "recordOutputs",
  "reserve",
  "finish",
  "apply",
  "recordCheck",
] as const;
/** What changes the database in one transaction. */
export const TRANSACTIONS = [
  "claim",
  "beginStep",
  "recordIntent",
  "recordOutputs",
  "reserve",
  "finish",
  "apply",
  "recordCheck",
] as const;
export const RESTARTS = ["fast", "immediate", "crash"] as const;
export const HANGING = ["prepare", "install", "verify", "update", "destroy", "observe"] as const;
export const GIT_FAULTS = ["500", "503", "404", "empty", "half", "reset", "html", "hang"] as const;
export const GITHUB_FAULTS = [
  "500",
  "502",
  "404",
  "empty",
  "one-page",
  "reset",
  "lost",
  "html",
  "stale",
  "hang",
] as const;
export const DELIVERY_FAULTS = ["lost", "twice", "late", "reordered", "again"] as const;

export type Fenced = (typeof FENCED)[number];
export type Transaction = (typeof TRANSACTIONS)[number];
export type Restart = (typeof RESTARTS)[number];
export type DeliveryFault = (typeof DELIVERY_FAULTS)[number];

const each = <const Prefix extends string, const Name extends string>(
  prefix: Prefix,
  names: readonly Name[],
): readonly `${Prefix} ${Name}`[] => names.map((name) => `${prefix} ${name}` as const);

export const FAULTS = [
  "crash-before",
  "crash-after",
  "freeze",
  "kill -9 worker",
  "kill -9 reconciler",
  "kill -9 janitor",
  ...each("late write refused:", FENCED),
  "cut",
  ...each("cut in", TRANSACTIONS),
  ...each("answer lost:", TRANSACTIONS),
  ...each("database restart:", RESTARTS),
  "one-connection",
  "pool exhausted",
  "disk full: artifacts",
  "disk full: secrets",
  "disk full: workspace",
  "slow",
  "unreadable",
  "clock jump",
  ...each("hang:", HANGING),
  ...each("hang ended by", ["limit", "cancel", "drain"]),
  "call failed",
  "call failed for good",
  ...each("partial", ["install", "update", "destroy"]),
  ...each("lie:", ["installedNothing", "residue", "unknown"]),
  ...each("webhook", DELIVERY_FAULTS),
  ...each("git", GIT_FAULTS),
  ...each("github", GITHUB_FAULTS),
] as const;

export type FaultKind = (typeof FAULTS)[number];
