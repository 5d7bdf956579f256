/** Puts labs where a store test needs them, through the store's own doors. */

import { randomUUID } from "node:crypto";
import type { CatalogPolicy, DesiredFile, Plan } from "../../src/core/types.ts";
import type { ClaimedJob, DesiredChanges, Lease, QueueLimits } from "../../src/ports.ts";
import type { Store } from "../../src/store/open.ts";
import { aPolicy, planOf, wholeCatalog } from "../fixtures.ts";

export const UNLIMITED: QueueLimits = {
  jobs: 1_000,
  creates: 1_000,
  createsPerTeam: 1_000,
  createsPerAccountRegion: 1_000,
};

export async function leader(store: Store, resource = "reconciler"): Promise<Lease> {
  const lease = await store.acquire(resource, "test", 60);
  if (!lease) throw new Error(`the lease on ${resource} is held`);
  return lease;
}

/** What only the janitor may write. */
export async function asJanitor<T>(store: Store, write: (lease: Lease) => Promise<T>): Promise<T> {
  const lease = await leader(store, "janitor");
  try {
    return await write(lease);
  } finally {
    await store.release(lease);
  }
}

/** One cycle without guards: compares, plans, applies. */
export async function applyCatalog(
  store: Store,
  desired: readonly DesiredFile[] | DesiredChanges,
  options: { policy?: CatalogPolicy; now?: Date; hold?: (plan: Plan) => Plan } = {},
): Promise<{ plan: Plan; enqueued: number; skipped: readonly string[] }> {
  const changes = "files" in desired ? desired : wholeCatalog(desired);
  const policy = options.policy ?? aPolicy();
  const now = options.now ?? new Date();
  const { comparisons } = await store.compare(changes, now, 24);
  const draft = planOf(comparisons, { policy, commit: changes.commit, now });
  const plan = options.hold ? options.hold(draft) : draft;
  const lease = await leader(store);
  const applied = await store.apply(
    {
      plan,
      desired: changes,
      previous: await store.revision(),
      trustedCommit: changes.commit,
      teams: [...policy.teams.values()],
      now,
      correlationId: randomUUID(),
    },
    lease,
  );
  await store.release(lease);
  return { plan, ...applied };
}

export const claimAll = (
  store: Store,
  worker = "worker-1",
  limits: QueueLimits = UNLIMITED,
  slots = 1_000,
): Promise<readonly ClaimedJob[]> => store.claim({ worker, slots, destroySlots: 0, leaseSeconds: 60, limits });

export async function claimOne(store: Store, worker = "worker-1", leaseSeconds = 60): Promise<ClaimedJob> {
  const [job] = await store.claim({ worker, slots: 1, destroySlots: 0, leaseSeconds, limits: UNLIMITED });
  if (!job) throw new Error("nothing to claim");
  return job;
}

/** Drives queued provisions to ready. */
export async function makeReady(store: Store): Promise<readonly ClaimedJob[]> {
  const jobs = await claimAll(store);
  for (const job of jobs) {
    await store.recordIntent(job, { infraId: `${job.lab.name}-x1` });
    await store.finish(job, { kind: "provisioned", outputs: { apiUrl: "https://api.example.com" } });
  }
  return jobs;
}

export const absences = (n = 2) => ({
  provisioner: "simulated",
  observations: Array.from({ length: n }, () => ({
    at: new Date().toISOString(),
    verdict: "absent" as const,
    evidence: ["nothing there"],
  })),
});
