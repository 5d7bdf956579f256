import { escapeTerminal } from "../../core/render-escape.ts";
import type { Problem } from "../../core/types.ts";
import type { Validation } from "../../core/validate.ts";
import type { Palette } from "../palette.ts";

const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

const summary = ({ files, problems }: Validation): string => {
  const judged = counted(files, "lab file");
  const broken = new Set(problems.map(({ path }) => path)).size;
  return problems.length === 0
    ? `${judged}, no problems`
    : `${judged}, ${counted(problems.length, "problem")} in ${counted(broken, "file")}`;
};

/** `path:line:column CODE message`, which editors and terminals link, and what to do about it. */
export const validationText = (validation: Validation, colours: Palette): string => {
  const lines = validation.problems.flatMap(({ path, line, column, code, message, remedy }) => [
    `${colours.bold(escapeTerminal(`${path}:${line}:${column}`))} ${colours.red(code)} ${escapeTerminal(message)}`,
    `  ${colours.cyan("→")} ${escapeTerminal(remedy)}`,
  ]);
  const end = summary(validation);
  return [...lines, validation.problems.length === 0 ? colours.green(end) : colours.red(end)].join("\n");
};

export const validationJson = ({ files, problems }: Validation): string =>
  JSON.stringify(
    { apiVersion: "labkeeper.dev/v1", kind: "Validation", valid: problems.length === 0, files, problems },
    null,
    2,
  );

/**
 * Text in a workflow command. A line break would start another command, and a property ends at `:` or `,`. Other
 * control characters would reach the terminals that logs are read in, so they show as their code.
 * https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
 */
const data = (text: string): string =>
  escapeTerminal(text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A"));
const property = (text: string): string => data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");

const annotation = (folder: string, { path, line, column, code, message, remedy }: Problem): string =>
  `::error file=${property(folder + path)},line=${line},col=${column},title=${property(code)}::${data(`${message} → ${remedy}`)}`;

/** What went wrong as a whole, at no file: shown on the run's page. */
export const errorGithub = (title: string, text: string): string => `::error title=${property(title)}::${data(text)}`;

/**
 * Workflow commands: GitHub shows each problem at its line of the pull request. `folder` leads from the workflow's
 * checkout to the catalog: "" or a path that ends in a slash.
 */
export const validationGithub = (validation: Validation, folder: string): string =>
  [...validation.problems.map((problem) => annotation(folder, problem)), data(summary(validation))].join("\n");
