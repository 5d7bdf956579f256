import type { GuardFacts } from "./guard-facts.ts";
import { catalogEmpty } from "./guards/catalog-empty.ts";
import { destroyBudget } from "./guards/destroy-budget.ts";
import { freezeWindow } from "./guards/freeze-window.ts";
import { historyRewritten } from "./guards/history-rewritten.ts";
import { immutableChange } from "./guards/immutable-change.ts";
import { protectedLab } from "./guards/protected.ts";
import { quota } from "./guards/quota.ts";
import type { Rule } from "./guards/rule.ts";
import { severalRemembered } from "./guards/several-remembered.ts";
import { suspendedLab } from "./guards/suspended.ts";
import { unreadableFile } from "./guards/unreadable-file.ts";
import { unreadableMemory } from "./guards/unreadable-memory.ts";
import { unreviewedDestroy } from "./guards/unreviewed-destroy.ts";
import { approversOf, teamEntry } from "./permissions.ts";
import { holdIdOf, planHash } from "./plan-hash.ts";
import type { CatalogPolicy, Change, Held, Plan } from "./types.ts";

/** In the order in which they look. The first that objects holds the change; an approved hold lets the next one look. */
export const RULES: readonly Rule[] = [
  catalogEmpty,
  historyRewritten,
  unreadableFile,
  unreadableMemory,
  severalRemembered,
  unreviewedDestroy,
  destroyBudget,
  protectedLab,
  suspendedLab,
  freezeWindow,
  quota,
  immutableChange,
];

/** The plan with its holds. Pure: the same plan, facts and time hold the same changes under the same ids. */
export const guard = (plan: Plan, facts: GuardFacts, policy: CatalogPolicy, now: Date): Plan => {
  const guarded = RULES.reduce((weighed, rule) => applyRule(weighed, rule, facts, policy, now), plan);
  const held = guarded.changes.filter((change) => change.held !== null).length;
  return { ...guarded, hash: planHash(guarded.changes), summary: { ...guarded.summary, held } };
};

const applyRule = (plan: Plan, rule: Rule, facts: GuardFacts, policy: CatalogPolicy, now: Date): Plan => {
  const approved = (change: Change): boolean => rule.approvable && facts.approvedHolds.has(holdIdOf(rule.name, change));
  const objectionTo = rule.weigh({ plan, facts, policy, now, approved });
  const changes = plan.changes.map((change): Change => {
    if (change.held !== null) return change;
    const objection = objectionTo(change);
    if (objection === null || approved(change)) return change;
    const hold = holdIdOf(rule.name, change);
    const release = rule.approvable ? `${objection.release}${whoApproves(policy, judgeOf(change))}` : objection.release;
    const held: Held = { hold, guard: rule.name, approvable: rule.approvable, message: objection.message, release };
    return { ...change, held };
  });
  return { ...plan, changes };
};

/** Who owns the lab that would go says so, not who would own the next one. */
const judgeOf = ({ team, operation }: Change): string => (operation.kind === "replace" ? operation.lab.team : team);

const whoApproves = ({ teams, roles }: CatalogPolicy, name: string): string => {
  const people = [
    ...new Set([...approversOf(teams.get(name)), ...(roles?.approvers ?? []), ...(roles?.operators ?? [])]),
  ];
  const named = people.map((entry) => (teamEntry(entry) === null ? entry : `the GitHub team ${entry}`));
  return named.length === 0 ? "" : ` Approvers of ${name}: ${named.join(", ")}.`;
};
