import type { Reporter } from "../../ports.ts";
import type { Edges } from "../../wire.ts";
import { demoEdges } from "../../wire-demo.ts";
import { startWorker } from "../../worker.ts";
import type { CommandContext } from "../context.ts";
import { createProgress } from "../progress.ts";
import type { Playground } from "./playground.ts";
import { removePlayground } from "./playground.ts";

/** Destroys whatever labs are left, also after an interrupt: a demo must leave no server behind. */
export const destroyAll = async (edges: Edges, context: CommandContext): Promise<void> => {
  const store = await edges.store();
  const live = (await store.labs(false)).filter(({ lab }) => lab.state !== "destroyed");
  if (live.length === 0) return;
  for (const { lab } of live) {
    if (lab.destroyCause === null) await store.cancel(lab.name, context.actor);
  }
  using progress = createProgress({ write: context.note, colours: context.noteColours, columns: context.noteColumns });
  const reporter: Reporter = progress;
  const worker = await startWorker(await edges.workerDeps(reporter, () => undefined), edges.workerOptions());
  const { failed } = await worker.drained();
  await worker.stop();
  if (failed.length > 0) throw new Error(`could not destroy ${failed.join(", ")}`);
};

/** Stops the playground's database and removes everything. The edges must be closed before. */
export const removeAll = async (playground: Playground): Promise<void> => {
  const { removePostgres } = await demoEdges();
  await removePostgres({ stateDir: playground.config.stateDir });
  await removePlayground(playground);
};
