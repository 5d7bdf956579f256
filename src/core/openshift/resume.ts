/** What to do with an install that may have been begun before, by a run that nobody heard of again. */

import type { Stage } from "./progress.ts";

export interface Remains {
  /** Whether its install state can be had back. */
  readonly kept: boolean;
  /** How far an earlier `create cluster` is known to have come; null: it was never begun, so nothing was made. */
  readonly stage: Stage | null;
  /** How often the installer itself gave up on this cluster. */
  readonly failures: number;
  /** Whether the cluster may still become ready after the last of these failures. */
  readonly mayFinish: boolean;
  readonly observed: "present" | "absent" | "unknown";
  /** Since its ignition configs were made. */
  readonly ageHours: number;
  /** Whether the lab's file asks for another cluster by now: it is fixed in the install state, and nobody uses it yet. */
  readonly outdated: boolean;
}

/**
 * create: begin, nothing was made yet · wait: the cluster may still finish · anew: remove what there is, under another
 * infraID begin again.
 */
export type Resume =
  | { readonly kind: "create" }
  | { readonly kind: "wait"; readonly from: "bootstrap" | "install" }
  | { readonly kind: "anew"; readonly destroy: boolean; readonly why: string };

/** Bootstrap certificates are valid for 24 h, and bootstrapping has to end before that. */
const IGNITION_HOURS = 22;
/** A cluster is waited for twice: `create cluster` itself, and once more. */
const PATIENCE = 2;

export function resume(remains: Remains): Resume {
  const { kept, stage, failures, mayFinish, observed, ageHours, outdated } = remains;
  const anew = (destroy: boolean, why: string): Resume => ({ kind: "anew", destroy, why });
  // Without it nobody knows whether anything was made.
  if (!kept) return anew(true, "its install state is lost");
  const old = ageHours >= IGNITION_HOURS;
  if (stage === null && outdated) return anew(false, "its file asks for another cluster now");
  if (stage === null) return old ? anew(false, "its ignition configs are too old") : { kind: "create" };
  // One look is no proof: what was made a moment ago may not be listed yet, and would live as long as the lab does.
  if (observed === "absent") return anew(true, "nothing of it is there any more");
  if (outdated) return anew(true, "its file asks for another cluster now");
  if (stage === "infrastructure") return anew(true, "it was interrupted while its infrastructure was made");
  if (failures >= PATIENCE) return anew(true, `the installer gave up on it ${failures} times`);
  if (failures > 0 && !mayFinish) return anew(true, "the installer gave up on it");
  if (stage === "bootstrap") {
    return old ? anew(true, "its bootstrap certificates have expired") : { kind: "wait", from: "bootstrap" };
  }
  return { kind: "wait", from: "install" };
}
