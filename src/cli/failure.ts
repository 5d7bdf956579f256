import { LabkeeperError } from "../errors.ts";
import type { Palette } from "./palette.ts";
import { plain } from "./palette.ts";

/** How a command ended badly, as people and programs read it. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

const ISSUES = "This is a defect in labkeeper: run it again with --debug and report what it prints.";

/** Any thrown value as what happened and what to do. */
export const failureOf = (error: unknown): Failure => {
  if (error instanceof LabkeeperError) return { code: error.code, message: error.message, remedy: error.remedy };
  const message = error instanceof Error ? error.message : String(error);
  return { code: "internal", message: `unexpected error: ${message}`, remedy: ISSUES };
};

export const usageFailure = (message: string, command: string): Failure => ({
  code: "usage",
  message: message.replace(/^error: /, ""),
  remedy: `See \`${command} --help\`.`,
});

/** One JSON document on one line, for `--output json`. */
export const failureAsJson = (failure: Failure): string => JSON.stringify({ error: failure });

export const failureAsText = (failure: Failure, colours: Palette): string => {
  const label = failure.code === "internal" || failure.code === "usage" ? "error" : failure.code;
  return `${colours.red(`${label}:`)} ${plain(failure.message)}\n${colours.cyan("→")} ${plain(failure.remedy)}`;
};

/** The stack and those of its causes, for `--debug`. */
export const stackOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const stack = error.stack ?? error.message;
  return error.cause === undefined ? stack : `${stack}\ncaused by: ${stackOf(error.cause)}`;
};

/** Whether an error only says that work was broken off; what goes wrong while stopping is still told. */
export const isInterruption = (error: unknown): boolean =>
  error instanceof Error && (error.name === "AbortError" || isInterruption(error.cause));
