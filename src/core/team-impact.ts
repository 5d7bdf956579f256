import { monthlyCost } from "./cost.ts";
import type { GuardFacts } from "./guard-facts.ts";
import type { TeamImpact } from "./pull-request.ts";
import type { CatalogPolicy, Change, Profile, ResolvedSpec } from "./types.ts";

interface Shift {
  readonly team: string;
  readonly labs: number;
  readonly monthly: number;
}

const rate = (profile: Profile, spec: ResolvedSpec): number => monthlyCost(profile.spec, spec.workers);

/** What a change adds to teams and takes from them once it is carried out. A replacement leaves things as they are. */
const shiftsOf = ({ operation, team }: Change): Shift[] => {
  switch (operation.kind) {
    case "provision":
      return [{ team, labs: 1, monthly: rate(operation.policy, operation.spec) }];
    case "update": {
      const { lab, spec } = operation;
      return [
        { team: lab.team, labs: -1, monthly: -rate(lab.policy, lab.spec) },
        { team, labs: 1, monthly: rate(lab.policy, spec) },
      ];
    }
    case "leave":
    case "destroy":
      return [{ team: operation.lab.team, labs: -1, monthly: -rate(operation.lab.policy, operation.lab.spec) }];
    case "replace":
    case "return":
    case "forget":
    case "none":
      return [];
  }
};

const cents = (dollars: number): number => Math.round(dollars * 100) / 100;

/**
 * What the teams of a plan's changes have and would have, sorted by name. Changes that are held count for nothing: they
 * may never happen. Money is US dollars a month, as if labs always ran.
 */
export const teamImpacts = (
  changes: readonly Change[],
  facts: Pick<GuardFacts, "liveLabsByTeam" | "monthlyCostByTeam">,
  policy: CatalogPolicy,
): readonly TeamImpact[] => {
  const effective = changes.filter(({ held }) => held === null).flatMap(shiftsOf);
  const names = new Set([...changes.filter(({ action }) => action !== "keep").map(({ team }) => team)]);
  for (const { team } of effective) names.add(team);
  return [...names].sort().map((team) => {
    const own = effective.filter((shift) => shift.team === team);
    const labs = facts.liveLabsByTeam.get(team) ?? 0;
    const monthly = facts.monthlyCostByTeam.get(team) ?? 0;
    const limits = policy.teams.get(team);
    return {
      team,
      labs: {
        before: labs,
        after: own.reduce((sum, shift) => sum + shift.labs, labs),
        limit: limits?.maxActiveLabs ?? null,
      },
      monthly: {
        before: cents(monthly),
        after: cents(own.reduce((sum, shift) => sum + shift.monthly, monthly)),
        limit: limits?.monthlyBudget ?? null,
      },
    };
  });
};
