import type { CheckedOut } from "../catalog-ports.ts";
import type { CheckoutEdges } from "../checkout-changes.ts";
import { errorGithub, validationGithub } from "../cli/views/validation.ts";
import { summaryLine } from "../core/render-words.ts";
import type { CatalogEntry } from "../core/types.ts";
import { LabkeeperError } from "../errors.ts";
import { baseOfEvent } from "./base.ts";
import { readEvent } from "./event.ts";
import { type Environment, type FailOn, type Inputs, readInputs } from "./inputs.ts";
import { outputsOf } from "./outputs.ts";
import { failureMarkdown, summaryMarkdown } from "./summary.ts";
import { judge, type Verdict } from "./verdict.ts";
import { inWorkspace, readEventFile } from "./workspace.ts";

export interface ActionEdges extends CheckoutEdges {
  checkedOut(folder: string): Promise<CheckedOut>;
  profileFolder(folder: string): Promise<readonly CatalogEntry[]>;
}

export interface Surroundings {
  readonly environment: Environment;
  readonly workingFolder: string;
  readonly shippedProfiles: readonly CatalogEntry[];
  readonly now: Date;
  /** Prints a line for the step's log, which the runner reads commands from. */
  out(line: string): void;
  /** Appends to a file of the runner's. */
  append(path: string, text: string): void;
}

/** One step of a workflow, from its inputs to its exit code. */
export const run = async (edges: ActionEdges, around: Surroundings): Promise<0 | 1> => {
  let summary = true;
  const appendTo = (variable: string, text: string): void => {
    const path = around.environment[variable];
    if (path !== undefined && path !== "") around.append(path, text);
  };
  try {
    const inputs = readInputs(around.environment);
    summary = inputs.summary;
    const { verdict, prefix } = await answer(edges, around, inputs);
    around.out(validationGithub(verdict.validation, prefix));
    if (verdict.plan !== null) around.out(summaryLine(verdict.plan));
    if (summary)
      appendTo(
        "GITHUB_STEP_SUMMARY",
        summaryMarkdown(verdict, { repositoryUrl: repositoryUrl(around.environment), prefix }),
      );
    appendTo("GITHUB_OUTPUT", outputsOf(verdict));
    return fails(verdict, inputs.failOn) ? 1 : 0;
  } catch (error) {
    const { code, message, remedy } = failureOf(error);
    around.out(errorGithub(code, `${message} → ${remedy}`));
    if (summary) appendTo("GITHUB_STEP_SUMMARY", failureMarkdown(code, message, remedy));
    return 1;
  }
};

const repositoryUrl = (environment: Environment): string | null => {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = environment;
  return server && repository ? `${server}/${repository}` : null;
};

const fails = ({ validation, plan }: Verdict, failOn: FailOn): boolean => {
  if (failOn === "never") return false;
  return validation.problems.length > 0 || (failOn === "holds" && (plan?.summary.held ?? 0) > 0);
};

const failureOf = (error: unknown): Pick<LabkeeperError, "message" | "remedy"> & { readonly code: string } => {
  if (error instanceof LabkeeperError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return { code: "labkeeper", message, remedy: "This is a defect of labkeeper; please report it." };
};

const answer = async (
  edges: ActionEdges,
  { environment, workingFolder, shippedProfiles, now }: Surroundings,
  inputs: Inputs,
): Promise<{ readonly verdict: Verdict; readonly prefix: string }> => {
  const workspace = environment["GITHUB_WORKSPACE"] || workingFolder;
  const { folder, way } = inWorkspace(workspace, inputs.path);
  const own = inputs.profiles === null ? [] : await edges.profileFolder(inWorkspace(workspace, inputs.profiles).folder);
  const { base, head } = await baseAndHead(edges, folder, environment, inputs);
  const verdict = await judge(edges, {
    folder,
    base,
    commit: head?.commit ?? "",
    shippedProfiles: [...new Map([...shippedProfiles, ...own].map((entry) => [entry.path, entry])).values()],
    now,
  });
  return { verdict, prefix: head?.prefix ?? way };
};

/** The input first, then what the event says, then the base branch as it was fetched. */
const baseAndHead = async (
  edges: ActionEdges,
  folder: string,
  environment: Environment,
  inputs: Inputs,
): Promise<{ readonly base: string | null; readonly head: CheckedOut | null }> => {
  const event = inputs.base === null ? readEvent(readEventFile(environment["GITHUB_EVENT_PATH"])) : null;
  const branch = environment["GITHUB_BASE_REF"] || null;
  const named = inputs.base ?? (branch === null ? null : `origin/${branch}`);
  const head = await edges.checkedOut(folder).catch((cause: unknown) => {
    if (event === null && named === null) return null;
    throw cause instanceof LabkeeperError && cause.code === "LK1002" ? notCheckedOut(cause) : cause;
  });
  return { base: event === null || head === null ? named : await baseOfEvent(event, head), head };
};

const notCheckedOut = (cause: LabkeeperError): LabkeeperError =>
  new LabkeeperError("LK1002", "the catalog's folder is in no repository", {
    cause,
    remedy: "Check the catalog out with `actions/checkout` in a step before this one, on a runner that has git.",
  });
