/** What the catalog's branch would do as it is, and as a pull request would leave it: planned, never applied. */

import type { CatalogSource } from "./catalog-ports.ts";
import { guard } from "./core/guard.ts";
import type { GuardFacts } from "./core/guard-facts.ts";
import { readLabFile } from "./core/lab-file.ts";
import { makePlan, refusedPlan } from "./core/plan.ts";
import { readPolicy } from "./core/policy.ts";
import type { CatalogEntry, CatalogPolicy, Comparison, Plan, Problem } from "./core/types.ts";
import type { Proposal } from "./github-ports.ts";
import type { Clock, DesiredChanges, ReconcileStore, Revision } from "./ports.ts";

export interface PlanningDeps {
  readonly catalog: CatalogSource;
  readonly store: Pick<ReconcileStore, "revision" | "compare">;
  readonly shippedProfiles: readonly CatalogEntry[];
  readonly clock: Clock;
}

export interface Planned {
  /** Null when it cannot be used; the plan then changes nothing and says why. */
  readonly policy: CatalogPolicy | null;
  readonly plan: Plan;
  readonly facts: GuardFacts;
}

/** The branch as it is, over the records as they are: what pull requests are compared with. */
export interface PlannedBase extends Planned {
  readonly commit: string;
  readonly recorded: Revision | null;
  /** What differs from what is recorded, by the branch's own policy. */
  readonly changes: Changes;
  /** Every lab file of the branch, read when first asked for. */
  whole(): Promise<readonly CatalogEntry[]>;
  readonly historyRewritten: boolean;
  readonly now: Date;
}

interface Changes {
  readonly entries: readonly CatalogEntry[];
  readonly complete: boolean;
}

/** Fetches the branch and plans it. Rejects as `reconcile` does when it cannot be read. */
export async function planBase(deps: PlanningDeps, signal?: AbortSignal): Promise<PlannedBase> {
  const { catalog, store } = deps;
  const commit = await catalog.head(signal);
  const recorded = await store.revision();
  const { policy, problems } = readPolicy(await catalog.policyFiles(commit), deps.shippedProfiles);
  const from = policy !== null && recorded?.policyDigest === policy.digest ? recorded.commit : null;
  const changes = await catalog.labChanges(from, commit);
  const historyRewritten = recorded !== null && !(await catalog.isAncestor(recorded.trustedCommit, commit));
  const around: Around = { commit, recorded, historyRewritten, now: deps.clock.now() };
  let all: Promise<readonly CatalogEntry[]> | null = changes.complete ? Promise.resolve(changes.entries) : null;
  const whole = (): Promise<readonly CatalogEntry[]> => {
    all ??= catalog.labChanges(null, commit).then(({ entries }) => entries);
    return all;
  };
  return { ...around, ...(await judge(store, around, { policy, problems, ...changes })), changes, whole };
}

/** The same records at the same time, with the branch as a merge of the proposal would leave it. */
export async function planProposal(
  deps: PlanningDeps,
  base: PlannedBase,
  proposal: Proposal,
  link: (comparison: Comparison) => Comparison,
): Promise<Planned> {
  const { policy, problems } = readPolicy(proposal.policyFiles, deps.shippedProfiles);
  // Files that were judged by another policy say nothing: then all of them are read anew.
  const same = policy !== null && policy.digest === base.policy?.digest;
  const under = same ? base.changes : { entries: await base.whole(), complete: true };
  const entries = [...new Map([...under.entries, ...proposal.labs].map((entry) => [entry.path, entry])).values()];
  const proposed = { policy, problems, entries, complete: under.complete };
  return await judge(deps.store, { ...base, commit: proposal.head }, proposed, link);
}

/** Whether what is recorded is still what a base was planned on: else its differences belong to somebody else. */
export async function isCurrent({ store }: PlanningDeps, { recorded }: PlannedBase): Promise<boolean> {
  const now = await store.revision();
  return now?.commit === recorded?.commit && now?.policyDigest === recorded?.policyDigest;
}

type Around = Pick<PlannedBase, "commit" | "recorded" | "historyRewritten" | "now">;

interface Desired extends Changes {
  readonly policy: CatalogPolicy | null;
  readonly problems: readonly Problem[];
}

const NOTHING_KNOWN: GuardFacts = {
  liveLabs: 0,
  liveLabsByTeam: new Map(),
  monthlyCostByTeam: new Map(),
  recentDestroys: 0,
  catalogFiles: 0,
  historyRewritten: false,
  approvedHolds: new Set(),
};

async function judge(
  store: Pick<ReconcileStore, "compare">,
  { commit, recorded, historyRewritten, now }: Around,
  { policy, problems, entries, complete }: Desired,
  link: (comparison: Comparison) => Comparison = (comparison) => comparison,
): Promise<Planned> {
  const previousCommit = recorded?.commit ?? null;
  if (policy === null) {
    return { policy, plan: refusedPlan(commit, previousCommit, problems), facts: NOTHING_KNOWN };
  }
  const desired: DesiredChanges = {
    commit,
    policyDigest: policy.digest,
    files: entries.flatMap((entry) => (entry.kind === "removed" ? [] : [readLabFile(entry, policy)])),
    removed: entries.flatMap((entry) => (entry.kind === "removed" ? [entry.path] : [])),
    complete,
  };
  const compared = await store.compare(desired, now, policy.guards.windowHours);
  const comparisons = compared.comparisons.map(link);
  const { unchanged } = compared;
  const wanted = makePlan({ comparisons, policy, commit, previousCommit, problems, unchanged, now });
  // Whether a destroy was reviewed is asked of what was merged; here it is being reviewed.
  const facts = { ...compared.facts, historyRewritten, reviewedDestroys: null };
  return { policy, plan: guard(wanted, facts, policy, now), facts };
}
