import type { Edges, HistoryWriter } from "../../wire.ts";
import type { CommandContext } from "../context.ts";
import type { Playground } from "./playground.ts";

/** What the acts of the demo play on. */
export interface Stage {
  readonly context: CommandContext;
  readonly edges: Edges;
  readonly playground: Playground;
  readonly history: HistoryWriter;
  /** The labs of the catalog, by repository path. */
  readonly files: readonly string[];
}

/** One act: what it shows, and how. It throws when what it shows is not so. */
export interface Act {
  readonly title: string;
  readonly play: (stage: Stage) => Promise<void>;
}

export const say = ({ context }: Pick<Stage, "context">, text: string): void => context.out(text);

/** Indented by two, for contents of files and answers of databases. */
export const quote = ({ context }: Pick<Stage, "context">, text: string): void =>
  context.out(
    text
      .trimEnd()
      .split("\n")
      .map((line) => context.colours.dim(`  ${line}`))
      .join("\n"),
  );

/** Runs a real command line of labkeeper, shown as somebody would type it. Throws when it ends otherwise than expected. */
export const command = async (stage: Stage, argv: readonly string[], expected = 0): Promise<void> => {
  const { context, playground } = stage;
  context.out(`${context.colours.dim("$")} ${context.colours.bold(`labkeeper ${argv.join(" ")}`)}`);
  const exitCode = await context.run(argv, playground.config);
  context.signal.throwIfAborted();
  if (exitCode !== expected) throw new Error(`labkeeper ${argv.join(" ")} ended with ${exitCode}, not ${expected}`);
};

/** Commits the catalog, shown as git would. */
export const commit = async (stage: Stage, message: string): Promise<void> => {
  const oid = await stage.history.commitAll(message);
  stage.context.out(
    `${stage.context.colours.dim("$")} git commit -am ${JSON.stringify(message)}  ${stage.context.colours.dim(oid.slice(0, 10))}`,
  );
};
