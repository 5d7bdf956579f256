import { estimateCost } from "./cost.ts";
import type { ReviewedChange } from "./pull-request.ts";
import { orderWords, warningOf } from "./render-words.ts";
import type { Change, Profile, ResolvedSpec } from "./types.ts";

const NOTHING = { perDay: 0, untilExpiry: 0 } as const;

/** US dollars for a lab of this size: a day, and from ready until it expires. */
export const costOf = (profile: Profile, spec: ResolvedSpec): ReviewedChange["cost"] => {
  const { hourly, untilExpiry } = estimateCost(profile.spec, spec);
  return { perDay: Math.round(hourly * 24 * 100) / 100, untilExpiry };
};

const costOfChange = ({ operation }: Change): ReviewedChange["cost"] => {
  switch (operation.kind) {
    case "provision":
      return costOf(operation.policy, operation.spec);
    case "update":
      return costOf(operation.lab.policy, operation.spec);
    case "return":
    case "replace":
      return costOf(operation.lab.policy, operation.lab.spec);
    case "leave":
    case "destroy":
    case "forget":
    case "none":
      return NOTHING;
  }
};

/** A change of a plan as reviewers see it; null for one that keeps its lab. What runs is for the caller to say. */
export const reviewedChange = (change: Change): ReviewedChange | null => {
  const { lab, team, action, reason, fields, held, source, operation } = change;
  if (action === "keep") return null;
  return {
    lab,
    team,
    action: change.replace ? "replace" : action,
    reason,
    fields,
    path: source?.path ?? "",
    labId: "lab" in operation ? operation.lab.id : null,
    order: orderWords(change),
    warning: warningOf(change),
    cost: costOfChange(change),
    held,
    running: null,
  };
};
