import { setTimeout as delay } from "node:timers/promises";
import { LabkeeperError } from "./errors.ts";
import type { ClaimedJob, JobOutcome, WorkStore } from "./ports.ts";

/** Between two tries, milliseconds: a connection that was cut is replaced at once, a server that restarts takes a while. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 2_000;

/**
 * Records how a run ended, and while the database cannot be reached tries again for as long as the lease is held. Giving
 * up would lose a lease of a worker that lives: the work would wait for its end, and be done once more.
 * @throws LK4001 once the lease is lost or the process leaves · LK4004, also when an earlier try was recorded and only its
 * answer was lost · whatever else `finish` rejects with
 */
export async function recordOutcome(
  { finish }: Pick<WorkStore, "finish">,
  job: ClaimedJob,
  outcome: JobOutcome,
  { lost, leaving }: { readonly lost: AbortSignal; leaving(): boolean },
): Promise<void> {
  for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    try {
      await finish(job, outcome);
      return;
    } catch (error) {
      const isPassing = error instanceof LabkeeperError && error.code === "LK4001";
      if (!isPassing || lost.aborted || leaving()) throw error;
      await delay(pause, undefined, { signal: lost }).catch(() => undefined);
      if (lost.aborted) throw error;
    }
  }
}
