import type { CommandContext, Register } from "./context.ts";
import type { Playground } from "./demo/playground.ts";
import { examples } from "./program.ts";
import { duration } from "./time.ts";

const heading = (context: CommandContext, number: number, title: string): void =>
  context.out(`\n${context.colours.cyan(`── ${number} ──`)} ${context.colours.bold(title)}`);

/** A clone has no `labkeeper` on PATH; npm runs it there. */
const program = (): string => (import.meta.url.endsWith(".ts") ? "npm run -s labkeeper --" : "labkeeper");

const keptWords = ({ root, config }: Playground): string => `
Kept as it is in ${root}. To look at it:

  export LABKEEPER_STATE_DIR='${config.stateDir}' LABKEEPER_CATALOG='${config.catalog}'
  ${program()} status
  ${program()} serve

To take it down: ${program()} demo --clean '${root}'`;

/** Plays all acts; an interrupt ends it between or inside them. */
const play = async (context: CommandContext, playground: Playground): Promise<void> => {
  const [{ wire }, { ACTS }, { labFiles, startHistory }] = await Promise.all([
    import("../wire.ts"),
    import("./demo/acts.ts"),
    import("./demo/playground.ts"),
  ]);
  const history = await startHistory(playground);
  const files = await labFiles(playground);
  await using edges = wire(playground.config);
  // Held open from here on, so that the database stays up between the commands.
  await edges.store();
  for (const [index, act] of ACTS.entries()) {
    context.signal.throwIfAborted();
    heading(context, index + 1, act.title);
    await act.play({ context, edges, playground, history, files });
  }
};

/** Destroys the labs, stops the servers, removes the folder. */
const clean = async (context: CommandContext, playground: Playground): Promise<void> => {
  const [{ wire }, { destroyAll, removeAll }] = await Promise.all([import("../wire.ts"), import("./demo/ending.ts")]);
  {
    await using edges = wire(playground.config);
    await destroyAll(edges, context);
  }
  await removeAll(playground);
};

const demo = async (context: CommandContext, keep: boolean): Promise<void> => {
  const startedAt = performance.now();
  const { makePlayground } = await import("./demo/playground.ts");
  const playground = await makePlayground();
  let played = false;
  try {
    await play(context, playground);
    played = true;
  } finally {
    if (keep && played) context.out(keptWords(playground));
    else {
      context.out(
        `\n${context.colours.cyan("──")} ${context.colours.bold("Clean up: destroy what is left, stop the servers, remove the folder")}`,
      );
      await clean(context, playground);
    }
  }
  context.out(`\n${context.colours.green("✔")} Done in ${duration((performance.now() - startedAt) / 1000)}.`);
};

export const register: Register = (parent, context) => {
  parent
    .command("demo")
    .description("Show it all with real Postgres servers on this machine, in a temporary folder, in under a minute.")
    .option("--keep", "leave it running at the end, and say how to look at it")
    .option("--clean <folder>", "take down what an earlier --keep left")
    .addHelpText("after", examples("labkeeper demo", "labkeeper demo --keep"))
    .action(async (options: { readonly keep?: boolean; readonly clean?: string }) => {
      if (options.clean === undefined) await demo(context, options.keep === true);
      else {
        const { openPlayground } = await import("./demo/playground.ts");
        await clean(context, await openPlayground(options.clean));
        context.out("Everything is gone.");
      }
    });
};
