/** Story 1: what the catalog says, what is recorded, the difference, and what may be done about it. */

import { randomUUID } from "node:crypto";
import type { CatalogSource } from "./catalog-ports.ts";
import { adopting, namesWithoutLab } from "./core/adoption.ts";
import { guard } from "./core/guard.ts";
import { readLabFile } from "./core/lab-file.ts";
import { makePlan, refusedPlan } from "./core/plan.ts";
import { readPolicy } from "./core/policy.ts";
import type { PullRequest } from "./core/pull-request.ts";
import type { CatalogEntry, CatalogPolicy, Plan } from "./core/types.ts";
import { recallLabs } from "./execute/recall-labs.ts";
import { asLeader } from "./leadership.ts";
import type {
  Applied,
  ArtifactStore,
  Clock,
  DesiredChanges,
  LeaseStore,
  ReconcileStore,
  Reporter,
  Revision,
} from "./ports.ts";

export interface ReconcileDeps {
  readonly catalog: CatalogSource;
  readonly store: ReconcileStore & LeaseStore;
  /** Remember labs that the records do not know after an older backup was restored. Only read. */
  readonly artifacts: Pick<ArtifactStore, "list" | "get">;
  readonly shippedProfiles: readonly CatalogEntry[];
  readonly clock: Clock;
  readonly reporter: Reporter;
  /** Names this process where it holds a lease. */
  readonly holder: string;
  /** Only what the plan of a merged pull request showed may end by a commit. False where nobody looks at pull requests. */
  readonly requireReview: boolean;
  /** What a real run would have recorded first: merges that a dry run only heard of. Absent: none. */
  readonly mergedMeanwhile?: readonly PullRequest[];
}

export interface Reconciled {
  readonly plan: Plan;
  /** Null when nothing was applied: a dry run, or a catalog whose policy cannot be read. */
  readonly applied: Applied | null;
}

/**
 * One cycle, from fetching to queueing. Level-triggered: it reads everything anew, so it may run at any time, any
 * number of times. A catalog that cannot be read rejects with LK1001–LK1005 and changes nothing (promise P1).
 */
export async function reconcile(
  deps: ReconcileDeps,
  { dryRun, signal }: { readonly dryRun: boolean; readonly signal?: AbortSignal },
): Promise<Reconciled> {
  const { catalog, store } = deps;
  const commit = await catalog.head(signal);
  const previous = await store.revision();
  const { policy, problems } = readPolicy(await catalog.policyFiles(commit), deps.shippedProfiles);
  if (policy === null) return { plan: refusedPlan(commit, previous?.commit ?? null, problems), applied: null };

  const desired = await desiredChanges(catalog, policy, previous, commit);
  const now = deps.clock.now();
  const { comparisons, unchanged, facts } = await store.compare(
    { ...desired, mergedMeanwhile: deps.mergedMeanwhile ?? [] },
    now,
    policy.guards.windowHours,
  );
  const historyRewritten = previous !== null && !(await catalog.isAncestor(previous.trustedCommit, commit));

  const difference = makePlan({
    comparisons,
    policy,
    commit,
    previousCommit: previous?.commit ?? null,
    problems,
    unchanged,
    now,
  });
  const wanted = adopting(difference, await recallLabs(deps.artifacts, store, namesWithoutLab(difference)));
  const reviewedDestroys = deps.requireReview ? (facts.reviewedDestroys ?? new Set<string>()) : null;
  const plan = guard(wanted, { ...facts, historyRewritten, reviewedDestroys }, policy, now);
  if (dryRun) return { plan, applied: null };

  const applied = await asLeader(deps, (lease) =>
    store.apply(
      {
        plan,
        desired,
        previous,
        trustedCommit: previous && historyRewritten && isHeldForHistory(plan) ? previous.trustedCommit : commit,
        teams: [...policy.teams.values()],
        now,
        correlationId: randomUUID(),
      },
      lease,
    ),
  );
  deps.reporter.planned(plan, applied);
  return { plan, applied };
}

/** Reads what changed since the last revision; all of it when the policy that judges the files changed. */
async function desiredChanges(
  catalog: CatalogSource,
  policy: CatalogPolicy,
  previous: Revision | null,
  commit: string,
): Promise<DesiredChanges> {
  const from = previous?.policyDigest === policy.digest ? previous.commit : null;
  const { entries, complete } = await catalog.labChanges(from, commit);
  const removed = entries.flatMap((entry) => (entry.kind === "removed" ? [entry.path] : []));
  const files = entries.flatMap((entry) => (entry.kind === "removed" ? [] : [readLabFile(entry, policy)]));
  return { commit, policyDigest: policy.digest, files, removed, complete };
}

/** New history is trusted once nothing waits for a person because of it; an empty catalog is held before history is. */
const isHeldForHistory = (plan: Plan): boolean =>
  plan.changes.some(({ held }) => held?.guard === "history-rewritten" || held?.guard === "catalog-empty");
