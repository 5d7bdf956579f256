import type { Edges } from "../../wire.ts";
import { demoEdges, type HistoryWriter, type StandInGithub } from "../../wire-demo.ts";
import type { CommandContext } from "../context.ts";
import type { Playground } from "./playground.ts";
import { labNameOf } from "./playground.ts";

/** What the acts of the demo play on. */
export interface Stage {
  readonly context: CommandContext;
  readonly edges: Edges;
  readonly playground: Playground;
  /** The labs of the catalog, by repository path. */
  readonly files: readonly string[];
}

/** Without GitHub: commits in a folder. */
export interface LocalStage extends Stage {
  readonly history: HistoryWriter;
}

/** With pull requests, at what stands in for GitHub. */
export interface HostedStage extends Stage {
  readonly github: StandInGithub;
  /** Texts of the labs' files by path, which the first pull request adds. */
  readonly labs: Readonly<Record<string, string>>;
}

/** One act: what it shows, and how. It throws when what it shows is not so. */
export interface Act<S extends Stage> {
  readonly title: string;
  readonly play: (stage: S) => Promise<void>;
}

export const fileAt = ({ files }: Stage, index: number): string => {
  const path = files[index];
  if (path === undefined) throw new Error(`the demo's catalog has only ${files.length} labs`);
  return path;
};

export const labAt = (stage: Stage, index: number): string => labNameOf(fileAt(stage, index));

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
export const commit = async (stage: LocalStage, message: string): Promise<void> => {
  const oid = await stage.history.commitAll(message);
  stage.context.out(
    `${stage.context.colours.dim("$")} git commit -am ${JSON.stringify(message)}  ${stage.context.colours.dim(oid.slice(0, 10))}`,
  );
};

/** The address with which a lab's user connects, password included; it is used and never shown. */
const urlOf = async ({ edges }: Stage, lab: string): Promise<string> => {
  const detail = await (await edges.store()).lab(lab);
  const credentials = detail === null ? null : await (await edges.secrets()).get(`labs/${detail.lab.id}`);
  if (credentials === null) throw new Error(`${lab} has no credentials`);
  return credentials.reveal("url");
};

/** Asks a lab's database as its user, and shows what it answers. */
export const ask = async (stage: Stage, lab: string, sql: string): Promise<void> => {
  const { askPostgres } = await demoEdges();
  say(stage, `${stage.context.colours.dim(`${lab}=>`)} ${sql}`);
  for (const row of await askPostgres(await urlOf(stage, lab), sql)) quote(stage, JSON.stringify(row));
};

/** Reads the lab's credentials as its user, and works with it. */
export const useLab = async (stage: Stage, lab: string): Promise<void> => {
  await command(stage, ["credentials", lab]);
  await ask(stage, lab, "create table visitors as select 'you' as name, now() as seen");
  await ask(stage, lab, "select name, current_user, split_part(version(), ' ', 2) as postgres from visitors");
};

/** A lab file that keeps its lab for so many hours. */
export const withHours = (text: string, hours: number): string =>
  /^ {2}ttlHours:/m.test(text)
    ? text.replace(/^ {2}ttlHours:.*$/m, `  ttlHours: ${hours}`)
    : text.replace(/^spec:$/m, `spec:\n  ttlHours: ${hours}`);

/** A lab file that says nothing of use: a field's name is misspelt. */
export const misspelt = (text: string): string => text.replace(/^ {2}profile:.*$/m, "  profle: local-postgres");
