import { planToJson } from "../core/render-json.ts";
import { API_VERSION, type Json, type JsonObject, type Plan } from "../core/types.ts";
import type { Validation } from "../core/validate.ts";
import { outputEntry } from "./command-file.ts";
import type { Verdict } from "./verdict.ts";

/**
 * Characters of JSON. A job's outputs may have 1 MB together, counted as UTF-16, and others may want some of it.
 * https://docs.github.com/actions/reference/workflow-syntax-for-github-actions#jobsjob_idoutputs
 */
const MOST = { changes: 160_000, problems: 80_000 } as const;

const fitting = <Item extends Json>(items: readonly Item[], most: number): Item[] => {
  let left = most;
  const end = items.findIndex((item) => {
    left -= JSON.stringify(item).length + 1;
    return left < 0;
  });
  return end === -1 ? [...items] : items.slice(0, end);
};

const arrayOf = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);

/** What did not fit, so that nobody takes a part for the whole. */
const omitted = (counts: Readonly<Record<string, number>>): JsonObject => {
  const some = Object.entries(counts).filter(([, count]) => count > 0);
  return some.length === 0 ? {} : { omitted: Object.fromEntries(some) };
};

const planJson = (plan: Plan): JsonObject => {
  const whole = planToJson(plan, { all: false });
  const [allChanges, allProblems] = [arrayOf(whole["changes"]), arrayOf(whole["problems"])];
  const changes = fitting(allChanges, MOST.changes);
  const problems = fitting(allProblems, MOST.problems);
  return {
    ...whole,
    changes,
    problems,
    ...omitted({ changes: allChanges.length - changes.length, problems: allProblems.length - problems.length }),
  };
};

const validationJson = ({ files, problems: all }: Validation): JsonObject => {
  const problems = fitting(
    all.map((problem): JsonObject => ({ ...problem })),
    MOST.problems,
  );
  const valid = all.length === 0;
  return {
    apiVersion: API_VERSION,
    kind: "Validation",
    valid,
    files,
    problems,
    ...omitted({ problems: all.length - problems.length }),
  };
};

/** The step's outputs as the runner reads them. `plan` is empty when there is no base to plan against. */
export const outputsOf = ({ validation, plan }: Verdict): string =>
  [
    outputEntry("valid", String(validation.problems.length === 0)),
    outputEntry("plan", plan === null ? "" : JSON.stringify(planJson(plan))),
    outputEntry("problems", JSON.stringify(validationJson(validation))),
  ].join("");
