/** Story 8: a catalog's past, lived through again by a labkeeper whose clouds, clock and database are not real. */

import { setTimeout as delay } from "node:timers/promises";
import type { CatalogHistory, CatalogSource } from "./catalog-ports.ts";
import { type Rehearsal, type RehearsedHold, rehearsalOf } from "./core/rehearsal.ts";
import type { JobKind } from "./core/types.ts";
import type { ClaimedJob, LeaseStore, QueueLimits, ReconcileStore, WorkStore } from "./ports.ts";
import { type ReconcileDeps, reconcile } from "./reconcile.ts";
import type { RehearsalStore } from "./rehearsal-ports.ts";
import type { RehearsedTime } from "./rehearsed-time.ts";
import { type WorkDeps, work } from "./work.ts";

export interface RehearseDeps {
  readonly catalog: CatalogSource & CatalogHistory;
  readonly store: ReconcileStore & WorkStore & LeaseStore;
  readonly rehearsal: RehearsalStore;
  readonly reconcile: Omit<ReconcileDeps, "catalog" | "store" | "clock">;
  readonly work: Omit<WorkDeps, "store" | "clock">;
  readonly time: RehearsedTime;
  readonly concurrency: number;
  readonly destroyConcurrency: number;
  readonly limits: QueueLimits;
  /** Told of each commit before it is replayed. */
  onCommit(at: Date, number: number, of: number): void;
}

/** Guards and budgets look at time even when nothing is merged. Milliseconds. */
const LONGEST_QUIET = 6 * 3_600_000;
/** One process, whose time is moved by hand: no lease of its ends unless it says so. Seconds. */
const LEASE_SECONDS = 365 * 24 * 3_600;

/** Replays what was merged since then, up to `until`. Changes nothing outside of the throw-away database. */
export async function rehearse(
  deps: RehearseDeps,
  { since, until, signal }: { readonly since: Date; readonly until: Date; readonly signal: AbortSignal },
): Promise<Rehearsal> {
  const commits = await deps.catalog.commitsSince(await deps.catalog.head(signal), since);
  const run = beginRehearsal(deps, signal);
  for (const [index, { commit, at }] of commits.entries()) {
    signal.throwIfAborted();
    deps.onCommit(at, index + 1, commits.length);
    await run.liveUntil(at < since ? since : at);
    run.merged(commit);
    await run.cycle();
  }
  await run.liveUntil(until);
  return rehearsalOf({
    from: since,
    to: until,
    commits: commits.length,
    labs: await deps.rehearsal.lived(),
    failures: await deps.rehearsal.failures(),
    ...run.facts(),
  });
}

function beginRehearsal(deps: RehearseDeps, signal: AbortSignal) {
  const { store, rehearsal, time } = deps;
  const active = new Set<Promise<unknown>>();
  const seenJobs = new Set<string>();
  const waits: { readonly job: JobKind; readonly seconds: number }[] = [];
  const holds = new Map<string, RehearsedHold>();
  const refused = new Map<string, number>();
  let head = "";
  let moved = false;
  let failure: { readonly error: unknown } | null = null;
  const destroying = new Set<string>();

  const run = (job: ClaimedJob): void => {
    if (job.kind === "destroy") destroying.add(job.id);
    const running = work({ ...deps.work, store, clock: time.clock }, job, { signal, leaving: () => false })
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => {
        active.delete(running);
        destroying.delete(job.id);
        // A lab that is gone may be wanted anew.
        if (job.kind === "destroy") moved = true;
      });
    active.add(running);
  };

  const claim = async (): Promise<boolean> => {
    const slots = Math.max(0, deps.concurrency - (active.size - destroying.size));
    const destroySlots = Math.max(0, deps.concurrency + deps.destroyConcurrency - active.size - slots);
    if (slots + destroySlots === 0) return false;
    const { limits } = deps;
    const jobs = await store.claim({ worker: "rehearsal", slots, destroySlots, leaseSeconds: LEASE_SECONDS, limits });
    const since = await rehearsal.runnableSince(jobs.map(({ id }) => id));
    for (const job of jobs) {
      const queuedAt = since.get(job.id);
      if (queuedAt !== undefined && !seenJobs.has(job.id)) {
        const seconds = Math.max(0, (time.clock.now().getTime() - queuedAt.getTime()) / 1000);
        waits.push({ job: job.kind, seconds });
      }
      seenJobs.add(job.id);
      run(job);
    }
    return jobs.length > 0;
  };

  const cycle = async (): Promise<void> => {
    moved = false;
    if (head === "") return;
    const catalog = { ...deps.catalog, head: async () => head };
    const { plan } = await reconcile(
      { ...deps.reconcile, catalog, store, clock: time.clock },
      { dryRun: false, signal },
    );
    for (const { lab, action, held } of plan.changes) {
      if (held === null || holds.has(held.hold)) continue;
      holds.set(held.hold, { commit: head, at: time.clock.now(), guard: held.guard, lab, action });
    }
    if (plan.problems.length > 0 && !refused.has(head)) refused.set(head, plan.problems.length);
  };

  /** Everything that can happen at this moment has happened: who works sleeps, and nothing more can be claimed. */
  const settle = async (): Promise<void> => {
    for (;;) {
      while (time.asleep() < active.size) await delay(1);
      if (failure !== null) throw failure.error;
      signal.throwIfAborted();
      if (moved) await cycle();
      else if (!(await claim())) return;
    }
  };

  const moveTo = async (at: Date): Promise<void> => {
    await rehearsal.setTime(at);
    await time.moveTo(at);
  };

  const liveUntil = async (until: Date): Promise<void> => {
    for (;;) {
      await settle();
      const now = time.clock.now();
      const waking = time.nextWaking();
      const moment = await rehearsal.nextMoment();
      const quiet = new Date(now.getTime() + LONGEST_QUIET);
      const next = Math.min(...[waking, moment, quiet, until].flatMap((each) => each?.getTime() ?? []));
      await moveTo(new Date(next));
      if (next === until.getTime()) return await settle();
      if (next !== waking?.getTime()) await cycle();
    }
  };

  return {
    cycle,
    liveUntil,
    merged: (commit: string): void => {
      head = commit;
    },
    facts: () => ({
      waits,
      holds: [...holds.values()],
      refused: [...refused].map(([commit, problems]) => ({ commit, problems })),
    }),
  };
}
