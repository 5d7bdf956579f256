import { estimateCost } from "./cost.ts";
import type { Change, Plan, ResolvedSpec } from "./types.ts";

/** As Terraform marks them, because people know these marks. */
export const symbolOf = ({ action, replace }: Change): string => {
  if (replace) return "-/+";
  return { create: "+", update: "~", destroy: "-", keep: "=" }[action];
};

const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

/** `Plan: 3 to create, 1 to update, 0 to destroy, 12 unchanged, 1 held.` Held changes count under their action too. */
export const summaryLine = ({ summary }: Plan): string => {
  const { create, update, destroy, keep, held, problems } = summary;
  const parts = [`${create} to create`, `${update} to update`, `${destroy} to destroy`, `${keep} unchanged`];
  if (held > 0) parts.push(`${held} held`);
  if (problems > 0) parts.push(counted(problems, "problem"));
  return `Plan: ${parts.join(", ")}.`;
};

/** `profile aws-standard, 4.20.3, us-east-1, labs.example.com, 3 workers, 24 h, about $1.20/h and $28.80 in all` */
export const orderWords = ({ operation }: Change): string | null => {
  if (operation.kind !== "provision") return null;
  const { spec, policy } = operation;
  const { hourly, untilExpiry } = estimateCost(policy.spec, spec);
  const cost = hourly > 0 ? [`about $${hourly.toFixed(2)}/h and $${untilExpiry.toFixed(2)} in all`] : [];
  return [
    `profile ${spec.profile}`,
    ...places(spec),
    counted(spec.workers, "worker"),
    `${spec.ttlHours} h`,
    ...cost,
  ].join(", ");
};

const places = ({ version, region, baseDomain }: ResolvedSpec): string[] =>
  [version, region, baseDomain].filter((place) => place !== null);

/** A warning that the profile gives to whoever creates with it. */
export const warningOf = ({ operation }: Change): string | null =>
  operation.kind === "provision" ? (operation.policy.spec.costControls.warningMessage ?? null) : null;

export const shortCommit = (commit: string): string => commit.slice(0, 12);
