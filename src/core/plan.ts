import { isAccepted } from "./plan-change.ts";
import { immutableChanges } from "./plan-fields.ts";
import { planHash, summarize } from "./plan-hash.ts";
import { changeFor } from "./plan-lab.ts";
import { byPlace, problemAt, START } from "./problem.ts";
import { isLive } from "./states.ts";
import type { CatalogPolicy, Change, Comparison, DesiredFile, Plan, Problem } from "./types.ts";

export interface PlanInput {
  readonly comparisons: readonly Comparison[];
  readonly policy: CatalogPolicy;
  readonly commit: string;
  readonly previousCommit: string | null;
  /** Problems of files outside the comparisons; those of compared files are added. */
  readonly problems: readonly Problem[];
  /** Live labs that were left out because nothing about them changed. */
  readonly unchanged: number;
  readonly now: Date;
}

/**
 * What would make observed equal desired, before any guard has looked. Pure: the same input in any order gives the
 * same plan, and nothing but a commit, an expiry or an approved hold ever turns into a destroy (promise P1).
 */
export const makePlan = (input: PlanInput): Plan => {
  const changes = input.comparisons
    .map((comparison) => changeFor(comparison, input))
    .filter((change) => change !== null)
    .sort(byTeamAndLab);
  const problems = allProblems(input);
  return {
    commit: input.commit,
    previousCommit: input.previousCommit,
    hash: planHash(changes),
    changes,
    problems,
    summary: summarize(changes, problems.length, input.unchanged),
  };
};

/** A catalog whose policy cannot be read changes nothing: every lab stays as it is, and the problems are told. */
export const refusedPlan = (commit: string, previousCommit: string | null, problems: readonly Problem[]): Plan => ({
  commit,
  previousCommit,
  hash: planHash([]),
  changes: [],
  problems: [...problems].sort(byPlace),
  summary: summarize([], problems.length, 0),
});

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const byTeamAndLab = (a: Change, b: Change): number => compareText(a.team, b.team) || compareText(a.lab, b.lab);

const allProblems = ({ comparisons, problems, policy }: PlanInput): Problem[] => {
  const all = [
    ...problems,
    ...comparisons.flatMap((comparison) =>
      comparison.files.flatMap((file) => problemsThatMatter(comparison, file, policy)),
    ),
  ];
  for (const { name, files } of comparisons)
    if (files.length > 1)
      all.push(
        ...files.map(({ path }) =>
          usedTwice(
            name,
            path,
            files.map((file) => file.path),
          ),
        ),
      );
  const distinct = new Map(all.map((problem) => [JSON.stringify(problem), problem]));
  return [...distinct.values()].sort(byPlace);
};

/** What only a new lab may not have is no problem of a lab that has it already (promise P12). */
const problemsThatMatter = ({ lab }: Comparison, file: DesiredFile, policy: CatalogPolicy): readonly Problem[] => {
  const hasItAlready =
    lab !== null && isLive(lab.state) && isAccepted(file) && immutableChanges(lab, file.document, policy).length === 0;
  return hasItAlready ? [] : file.problems;
};

const usedTwice = (name: string, path: string, paths: readonly string[]): Problem => {
  const others = paths.filter((other) => other !== path).sort();
  return problemAt(path, START, "LK2201", `lab ${name} is also claimed by ${others.join(", ")}`);
};
