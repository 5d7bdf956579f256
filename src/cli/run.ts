import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import type { Command } from "commander";
import { CommanderError } from "commander";
import type { Config } from "../config.ts";
import { coloursRefused, loadConfig } from "../config.ts";
import { packageFile } from "../package-root.ts";
import { commands } from "./commands.ts";
import { openConsole } from "./console.ts";
import type { CommandContext } from "./context.ts";
import type { Failure } from "./failure.ts";
import { failureAsJson, failureAsText, failureOf, isInterruption, stackOf, usageFailure } from "./failure.ts";
import { exitCodeOf, listenForInterrupt } from "./interrupt.ts";
import { palette } from "./palette.ts";
import type { GlobalOptions } from "./program.ts";
import { createProgram } from "./program.ts";

const readVersion = (): string => {
  const manifest: unknown = JSON.parse(readFileSync(packageFile("package.json"), "utf8"));
  return typeof manifest === "object" && manifest !== null && "version" in manifest
    ? String(manifest.version)
    : "unknown";
};

const actor = (): string => {
  try {
    return `cli:${userInfo().username}`;
  } catch {
    // A container may run as a user id that no account has.
    return `cli:uid-${process.getuid?.() ?? "unknown"}`;
  }
};

/** Usage errors come before the options are parsed, so the wish for JSON is read from the raw arguments. */
const wantsJson = (argv: readonly string[]): boolean =>
  argv.some((argument, index) =>
    ["-o", "--output"].includes(argument) ? argv[index + 1] === "json" : /^(--output=|-o)json$/.test(argument),
  );

const commandNamed = (program: Command, argv: readonly string[]): string => {
  const among = (commands: Command["commands"]) => commands.find((candidate) => argv.includes(candidate.name()));
  const command = among(program.commands);
  const inner = among(command?.commands ?? []);
  return [program, command, inner].flatMap((each) => each?.name() ?? []).join(" ");
};

export type Surroundings = Omit<CommandContext, "run" | "exitWith" | "config">;

interface Ended {
  /** Null when the command did not say one. */
  readonly exitCode: number | null;
}

/** Parses one command line and runs its command; usage and other errors are told in one voice. */
export const runCommand = async (
  argv: readonly string[],
  around: Surroundings,
  fixed: Config | null,
): Promise<Ended> => {
  let exitCode: number | null = null;
  let config: Promise<Config> | null = fixed === null ? null : Promise.resolve(fixed);
  const program = createProgram(readVersion(), around.colours);
  const context: CommandContext = {
    ...around,
    exitWith: (code) => {
      exitCode = code;
    },
    config: () => {
      config ??= loadConfig(program.opts<GlobalOptions>());
      return config;
    },
    run: async (inner, itsConfig) => (await runCommand(inner, around, itsConfig)).exitCode ?? 0,
  };
  // Commander's words about wrong usage are dropped: they are reported below, in one voice with other errors.
  program.configureOutput({ writeOut: around.out, writeErr: around.note, outputError: () => undefined });
  for (const register of commands) register(program, context);

  const report = (failure: Failure): void =>
    around.note(wantsJson(argv) ? failureAsJson(failure) : failureAsText(failure, around.noteColours));
  try {
    await program.parseAsync([...argv], { from: "user" });
    return { exitCode };
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return { exitCode: 0 };
      if (error.code !== "commander.help") report(usageFailure(error.message, commandNamed(program, argv)));
      return { exitCode: 2 };
    }
    if (!(around.signal.aborted && isInterruption(error))) report(failureOf(error));
    if (program.opts<GlobalOptions>().debug === true) around.note(stackOf(error));
    return { exitCode: 1 };
  }
};

/** Runs one command line and answers the exit code: 0 fine, 1 failed or invalid, 2 usage, 130 interrupted. */
export const run = async (argv: readonly string[]): Promise<number> => {
  const { stdout, stderr } = process;
  const { out, note, outputClosed } = openConsole(stdout, stderr);
  const refused = argv.includes("--no-color") || coloursRefused();
  using interrupt = listenForInterrupt(note);
  const { exitCode } = await runCommand(
    argv,
    {
      out,
      note,
      signal: interrupt.signal,
      outputClosed,
      colours: palette(stdout.isTTY === true && !refused),
      noteColours: palette(stderr.isTTY === true && !refused),
      columns: stdout.isTTY === true ? stdout.columns : null,
      noteColumns: () => (stderr.isTTY === true ? stderr.columns : null),
      actor: actor(),
    },
    null,
  );
  const received = interrupt.received();
  // `serve` alone says 0 when it is stopped: for everything else an interrupt means that something was not done.
  if (received === "SIGINT" || (received === "SIGTERM" && exitCode !== 0)) return exitCodeOf(received);
  return exitCode ?? 0;
};
