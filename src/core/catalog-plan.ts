/** What a pull request would do, told from the catalog alone: for whoever cannot ask what is recorded. */

import { monthlyCost } from "./cost.ts";
import { guard } from "./guard.ts";
import type { GuardFacts } from "./guard-facts.ts";
import { makePlan, refusedPlan } from "./plan.ts";
import { type AcceptedFile, isAccepted } from "./plan-change.ts";
import { planHash } from "./plan-hash.ts";
import { type LiveLabs, policyChange } from "./policy-change.ts";
import { byPlace } from "./problem.ts";
import type { Review } from "./pull-request.ts";
import { resolveSpec } from "./resolve.ts";
import { reviewedChange } from "./reviewed-change.ts";
import { teamImpacts } from "./team-impact.ts";
import type { CatalogPolicy, Change, Comparison, DesiredFile, Lab, Plan, Problem, Profile } from "./types.ts";

export interface CatalogPlanInput {
  /** Lab files that were changed or removed, as the base has them. */
  readonly before: readonly DesiredFile[];
  /** Lab files that were added or changed, as they are now. */
  readonly after: readonly DesiredFile[];
  /** Files that are the same on both sides and share a team or a name with those that are not; all, when the policy changed. */
  readonly same: readonly DesiredFile[];
  /** How many further lab files there are, the same on both sides. */
  readonly unread: number;
  /** Null where the base has none that can be used; then labs are taken to have pinned the present one. */
  readonly policyBefore: CatalogPolicy | null;
  readonly policy: CatalogPolicy;
  /** `catalog.yaml` and profiles that are not what they were. */
  readonly policyPaths: readonly string[];
  /** All of them, as validation tells them. */
  readonly problems: readonly Problem[];
  readonly commit: string;
  readonly previousCommit: string;
  readonly now: Date;
}

export interface CatalogPlan {
  readonly plan: Plan;
  /** Of no pull request in particular (0), with no lab's id and nothing about what runs. */
  readonly review: Review;
  /** Names whose files at the base are refused: whether they have a lab, and what becomes of it, is not known here. */
  readonly unknown: readonly string[];
}

/**
 * The plan of a pull request with the base's lab files for what exists. Pure.
 *
 * Each accepted file of the base stands for a ready lab with what its profile at the base says. Expiries, failures,
 * approvals, earlier destroys and labs that outlived their files are known to the records alone; the plan that is
 * applied after the merge is made with those. So are the ids of holds on labs that exist, which are empty here.
 */
export const catalogPlan = (input: CatalogPlanInput): CatalogPlan => {
  const { policy, problems, now } = input;
  const labs = labsOf([...input.before, ...input.same], input);
  const facts = factsOf(labs, input);
  const wanted = makePlan({
    comparisons: comparisonsOf(labs, input),
    policy,
    commit: input.commit,
    previousCommit: input.previousCommit,
    problems: [],
    unchanged: 0,
    now,
  });
  const guarded = guard(wanted, facts, policy, now);
  const changes = guarded.changes.map(withoutUnknownHold);
  const touched = new Set(changes.map(({ lab }) => lab));
  const untouched = [...labs.keys()].filter((name) => !touched.has(name)).length + input.unread;
  const summary = { ...guarded.summary, keep: guarded.summary.keep + untouched, problems: problems.length };
  const edit = { before: input.policyBefore, after: policy, paths: input.policyPaths };
  return {
    plan: { ...guarded, changes, problems: [...problems].sort(byPlace), summary },
    review: {
      ...emptyReview(input.commit, input.previousCommit, problems),
      hash: guarded.hash,
      changes: changes.flatMap((change) => reviewedChange(change) ?? []).map((change) => ({ ...change, labId: null })),
      policy: policyChange(edit, liveLabsOf(labs)),
      teams: teamImpacts(changes, facts, policy),
    },
    unknown: unknownNames(labs, input.before),
  };
};

/** When the policy cannot be used nothing changes, whatever else the pull request does. */
export const refusedCatalogPlan = (
  input: Pick<CatalogPlanInput, "policyBefore" | "policyPaths" | "problems" | "commit" | "previousCommit">,
): CatalogPlan => {
  const { commit, previousCommit, problems } = input;
  const edit = { before: input.policyBefore, after: null, paths: input.policyPaths };
  const review = { ...emptyReview(commit, previousCommit, problems), policy: policyChange(edit, new Map()) };
  return { plan: refusedPlan(commit, previousCommit, problems), review, unknown: [] };
};

