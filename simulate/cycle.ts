/** Reconcilers and janitors of a step, which may die or stand still like workers. */

import { join } from "node:path";
import { sweep } from "../src/janitor.ts";
import { folderWorkspace } from "../src/local/workspace.ts";
import { reconcile } from "../src/reconcile.ts";
import type { Store } from "../src/store/open.ts";
import type { Fate, Mortal, Occupation } from "./fate.ts";
import { comeToAnEnd, newProcess, spared, sufferings } from "./labour.ts";
import type { Simulation } from "./simulation.ts";
import { tolerated } from "./tolerated.ts";
import { provisionerOf } from "./weather.ts";

interface Going {
  readonly process: Mortal;
  readonly done: Promise<void>;
  close(): Promise<void>;
}

/** Also of one that lives: a connection that was cut may have kept it from giving its lease back. */
const leasesRunOut = (sim: Simulation, { name }: Mortal): Promise<unknown> =>
  sim.sql("update leases set expires_at = clock_timestamp() where holder = $1 and expires_at > clock_timestamp()", [
    name,
  ]);

/** Resolves when it is done, or can do nothing more for now. Its leases then run out. */
async function begun(sim: Simulation, { process, done }: Going): Promise<void> {
  await Promise.race([done, process.stopped]);
  await leasesRunOut(sim, process);
}

async function end(sim: Simulation, { process, close, done }: Going): Promise<void> {
  await comeToAnEnd(sim, process, done);
  await close();
}

type Task = (process: Mortal, store: Store, signal: AbortSignal) => Promise<unknown>;

/** Looked at so often whether somebody has to stop what hangs, milliseconds. */
const LOOK_EVERY = 10;

async function start(sim: Simulation, kind: Occupation, fates: readonly Fate[], task: Task): Promise<Going> {
  const { process, store, close } = await newProcess(sim, kind, fates);
  const leave = new AbortController();
  const work = task(process, store, leave.signal).then(
    () => undefined,
    (error: unknown) => {
      if (!leave.signal.aborted) tolerated(sim, error);
    },
  );
  const watch = setInterval(() => {
    if (process.hanging.length > 0) leave.abort("shutdown");
  }, LOOK_EVERY);
  const done = work.finally(() => clearInterval(watch));
  return { process, close, done };
}

async function cycles(
  sim: Simulation,
  kind: Occupation,
  processes: readonly (readonly Fate[])[],
  task: Task,
): Promise<void> {
  const suffering = sufferings(sim, kind, processes);
  const all = await Promise.all(suffering.map((fates) => start(sim, kind, fates, task)));
  await Promise.all(all.map((each) => begun(sim, each)));
  // Another takes over from who stands still, before that one goes on with what it knew.
  if (all.some(({ process }) => process.state === "frozen")) {
    const other = await start(sim, kind, [], task);
    await begun(sim, other);
    await end(sim, other);
  }
  for (const each of all) {
    spared(sim, kind, each.process);
    await end(sim, each);
  }
}

export const cycle = (sim: Simulation, processes: readonly (readonly Fate[])[], dryRun = false): Promise<void> =>
  cycles(sim, "reconciler", processes, async (process, store) => {
    await sim.hosted?.conversation.learnOfMerges();
    await reconcile(
      {
        catalog: process.port("catalog", sim.catalog),
        store,
        artifacts: process.port("artifacts", sim.artifacts),
        shippedProfiles: sim.shippedProfiles,
        clock: { now: sim.now, monotonic: () => performance.now() },
        reporter: sim.reporter,
        holder: process.name,
        requireReview: sim.hosted !== null,
      },
      { dryRun },
    );
  });

/** So late that every receipt is due to be looked at again. */
export const WEEKS = 15 * 24 * 3_600_000;

export const janitors = (sim: Simulation, processes: readonly (readonly Fate[])[]): Promise<void> =>
  forgetting(sim, () => sweepers(sim, processes));

/** Those of weeks later forget deliveries. */
export const forgetting = (sim: Simulation, work: () => Promise<void>): Promise<void> =>
  sim.hosted?.deliveries.forgetting(work) ?? work();

const sweepers = (sim: Simulation, processes: readonly (readonly Fate[])[]): Promise<void> =>
  cycles(sim, "janitor", processes, (process, store, signal) =>
    sweep(
      {
        store,
        provisioners: new Map([["simulated", provisionerOf(sim, process)]]),
        inventory: null,
        artifacts: process.port("artifacts", sim.artifacts),
        artifactRetentionDays: 365,
        workspace: process.port("workspace", folderWorkspace(join(sim.folder, "work", process.name))),
        clock: { now: () => new Date(sim.now().getTime() + WEEKS), monotonic: () => performance.now() },
        holder: process.name,
      },
      signal,
    ),
  );

export const janitor = (sim: Simulation, fates: readonly Fate[]): Promise<void> => janitors(sim, [fates]);
