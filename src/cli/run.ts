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
import { failureAsJson, failureAsText, failureOf, stackOf, usageFailure } from "./failure.ts";
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
  const command = program.commands.find((candidate) => argv.includes(candidate.name()));
  return command === undefined ? program.name() : `${program.name()} ${command.name()}`;
};

/** Runs one command line and answers the exit code: 0 fine, 1 failed or invalid, 2 usage, 130 interrupted. */
export const run = async (argv: readonly string[]): Promise<number> => {
  const { out, note, outputClosed } = openConsole(process.stdout, process.stderr);
  const refused = argv.includes("--no-color") || coloursRefused();
  const colours = palette(process.stdout.isTTY === true && !refused);
  const noteColours = palette(process.stderr.isTTY === true && !refused);
  using interrupt = listenForInterrupt(note);
  let exitCode = 0;
  let config: Promise<Config> | null = null;

  const program = createProgram(readVersion(), colours);
  const context: CommandContext = {
    out,
    note,
    exitWith: (code) => {
      exitCode = code;
    },
    config: () => {
      config ??= loadConfig(program.opts<GlobalOptions>());
      return config;
    },
    signal: interrupt.signal,
    outputClosed,
    colours,
    noteColours,
    columns: process.stdout.isTTY === true ? process.stdout.columns : null,
    noteColumns: () => (process.stderr.isTTY === true ? process.stderr.columns : null),
    actor: actor(),
  };
  // Commander's words about wrong usage are dropped: they are reported below, in one voice with other errors.
  program.configureOutput({ writeOut: out, writeErr: note, outputError: () => undefined });
  for (const register of commands) register(program, context);

  const report = (failure: Failure): void =>
    note(wantsJson(argv) ? failureAsJson(failure) : failureAsText(failure, noteColours));
  try {
    await program.parseAsync([...argv], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      if (error.code !== "commander.help") report(usageFailure(error.message, commandNamed(program, argv)));
      return 2;
    }
    const received = interrupt.received();
    if (received !== null) return exitCodeOf(received);
    report(failureOf(error));
    if (program.opts<GlobalOptions>().debug === true) note(stackOf(error));
    return 1;
  }
  return interrupt.received() === "SIGINT" ? exitCodeOf("SIGINT") : exitCode;
};
