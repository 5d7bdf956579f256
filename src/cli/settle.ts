import { setTimeout as pause } from "node:timers/promises";
import type { FailureRecord } from "../core/types.ts";
import { LabkeeperError } from "../errors.ts";
import type { ReadStore, Reporter } from "../ports.ts";
import type { ReconcileDeps, Reconciled } from "../reconcile.ts";
import type { Edges } from "../wire.ts";
import type { CommandContext } from "./context.ts";

export interface FailedLab {
  readonly lab: string;
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** How long somebody else's cycle is made way for, milliseconds. */
const PATIENCE = 15_000;

/** One cycle, made anew while another process's cycle gets in between. */
export const cycle = async (deps: ReconcileDeps, dryRun: boolean, signal: AbortSignal): Promise<Reconciled> => {
  const { reconcile } = await import("../reconcile.ts");
  const deadline = deps.clock.monotonic() + PATIENCE;
  for (;;) {
    try {
      return await reconcile(deps, { dryRun, signal });
    } catch (error) {
      const another = error instanceof LabkeeperError && error.code === "LK3005";
      if (!another || deps.clock.monotonic() > deadline) throw error;
    }
    await pause(50 + Math.random() * 200, undefined, { signal });
  }
};

interface Worked {
  /** Labs that failed for good. */
  readonly failed: readonly string[];
  /** Whether a lab is gone that the catalog may want anew. */
  readonly destroyed: boolean;
}

/** Works the queue, anybody's jobs included, until it is empty but for destroys that keep failing. */
const workQueue = async (edges: Edges, context: CommandContext): Promise<Worked> => {
  const [{ startWorker }, { createProgress }] = await Promise.all([import("../worker.ts"), import("./progress.ts")]);
  using progress = createProgress({ write: context.note, colours: context.noteColours, columns: context.noteColumns });
  const errors = new Set<string>();
  let destroyed = false;
  const reporter: Reporter = {
    planned: (plan, applied) => progress.planned(plan, applied),
    jobStarted: (job) => progress.jobStarted(job),
    step: (job, step) => progress.step(job, step),
    progress: (job, phase, percent) => progress.progress(job, phase, percent),
    jobEnded: (job, outcome) => {
      if (outcome.kind === "destroyed") destroyed = true;
      progress.jobEnded(job, outcome);
    },
  };
  const deps = await edges.workerDeps(reporter, (error) => {
    const message = error instanceof Error ? error.message : String(error);
    if (!errors.has(message)) context.note(`${context.noteColours.yellow("warning:")} ${message}`);
    errors.add(message);
  });
  const worker = await startWorker(deps, edges.workerOptions());
  const stop = (): void => void worker.stop();
  context.signal.addEventListener("abort", stop, { once: true });
  if (context.signal.aborted) stop();
  const { failed } = await worker.drained();
  await worker.stop();
  context.signal.removeEventListener("abort", stop);
  return { failed, destroyed };
};

const asFailed = (lab: string, failure: FailureRecord | null): readonly FailedLab[] =>
  failure === null ? [] : [{ lab, code: failure.code, message: failure.message, remedy: failure.remedy }];

/** Labs that failed and did not come to be in a later round, and those whose destroy keeps failing. */
const failures = async (store: ReadStore, names: ReadonlySet<string>): Promise<readonly FailedLab[]> => {
  const found = await Promise.all(
    [...names].map(async (name) => asFailed(name, (await store.lab(name))?.lab.failure ?? null)),
  );
  // Jobs of such destroys are all that may be left of a worked queue; their labs may have successors of the same name.
  const labs = (await store.queue()).queued === 0 ? [] : await store.labs(true);
  const stuck = labs.flatMap(({ lab }) => (lab.state === "destroy_failed" ? asFailed(lab.name, lab.failure) : []));
  const byName = new Map([...found.flat(), ...stuck].map((entry) => [entry.lab, entry]));
  return [...byName.values()].sort((a, b) => (a.lab < b.lab ? -1 : 1));
};

/** A replaced lab takes two rounds, one more tells that nothing is left; what never settles must not hold a caller. */
const MOST_ROUNDS = 5;

/**
 * Works the queue and reconciles again while that may bring more, until what the catalog says is there or has failed.
 * Answers the cycles after the first that changed something, and the labs that failed.
 */
export const settle = async (
  edges: Edges,
  context: CommandContext,
  deps: ReconcileDeps,
  first: Reconciled,
  onPlan: (next: Reconciled) => Promise<void>,
): Promise<{ readonly last: Reconciled; readonly failed: readonly FailedLab[] }> => {
  const { signal } = context;
  const failed = new Set<string>();
  let last = first;
  for (let round = 1; !signal.aborted; round++) {
    const worked = await workQueue(edges, context);
    for (const lab of worked.failed) failed.add(lab);
    const more = worked.destroyed || (last.applied?.enqueued ?? 0) > 0 || (last.applied?.skipped.length ?? 0) > 0;
    if (signal.aborted || !more || round === MOST_ROUNDS) break;
    last = await cycle(deps, false, signal);
    if ((last.applied?.enqueued ?? 0) === 0) break;
    await onPlan(last);
  }
  signal.throwIfAborted();
  return { last, failed: await failures(await edges.store(), failed) };
};