/** A review that changes nothing. */
export const emptyReview = (commit: string, previousCommit: string, problems: readonly Problem[]): Review => ({
  pullRequest: 0,
  headCommit: commit,
  baseCommit: previousCommit,
  hash: planHash([]),
  changes: [],
  problems: [...problems].sort(byPlace),
  policy: null,
  teams: [],
  durations: [],
  conflicts: [],
});

const namesOf = ({ name, mayBe }: DesiredFile): string[] => [...new Set([name, ...mayBe])];

const byName = (files: readonly DesiredFile[]): Map<string, DesiredFile[]> => {
  const found = new Map<string, DesiredFile[]>();
  for (const file of files)
    for (const name of namesOf(file)) {
      const claimed = found.get(name);
      if (claimed === undefined) found.set(name, [file]);
      else claimed.push(file);
    }
  return found;
};

/** A lab for each name that exactly one file of the base claims, when that file is one a lab could be made of. */
const labsOf = (files: readonly DesiredFile[], input: CatalogPlanInput): Map<string, Lab> => {
  const labs = new Map<string, Lab>();
  const { profiles } = input.policyBefore ?? input.policy;
  for (const [name, [file, another]] of byName(files)) {
    if (file === undefined || another !== undefined || !isAccepted(file)) continue;
    const profile = profiles.get(file.document.spec.profile);
    if (profile !== undefined) labs.set(name, labOf(file, profile, input));
  }
  return labs;
};

const labOf = (file: AcceptedFile, policy: Profile, { previousCommit, now }: CatalogPlanInput): Lab => ({
  id: file.name,
  name: file.name,
  team: file.team,
  state: "ready",
  stateSince: now,
  spec: resolveSpec(file.document, policy, null),
  policy,
  path: file.path,
  commit: previousCommit,
  documentDigest: file.digest,
  failedDigest: null,
  resourceVersion: 1,
  intent: null,
  createdAt: now,
  readyAt: null,
  expiresAt: null,
  leaving: null,
  destroyCause: null,
  failure: null,
});

const comparisonsOf = (labs: ReadonlyMap<string, Lab>, { before, after, same }: CatalogPlanInput): Comparison[] => {
  const files = byName([...after, ...same]);
  const names = new Set([...before, ...after].flatMap(namesOf));
  return [...names].map((name) => ({
    name,
    files: (files.get(name) ?? []).sort((a, b) => (a.path < b.path ? -1 : 1)),
    lab: labs.get(name) ?? null,
    job: null,
  }));
};

const factsOf = (labs: ReadonlyMap<string, Lab>, input: CatalogPlanInput): GuardFacts => {
  const liveLabsByTeam = new Map<string, number>();
  const monthlyCostByTeam = new Map<string, number>();
  for (const { team, policy, spec } of labs.values()) {
    liveLabsByTeam.set(team, (liveLabsByTeam.get(team) ?? 0) + 1);
    monthlyCostByTeam.set(team, (monthlyCostByTeam.get(team) ?? 0) + monthlyCost(policy.spec, spec.workers));
  }
  return {
    liveLabs: labs.size + input.unread,
    liveLabsByTeam,
    monthlyCostByTeam,
    recentDestroys: 0,
    catalogFiles: input.after.length + input.same.length + input.unread,
    historyRewritten: false,
    approvedHolds: new Set(),
  };
};

const liveLabsOf = (labs: ReadonlyMap<string, Lab>): LiveLabs => {
  const found = new Map<string, { count: number; names: string[] }>();
  for (const { name, policy } of labs.values()) {
    const { count, names } = found.get(policy.name) ?? { count: 0, names: [] };
    found.set(policy.name, { count: count + 1, names: [...names, name].sort().slice(0, 10) });
  }
  return found;
};

/** The id of a hold on a lab is made of the lab's own id, which only the records know. */
const withoutUnknownHold = (change: Change): Change =>
  change.held === null || !("lab" in change.operation) ? change : { ...change, held: { ...change.held, hold: "" } };

const unknownNames = (labs: ReadonlyMap<string, Lab>, before: readonly DesiredFile[]): string[] =>
  [...new Set(before.flatMap(namesOf))].filter((name) => !labs.has(name)).sort();
