/** Keeps a process's hands full: claims jobs, holds their leases, and gives them back in order. */

import { setImmediate as nextTurn } from "node:timers/promises";
import PQueue from "p-queue";
import type { ClaimedJob, JobOutcome, Lease, LeaseStore, QueueLimits, WorkStore } from "./ports.ts";
import { type StopReason, type WorkDeps, work } from "./work.ts";

export interface WorkerOptions {
  /** Names this worker where it holds a lease. */
  readonly name: string;
  readonly concurrency: number;
  /** More places that only destroys may take. */
  readonly destroyConcurrency: number;
  readonly leaseSeconds: number;
  readonly heartbeatSeconds: number;
  /** The fallback when nobody wakes us, milliseconds. */
  readonly pollMs: number;
  /** How long running steps may take to reach a durable point on the way out, milliseconds. */
  readonly drainMs: number;
  readonly limits: QueueLimits;
}

export interface WorkerDeps extends WorkDeps {
  readonly store: WorkDeps["store"] & WorkStore & LeaseStore;
  /** A claim or heartbeat that failed; the worker goes on. */
  onError(error: unknown): void;
}

export interface Worker {
  /** Resolves when nothing is left to do, or the worker stopped; answers the labs that failed for good meanwhile. */
  drained(): Promise<{ readonly failed: readonly string[] }>;
  /** Orderly end: claims no more, lets steps reach a durable point, then interrupts, releases everything. */
  stop(): Promise<void>;
}

interface Active {
  readonly job: ClaimedJob;
  readonly abort: AbortController;
  /** Beside `abort`, which tells only the first reason: what is being interrupted may lose its lease meanwhile. */
  readonly lost: AbortController;
  /** When its lease was last asked for, by the monotonic clock: it lasts from then on, at least. */
  askedAt: number;
}

/** Destroys are never dead; after this many attempts a waiting caller is told that they fail. */
const STUCK_AFTER = 3;
/** Or when the next attempt is further off than this. */
const STUCK_WAIT_MS = 300_000;

