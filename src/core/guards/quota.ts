import { monthlyCost } from "../cost.ts";
import type { Change, Profile, ResolvedSpec, TeamPolicy } from "../types.ts";
import { isWithin, type Objection, type Rule } from "./rule.ts";

/** What a team has: as recorded, plus what the plan lets through so far. */
interface Usage {
  labs: number;
  cost: number;
}

/** What one change adds to its team. */
interface Demand {
  readonly labs: number;
  readonly cost: number;
  readonly monthly: number;
  readonly profile: Profile;
}

/**
 * Keeps teams within their labs and their budget, and labs within their profile's price. Changes are weighed in the
 * plan's order, so the same ones wait each time; a lab that is on its way out still counts until it is gone.
 */
export const quota: Rule = {
  name: "quota",
  approvable: true,
  weigh: ({ plan, facts, policy, approved }) => {
    const usage = new Map<string, Usage>();
    const objections = new Map<Change, Objection>();
    for (const change of plan.changes) {
      const demand = change.held === null ? demandOf(change) : null;
      if (demand === null) continue;
      const { team } = change;
      const used = usage.get(team) ?? {
        labs: facts.liveLabsByTeam.get(team) ?? 0,
        cost: facts.monthlyCostByTeam.get(team) ?? 0,
      };
      const objection = object(policy.teams.get(team), team, used, demand);
      if (objection !== null) objections.set(change, objection);
      if (objection === null || approved(change))
        usage.set(team, { labs: used.labs + demand.labs, cost: used.cost + demand.cost });
    }
    return (change) => objections.get(change) ?? null;
  },
};

const demandOf = ({ operation, team }: Change): Demand | null => {
  if (operation.kind === "provision") {
    const monthly = costOf(operation.policy, operation.spec);
    return { labs: 1, cost: monthly, monthly, profile: operation.policy };
  }
  if (operation.kind !== "update") return null;
  const { lab, spec } = operation;
  const monthly = costOf(lab.policy, spec);
  const before = costOf(lab.policy, lab.spec);
  if (lab.team !== team) return { labs: 1, cost: monthly, monthly, profile: lab.policy };
  return monthly > before ? { labs: 0, cost: monthly - before, monthly, profile: lab.policy } : null;
};

const costOf = (profile: Profile, spec: ResolvedSpec): number => monthlyCost(profile.spec, spec.workers);

const object = (policy: TeamPolicy | undefined, team: string, used: Usage, demand: Demand): Objection | null => {
  const release = "Remove a lab of the team, raise the limit in the catalog, or approve the change.";
  if (policy === undefined)
    return { message: `team ${team} is not in catalog.yaml`, release: "Add the team to catalog.yaml." };
  const { maxActiveLabs = Infinity, monthlyBudget = Infinity } = policy;
  if (demand.labs > 0 && !isWithin(used.labs + demand.labs, maxActiveLabs))
    return { message: `team ${team} has ${used.labs} labs and may have ${maxActiveLabs}`, release };
  if (!isWithin(used.cost + demand.cost, monthlyBudget)) {
    const message = `team ${team} would cost ${dollars(used.cost + demand.cost)} a month and may cost ${dollars(monthlyBudget)}`;
    return { message, release };
  }
  const { maxMonthlyCost = Infinity } = demand.profile.spec.costControls;
  if (isWithin(demand.monthly, maxMonthlyCost)) return null;
  const message = `the lab would cost ${dollars(demand.monthly)} a month and profile ${demand.profile.name} allows ${dollars(maxMonthlyCost)}`;
  return { message, release: "Ask for fewer workers, raise maxMonthlyCost in the profile, or approve the change." };
};

const dollars = (amount: number): string => `$${amount.toFixed(2)}`;
