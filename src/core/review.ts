/** The plan of one pull request: what would be different if it were merged. */

import { digestOf } from "./canonical.ts";
import { hoursAfterEdit, isCutShort } from "./expiry.ts";
import type { GuardFacts } from "./guard-facts.ts";
import { planHash } from "./plan-hash.ts";
import { type LiveLabs, type PolicyEdit, policyChange } from "./policy-change.ts";
import { byPlace } from "./problem.ts";
import type { Durations, Review, ReviewedChange } from "./pull-request.ts";
import { reviewedChange } from "./reviewed-change.ts";
import { isLive } from "./states.ts";
import { teamImpacts } from "./team-impact.ts";
import type { Change, Lab, Plan } from "./types.ts";

export interface ReviewInput {
  readonly pullRequest: number;
  readonly headCommit: string;
  readonly baseCommit: string;
  /** The guarded plan of the base branch as it is. */
  readonly base: Plan;
  /** The guarded plan of the base branch as a merge would leave it, over the same records at the same time. */
  readonly proposed: Plan;
  /** Files of the catalog that the pull request adds, changes or removes: of labs and of the policy. */
  readonly paths: ReadonlySet<string>;
  readonly policy: PolicyEdit;
  /** What the proposed plan was guarded with. */
  readonly facts: GuardFacts;
  /** When somebody last read each lab's credentials, by lab id. */
  readonly lastUsed: ReadonlyMap<string, Date>;
  /** Of the profiles that are asked for; those of other profiles are left out. */
  readonly durations: readonly Durations[];
  readonly liveLabs: LiveLabs;
  /** Paths that both sides changed. */
  readonly conflicts: readonly string[];
  readonly now: Date;
}

/**
 * What the pull request itself does: changes, holds and problems that the base branch has without it are left out. Pure;
 * the same plans give the same review, whatever the time, but for the marks of running labs.
 */
export const makeReview = (input: ReviewInput): Review => {
  const { proposed, policy, paths } = input;
  const known = new Set(input.base.changes.map(identityOf));
  const own = proposed.changes.filter((change) => change.action !== "keep" && !known.has(identityOf(change)));
  const profiles = new Set(own.flatMap(profileOf));
  const limits = policy.after ?? policy.before;
  return {
    pullRequest: input.pullRequest,
    headCommit: input.headCommit,
    baseCommit: input.baseCommit,
    hash: planHash(own),
    changes: own.flatMap((change) => reviewed(change, input)),
    problems: proposed.problems.filter(({ path }) => paths.has(path)).sort(byPlace),
    policy: policyChange(policy, input.liveLabs),
    teams: limits === null ? [] : teamImpacts(own, input.facts, limits),
    durations: input.durations.filter(({ profile }) => profiles.has(profile)),
    conflicts: [...input.conflicts].sort(),
  };
};

/** Two changes that do the same to the same lab, held by the same guard or not at all. */
const identityOf = ({ lab, team, action, replace, fields, held, operation }: Change): string =>
  digestOf([
    lab,
    team,
    action,
    replace,
    fields,
    held?.hold ?? null,
    operation.kind,
    "lab" in operation ? operation.lab.id : null,
    "file" in operation ? (operation.file?.digest ?? null) : null,
  ]);

/** The profile that a lab will be made with. */
const profileOf = ({ operation }: Change): string[] => {
  if (operation.kind === "provision") return [operation.spec.profile];
  if (operation.kind !== "replace") return [];
  const { document } = operation.file;
  return document === null ? [] : [document.spec.profile];
};

const reviewed = (change: Change, { lastUsed, now }: ReviewInput): ReviewedChange[] => {
  const row = reviewedChange(change);
  return row === null ? [] : [{ ...row, running: runningOf(change, lastUsed, now) }];
};

/** The lab that would go, when people have it in use: it was ready once and was not destroyed since. */
const runningOf = (change: Change, lastUsed: ReadonlyMap<string, Date>, now: Date): ReviewedChange["running"] => {
  const end = endOf(change, now);
  if (end === null || end.lab.readyAt === null || !isLive(end.lab.state)) return null;
  const { lab, graceHours } = end;
  return {
    owner: lab.spec.owner,
    state: lab.state,
    since: end.lab.readyAt.toISOString(),
    lastUsed: lastUsed.get(lab.id)?.toISOString() ?? null,
    graceHours,
  };
};

interface End {
  readonly lab: Lab;
  readonly graceHours: number | null;
}

const endOf = ({ operation }: Change, now: Date): End | null => {
  switch (operation.kind) {
    case "replace":
    case "destroy":
      return { lab: operation.lab, graceHours: null };
    case "leave":
      return { lab: operation.lab, graceHours: operation.lab.policy.spec.lifecycle.deletionGraceHours };
    case "update": {
      const { lab, spec } = operation;
      return isCutShort(lab, spec.ttlHours, now) ? { lab, graceHours: hoursAfterEdit(lab) } : null;
    }
    case "provision":
    case "return":
    case "forget":
    case "none":
      return null;
  }
};

/** The labs that a review is about, as they are recorded beside it. */
export const touchedLabs = (
  review: Review,
): readonly Pick<ReviewedChange, "lab" | "team" | "path" | "action" | "labId">[] =>
  review.changes.map(({ lab, team, path, action, labId }) => ({ lab, team, path, action, labId }));
