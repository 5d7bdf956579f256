/** From a pull request to its review: what it proposes, the plan of that, and whom and what it concerns. */

import { labNameOf, readLabPath } from "./core/lab-path.ts";
import type { Review } from "./core/pull-request.ts";
import { makeReview, touchedLabs } from "./core/review.ts";
import type { Change, Comparison } from "./core/types.ts";
import type { Proposal, ProposalSource, PullRequestStore, RecordedPullRequest, TouchedLab } from "./github-ports.ts";
import type { ReadStore } from "./ports.ts";
import { type Planned, type PlannedBase, type PlanningDeps, planProposal } from "./proposed-plan.ts";

export interface ReviewingDeps extends PlanningDeps {
  readonly catalog: PlanningDeps["catalog"] & ProposalSource;
  readonly store: PlanningDeps["store"] &
    Pick<PullRequestStore, "lastUsed" | "durations" | "liveLabsByProfile"> &
    Pick<ReadStore, "lab">;
}

export interface Reviewed {
  readonly review: Review;
  readonly touched: readonly TouchedLab[];
  /** Nothing of it is left to merge. */
  readonly inBase: boolean;
}

/** The review of an open pull request, at its recorded head. Rejects with LK8005 when that moved. */
export async function reviewOf(
  deps: ReviewingDeps,
  recorded: RecordedPullRequest,
  base: PlannedBase,
  signal?: AbortSignal,
): Promise<Reviewed> {
  const { review, names, proposal } = await planned(deps, recorded, base, signal);
  // A plan may hold or free labs of others too. Only those whose files it changes itself are its own to end.
  const own = touchedLabs(review).filter(({ lab }) => names.has(lab));
  return { review, touched: [...own, ...(await keptLabs(deps, proposal, own))], inBase: proposal.inBase };
}

/**
 * Labs whose files a pull request writes while their plan is to keep them as they are: it brings a file back before its
 * removal came to anything, say. That belongs to it, or an earlier plan to remove the file would still count.
 */
async function keptLabs(
  { store }: ReviewingDeps,
  proposal: Proposal,
  known: readonly TouchedLab[],
): Promise<readonly TouchedLab[]> {
  const names = new Set(known.map(({ lab }) => lab));
  const kept: TouchedLab[] = [];
  for (const told of toldByGit(proposal)) {
    if (told.action === "destroy" || names.has(told.lab)) continue;
    const lab = (await store.lab(told.lab))?.lab;
    if (lab !== undefined && lab.state !== "destroyed") kept.push({ ...told, action: "update", labId: lab.id });
  }
  return kept;
}

/**
 * What a pull request did that was merged without a review. Much of it may be under way or over, so its labs are told
 * by what it changed in git, and found by their names.
 */
export async function settledReviewOf(
  deps: ReviewingDeps,
  recorded: RecordedPullRequest,
  base: PlannedBase,
  signal?: AbortSignal,
): Promise<Reviewed> {
  const { review, proposal } = await planned(deps, recorded, base, signal);
  const planning = new Map(touchedLabs(review).map((touched) => [touched.lab, touched]));
  const touched: TouchedLab[] = [];
  for (const told of toldByGit(proposal)) {
    const known = planning.get(told.lab) ?? told;
    touched.push({ ...known, labId: known.labId ?? (await deps.store.lab(told.lab))?.lab.id ?? null });
  }
  return { review, touched, inBase: proposal.inBase };
}

interface PlannedProposal {
  readonly proposal: Proposal;
  readonly review: Review;
  /** Labs whose files the pull request changes. */
  readonly names: ReadonlySet<string>;
}

async function planned(
  deps: ReviewingDeps,
  recorded: RecordedPullRequest,
  base: PlannedBase,
  signal: AbortSignal | undefined,
): Promise<PlannedProposal> {
  const { store } = deps;
  const { number, head } = recorded.pullRequest;
  const proposal = await deps.catalog.proposal(number, head.commit, base.commit, signal);
  const names = new Set(proposal.labs.map(({ path }) => labNameOf(path)));
  const proposed = await planProposal(deps, base, proposal, linkedTo(recorded, names));
  const { changes } = proposed.plan;
  const edited = proposal.policyPaths.length === 0 ? [] : editedProfiles(base, proposed);
  const review = makeReview({
    pullRequest: number,
    headCommit: proposal.head,
    baseCommit: base.commit,
    base: base.plan,
    proposed: proposed.plan,
    paths: new Set([...proposal.labs.map(({ path }) => path), ...proposal.policyPaths]),
    policy: { before: base.policy, after: proposed.policy, paths: proposal.policyPaths },
    facts: proposed.facts,
    lastUsed: await store.lastUsed(changes.flatMap(endingLab)),
    durations: await store.durations([...new Set(changes.flatMap(profileToMake))]),
    liveLabs: edited.length === 0 ? new Map() : await store.liveLabsByProfile(edited),
    conflicts: proposal.conflicts,
    now: base.now,
  });
  return { proposal, review, names };
}

/** As the comparison will read once the pull request is merged. */
const linkedTo =
  ({ pullRequest: { number }, endsLab = null }: RecordedPullRequest, names: ReadonlySet<string>) =>
  (comparison: Comparison): Comparison => {
    if (!names.has(comparison.name)) return comparison;
    const endsNow = endsLab !== null && comparison.lab?.id === endsLab && comparison.files.length === 0;
    return { ...comparison, pullRequest: { number, endsNow } };
  };

const endingLab = ({ operation }: Change): string[] => ("lab" in operation ? [operation.lab.id] : []);

const profileToMake = ({ operation }: Change): string[] => {
  if (operation.kind === "provision") return [operation.policy.name];
  return operation.kind === "replace" && operation.file.document ? [operation.file.document.spec.profile] : [];
};

function editedProfiles(base: Planned, proposed: Planned): string[] {
  const [before, after] = [base.policy?.profiles, proposed.policy?.profiles];
  const names = new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])]);
  return [...names].filter((name) => before?.get(name)?.digest !== after?.get(name)?.digest);
}

/** One row a name: a file that was moved is one lab. */
function toldByGit({ labs, addedLabs }: Proposal): TouchedLab[] {
  const added = new Set(addedLabs);
  const told = new Map<string, TouchedLab>();
  for (const { path, kind } of labs) {
    const { team, name, refused } = readLabPath(path);
    if (refused !== null) continue;
    const action = kind === "removed" ? "destroy" : added.has(path) ? "create" : "update";
    const other = told.get(name);
    if (other === undefined) told.set(name, { lab: name, team, path, action, labId: null });
    else told.set(name, { ...(kind === "removed" ? other : { ...other, team, path }), action: "update" });
  }
  return [...told.values()];
}
