/** The one table of lab states. The database holds the same rows in `lab_transitions`; a test compares them. */

import type { JobKind, LabState } from "./types.ts";

/** worker: only the holder of the lab's lease may make it · operator: the reconciler or a command may. */
export type Driver = "worker" | "operator";

export const TRANSITIONS: readonly (readonly [from: LabState, to: LabState, driver: Driver])[] = [
  ["pending", "provisioning", "worker"],
  ["provisioning", "ready", "worker"],
  ["provisioning", "failed", "worker"],
  ["provisioning", "failed_permanent", "worker"],
  ["provisioning", "timed_out", "worker"],
  ["failed", "provisioning", "worker"],
  ["failed_permanent", "failed", "operator"],
  ["timed_out", "failed", "operator"],
  ["ready", "updating", "worker"],
  ["updating", "ready", "worker"],
  ["ready", "hibernating", "worker"],
  ["hibernating", "hibernated", "worker"],
  ["hibernating", "ready", "worker"],
  ["hibernated", "resuming", "worker"],
  ["resuming", "ready", "worker"],
  ["resuming", "hibernated", "worker"],
  ["pending", "destroying", "worker"],
  ["provisioning", "destroying", "worker"],
  ["ready", "destroying", "worker"],
  ["updating", "destroying", "worker"],
  ["hibernating", "destroying", "worker"],
  ["hibernated", "destroying", "worker"],
  ["resuming", "destroying", "worker"],
  ["failed", "destroying", "worker"],
  ["failed_permanent", "destroying", "worker"],
  ["timed_out", "destroying", "worker"],
  ["destroying", "destroyed", "worker"],
  ["destroying", "destroy_failed", "worker"],
  ["destroy_failed", "destroying", "worker"],
  // Something of it was seen after all: it is destroyed again.
  ["destroyed", "destroying", "worker"],
];

const allowed = new Set(TRANSITIONS.map(([from, to]) => `${from}>${to}`));

export const canMove = (from: LabState, to: LabState): boolean => allowed.has(`${from}>${to}`);

/** The state a lab enters when a job of this kind is claimed for it. */
export const workingState = {
  provision: "provisioning",
  update: "updating",
  destroy: "destroying",
} as const satisfies Record<JobKind, LabState>;

/** Everything but `destroyed`: it exists, may exist, or will. */
export const isLive = (state: LabState): boolean => state !== "destroyed";
