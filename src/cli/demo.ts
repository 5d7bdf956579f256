import type { Edges } from "../wire.ts";
import type { CommandContext, Register } from "./context.ts";
import type { Hosted, Playground } from "./demo/playground.ts";
import type { Act, Stage } from "./demo/stage.ts";
import { examples } from "./program.ts";
import { duration } from "./time.ts";

const heading = (context: CommandContext, number: number, title: string): void =>
  context.out(`\n${context.colours.cyan(`── ${number} ──`)} ${context.colours.bold(title)}`);

/** A clone has no `labkeeper` on PATH; npm runs it there. */
const program = (): string => (import.meta.url.endsWith(".ts") ? "npm run -s labkeeper --" : "labkeeper");

const keptWords = ({ root, catalog, config }: Playground): string => `
Kept as it is in ${root}. To look at it:

  export LABKEEPER_STATE_DIR='${config.stateDir}' LABKEEPER_CATALOG='${config.catalog}'
  ${program()} status
  ${program()} serve
${catalog.endsWith(".git") ? "\nIts repository can be cloned and pushed to; the pull requests ended with what stood in for GitHub.\n" : ""}
To take it down: ${program()} demo --clean '${root}'`;

/** Plays all acts; an interrupt ends it between or inside them. */
const playActs = async <S extends Stage>(acts: readonly Act<S>[], stage: S): Promise<void> => {
  for (const [index, act] of acts.entries()) {
    stage.context.signal.throwIfAborted();
    heading(stage.context, index + 1, act.title);
    await act.play(stage);
  }
};

/** With edges that hold the database open from here on, so that it stays up between the commands. */
const onStage = async (playground: Playground, play: (edges: Edges) => Promise<void>): Promise<void> => {
  const { wire } = await import("../wire.ts");
  await using edges = wire(playground.config);
  await edges.store();
  await play(edges);
};

const playHosted = async (context: CommandContext, { playground, github, labs }: Hosted): Promise<void> => {
  const { HOSTED_STORY } = await import("./demo/hosted-story.ts");
  const files = Object.keys(labs).sort();
  await onStage(playground, (edges) => playActs(HOSTED_STORY, { context, edges, playground, files, github, labs }));
};

const WITHOUT_GITHUB =
  "There is no git with its http-backend here to stand in for GitHub, so this is the story without pull requests.";

const playLocal = async (context: CommandContext, playground: Playground): Promise<void> => {
  const [{ LOCAL_STORY }, { labFiles, startHistory }] = await Promise.all([
    import("./demo/local-story.ts"),
    import("./demo/playground.ts"),
  ]);
  const history = await startHistory(playground);
  const files = await labFiles(playground);
  await onStage(playground, (edges) => playActs(LOCAL_STORY, { context, edges, playground, history, files }));
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

/** With pull requests where something can stand in for GitHub, without them elsewhere. */
const play = async (context: CommandContext, playground: Playground): Promise<void> => {
  const { hostCatalog } = await import("./demo/playground.ts");
  const hosted = await hostCatalog(playground);
  if (hosted === null) {
    context.note(`${context.noteColours.yellow("note:")} ${WITHOUT_GITHUB}`);
    await playLocal(context, playground);
    return;
  }
  try {
    await playHosted(context, hosted);
  } finally {
    await hosted.github.stop();
  }
};

const demo = async (context: CommandContext, keep: boolean): Promise<void> => {
  const startedAt = performance.now();
  const { makePlayground, openPlayground } = await import("./demo/playground.ts");
  const playground = await makePlayground();
  let played = false;
  try {
    await play(context, playground);
    played = true;
  } catch (error) {
    // A terminal's Ctrl-C also reaches git: what failed for that is no failure of the demo's.
    context.signal.throwIfAborted();
    throw error;
  } finally {
    if (keep && played) context.out(keptWords(await openPlayground(playground.root)));
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
    .description(
      "Show it all on this machine in under a minute: pull requests at a stand-in for GitHub, labs that are real Postgres servers.",
    )
    .option("--keep", "leave it running at the end, and say how to look at it")
    .option("--clean <folder>", "take down what an earlier --keep left")
    .addHelpText(
      "after",
      `
A pull request asks for labs, labkeeper answers with the plan, the merge makes them, its comment becomes their board;
then an edit, a broken file, a removal with its receipt, and commands in comments. All of it happens in a temporary
folder, and nothing is left at the end. Needs the git program with its http-backend; without it, the story is told
without pull requests. Nothing that is configured is used or touched, and no network but this machine's own.
${examples("labkeeper demo", "labkeeper demo --keep")}`,
    )
    .action(async (options: { readonly keep?: boolean; readonly clean?: string }) => {
      if (options.clean === undefined) await demo(context, options.keep === true);
      else {
        const { openPlayground } = await import("./demo/playground.ts");
        await clean(context, await openPlayground(options.clean));
        context.out("Everything is gone.");
      }
    });
};
