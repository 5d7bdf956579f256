import { Command, Option } from "commander";
import type { CommandContext, Register } from "./context.ts";
import type { Palette } from "./palette.ts";

export interface GlobalOptions {
  readonly stateDir?: string;
  readonly config?: string;
  readonly catalog?: string;
  readonly ref?: string;
  readonly debug?: boolean;
  readonly color: boolean;
}

/** `--output`, with the formats this command knows; the first is the default. */
export const outputOption = <const T extends string>(...formats: readonly [T, ...T[]]): Option =>
  new Option("-o, --output <format>", "how to print").choices(formats).default(formats[0]);

/** Example lines, shown at the end of `--help`. */
export const examples = (...lines: readonly string[]): string =>
  `\nExamples:\n${lines.map((line) => `  $ ${line}`).join("\n")}`;

/** The program with its global options; flags may stand before or after the command. */
export const createProgram = (version: string, colours: Palette): Command => {
  return new Command("labkeeper")
    .description("Turns a git catalog of lab files into running labs, and into nothing again when the files go.")
    .option("--catalog <path|url>", "the catalog repository (LABKEEPER_CATALOG; default: this folder, when it is one)")
    .option("--ref <branch>", "the branch to follow (LABKEEPER_CATALOG_REF)")
    .option("--state-dir <folder>", "where labkeeper keeps its state (LABKEEPER_STATE_DIR)")
    .option("--config <file>", "configuration file (LABKEEPER_CONFIG; default: config.yaml in the state folder)")
    .option("--no-color", "no colours, also on a terminal (NO_COLOR)")
    .option("--debug", "show the stack of an error")
    .version(version, "-V, --version", "print the version")
    .addHelpText(
      "after",
      `${examples("labkeeper validate", "labkeeper reconcile --dry-run", "labkeeper status")}

Exit codes: 0 fine, 1 the work failed or the input is invalid, 2 wrong usage, 130 interrupted.`,
    )
    .showHelpAfterError(false)
    .configureHelp({ showGlobalOptions: true, styleTitle: (title) => colours.bold(title) })
    .exitOverride();
};

export const registerAll = (program: Command, context: CommandContext, commands: readonly Register[]): void => {
  for (const register of commands) register(program, context);
};
