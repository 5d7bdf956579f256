/** Reconcilers and janitors of a step, which may die or stand still like workers. */

import { join } from "node:path";
import { sweep } from "../src/janitor.ts";
import { folderWorkspace } from "../src/local/workspace.ts";
import { reconcile } from "../src/reconcile.ts";
import type { Store } from "../src/store/open.ts";
import type { Fate, Mortal } from "./fate.ts";
import { newProcess } from "./labour.ts";
import type { Simulation } from "./simulation.ts";
import { tolerated } from "./tolerated.ts";
import { provisionerOf } from "./weather.ts";

interface Going {
  readonly process: Mortal;
  readonly store: Store;
  readonly done: Promise<void>;
}

/** Resolves when it is done, or can do nothing more for now. Its leases then run out. */
async function begun(sim: Simulation, { process, done }: Going): Promise<void> {
  await Promise.race([done, process.stopped]);
  // Also of one that lives: a connection that was cut may have kept it from giving its lease back.
  await sim.sql(
    "update leases set expires_at = clock_timestamp() where holder = $1 and expires_at > clock_timestamp()",
    [process.name],
  );
}

async function end(sim: Simulation, { process, store, done }: Going): Promise<void> {
  for (const kind of process.met) sim.fault(kind);
  if (process.state === "dead") process.bury();
  process.thaw();
  await done;
  await store.close();
}

type Task = (process: Mortal, store: Store) => Promise<unknown>;

async function start(sim: Simulation, kind: string, fates: readonly Fate[], task: Task): Promise<Going> {
  const { process, store } = await newProcess(sim, kind, fates);
  const done = task(process, process.port("store", store)).then(
    () => undefined,
    (error: unknown) => tolerated(sim, error),
  );
  return { process, store, done };
}

async function cycles(
  sim: Simulation,
  kind: string,
  processes: readonly (readonly Fate[])[],
  task: Task,
): Promise<void> {
  const all = await Promise.all(processes.map((fates) => start(sim, kind, fates, task)));
  await Promise.all(all.map((each) => begun(sim, each)));
  // Another takes over from who stands still, before that one goes on with what it knew.
  if (all.some(({ process }) => process.state === "frozen")) {
    const other = await start(sim, kind, [], task);
    await begun(sim, other);
    await end(sim, other);
  }
  for (const each of all) await end(sim, each);
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
const WEEKS = 15 * 24 * 3_600_000;

export const janitor = (sim: Simulation, fates: readonly Fate[]): Promise<void> =>
  cycles(sim, "janitor", [fates], (process, store) =>
    sweep({
      store,
      provisioners: new Map([["simulated", provisionerOf(sim, process)]]),
      inventory: null,
      artifacts: process.port("artifacts", sim.artifacts),
      artifactRetentionDays: 365,
      workspace: process.port("workspace", folderWorkspace(join(sim.folder, "work", process.name))),
      clock: { now: () => new Date(sim.now().getTime() + WEEKS), monotonic: () => performance.now() },
      holder: process.name,
    }),
  );
