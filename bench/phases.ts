import { performance } from "node:perf_hooks";
import type { ReconcileDeps } from "../src/reconcile.ts";

export const PHASES = ["fetch", "policy", "diff", "parse", "compare", "plan", "apply"] as const;
export type Phase = (typeof PHASES)[number];
export type PhaseTimes = Record<Phase, number>;

/**
 * Reads a cycle's phases off the calls it makes: each call that begins one ends the one before, so the times add up to
 * the whole. Parsing happens between reading what changed and comparing, planning between comparing and the lease.
 */
export function watchPhases(deps: ReconcileDeps): { readonly deps: ReconcileDeps; finish(): PhaseTimes } {
  const times = Object.fromEntries(PHASES.map((phase) => [phase, 0])) as PhaseTimes;
  let phase: Phase = "fetch";
  let since = performance.now();
  const enter = (next: Phase): void => {
    const now = performance.now();
    times[phase] += now - since;
    phase = next;
    since = now;
  };
  const during = async <T>(during: Phase, work: () => Promise<T>, after: Phase): Promise<T> => {
    enter(during);
    const result = await work();
    enter(after);
    return result;
  };
  const { catalog, store } = deps;
  return {
    deps: {
      ...deps,
      catalog: {
        ...catalog,
        policyFiles: (commit) => during("policy", () => catalog.policyFiles(commit), "policy"),
        labChanges: (from, to) => during("diff", () => catalog.labChanges(from, to), "parse"),
      },
      store: {
        ...store,
        compare: (...args) => during("compare", () => store.compare(...args), "plan"),
        acquire: (...args) => during("apply", () => store.acquire(...args), "apply"),
      },
    },
    finish() {
      enter("fetch");
      return times;
    },
  };
}
