import type { Command } from "commander";
import type { Config } from "../config.ts";
import type { Palette } from "./palette.ts";

/** What the program gives every command. Commands print and finish through it alone, so tests can watch them. */
export interface CommandContext {
  /** Writes to stdout, with a newline when the text has none. Does nothing once the reader has gone. */
  out(text: string): void;
  /** Writes to stderr: progress, hints, warnings. */
  note(text: string): void;
  /** Runs another command line, printing through this context but with a configuration of its own; answers its exit code. */
  run(argv: readonly string[], config: Config): Promise<number>;
  /** The exit code when the command ends without an error. */
  exitWith(code: 0 | 1 | 2): void;
  /** The configuration: flags, environment and file. Throws LK7001 naming every bad value. */
  config(): Promise<Config>;
  /** Aborted by Ctrl-C and SIGTERM. Long work stops at a durable point. */
  readonly signal: AbortSignal;
  /** Aborted when nobody reads stdout any more. */
  readonly outputClosed: AbortSignal;
  /** Colours for stdout; plain when it is not a terminal. */
  readonly colours: Palette;
  /** Colours for stderr. */
  readonly noteColours: Palette;
  /** Width of stdout; null when it is not a terminal. */
  readonly columns: number | null;
  /** Width of stderr; null when it is not a terminal. */
  readonly noteColumns: () => number | null;
  /** Who runs this, for the audit trail: `cli:octocat`. */
  readonly actor: string;
}

/** Adds one command to the program. Heavy modules are imported inside its action. */
export type Register = (program: Command, context: CommandContext) => void;