export async function startWorker(deps: WorkerDeps, options: WorkerOptions): Promise<Worker> {
  const { store, clock } = deps;
  const places = options.concurrency + options.destroyConcurrency;
  const queue = new PQueue({ concurrency: places });
  const active = new Map<string, Active>();
  const failed = new Set<string>();
  const waiters: ((result: { failed: readonly string[] }) => void)[] = [];
  let leaving = false;
  let claiming: Promise<void> | null = null;
  let again = false;
  let timer: NodeJS.Timeout | null = null;
  let renewedAt = clock.monotonic();

  const patienceMs = Math.max(options.heartbeatSeconds, options.leaseSeconds - 2 * options.heartbeatSeconds) * 1_000;
  /**
   * Asked for so long ago that it may end before the next heartbeat: by this host's monotonic clock, so also when a claim
   * or renewal hangs or the process was paused. Then stop acting before the database gives the job away.
   */
  const isOverdue = (askedAt: number): boolean => clock.monotonic() - askedAt > patienceMs;

  const stop = ({ abort, lost }: Active, reason: StopReason): void => {
    abort.abort(reason);
    if (reason === "lease-lost") lost.abort();
  };
  const stopAll = (reason: StopReason): void => {
    for (const each of active.values()) stop(each, reason);
  };

  const run = async ({ job, abort, lost }: Active): Promise<void> => {
    try {
      note(job, await work(deps, job, { signal: abort.signal, lost: lost.signal, leaving: () => leaving }));
    } catch (error) {
      // Its outcome could not be recorded; the lease runs out and another worker looks at what is there.
      deps.onError(error);
    } finally {
      active.delete(job.id);
      pump();
    }
  };

  const note = (job: ClaimedJob, outcome: JobOutcome | null): void => {
    const stuck =
      outcome?.kind === "retry" &&
      job.kind === "destroy" &&
      (job.attempt >= STUCK_AFTER || outcome.retryAt.getTime() - clock.now().getTime() > STUCK_WAIT_MS);
    if (outcome?.kind === "dead" || stuck) failed.add(job.lab.name);
    else if (outcome?.kind === "provisioned" || outcome?.kind === "destroyed") failed.delete(job.lab.name);
  };

  const claim = async (): Promise<void> => {
    // Who cannot keep a lease takes none.
    if (isOverdue(renewedAt)) return;
    const slots = Math.max(0, options.concurrency - active.size);
    const destroySlots = places - active.size - slots;
    if (slots + destroySlots === 0) return;
    const askedAt = clock.monotonic();
    const jobs = await store.claim({
      worker: options.name,
      slots,
      destroySlots,
      leaseSeconds: options.leaseSeconds,
      limits: options.limits,
    });
    for (const job of jobs) {
      const one: Active = { job, abort: new AbortController(), lost: new AbortController(), askedAt };
      active.set(job.id, one);
      // The answer took so long that the lease is nearly over, or is: handed back untouched, if it still can be.
      if (isOverdue(askedAt)) stop(one, "shutdown");
      void queue.add(() => run(one));
    }
    // An answer that took long leaves little of the lease: it is asked for anew at once, not at the next heartbeat.
    if (jobs.length > 0 && clock.monotonic() - askedAt > options.heartbeatSeconds * 500)
      void heartbeat().catch(deps.onError);
    // A claim looks only so deep into each team's queue; while it finds something there may be more.
    if (jobs.length > 0 && active.size < options.concurrency) again = true;
    if (active.size === 0) await settle();
  };

  /** Nothing runs here: say so to whoever waits for the queue to be empty, and sleep until the next job is due. */
  const settle = async (): Promise<void> => {
    if (waiters.length > 0 && (await store.outstanding()) === 0) {
      for (const resolve of waiters.splice(0)) resolve({ failed: [...failed].sort() });
    }
  };

  /** Claims now, and once more if somebody asked meanwhile; one claim is in flight at a time. */
  const pump = (): void => {
    if (leaving) return;
    again = true;
    claiming ??= (async () => {
      while (again && !leaving) {
        again = false;
        // Jobs that one write finished free their places one after the other: a turn later a single claim fills them all.
        await nextTurn();
        await claim().catch(deps.onError);
      }
      claiming = null;
      await schedule();
    })();
  };

  const schedule = async (): Promise<void> => {
    if (leaving) return;
    const next = active.size === 0 ? await store.nextRunIn().catch(() => null) : null;
    if (leaving) return;
    if (timer) clearTimeout(timer);
    timer = setTimeout(
      pump,
      Math.max(1, Math.min(options.pollMs, next === null || next === 0 ? options.pollMs : next)),
    );
  };

  const checkCancels = async (): Promise<void> => {
    if (active.size === 0) return;
    for (const id of await store.cancelRequested([...active.keys()]))
      active.get(id)?.abort.abort("cancelled" satisfies StopReason);
  };

  const heartbeat = async (): Promise<void> => {
    const held: Lease[] = [...active.values()].map(({ job }) => job.lease);
    const startedAt = clock.monotonic();
    const kept = await store.renew(held, options.leaseSeconds);
    renewedAt = startedAt;
    const keptResources = new Set(kept.map(({ resource }) => resource));
    const asked = new Set(held.map(({ resource }) => resource));
    for (const one of active.values()) {
      const { resource } = one.job.lease;
      if (keptResources.has(resource)) one.askedAt = startedAt;
      else if (asked.has(resource)) stop(one, "lease-lost");
    }
    await checkCancels();
  };

  // Looked at more often than it is renewed: what is stopped needs some of the time that is left to end.
  const watch = setInterval(() => {
    for (const one of active.values()) if (isOverdue(one.askedAt)) stop(one, "lease-lost");
  }, options.heartbeatSeconds * 200);
  let beating = false;
  const beat = setInterval(() => {
    if (beating) return;
    beating = true;
    heartbeat()
      .catch(deps.onError)
      .finally(() => {
        beating = false;
      });
  }, options.heartbeatSeconds * 1_000);

  const wake = (): void => {
    pump();
    checkCancels().catch(deps.onError);
  };
  const listening = await store.onWork(wake);
  pump();

  return {
    drained() {
      return new Promise((resolve) => {
        waiters.push(resolve);
        pump();
      });
    },
    async stop() {
      if (leaving) return queue.onIdle();
      leaving = true;
      if (timer) clearTimeout(timer);
      const impatience = setTimeout(() => stopAll("shutdown"), options.drainMs);
      // What a claim under way brings is handed back at once, because we are leaving.
      await claiming;
      await queue.onIdle();
      clearTimeout(impatience);
      clearInterval(beat);
      clearInterval(watch);
      for (const resolve of waiters.splice(0)) resolve({ failed: [...failed].sort() });
      await listening[Symbol.asyncDispose]();
    },
  };
}
