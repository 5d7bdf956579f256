import { monthlyCost } from "../core/cost.ts";
import { expiryOfAdopted } from "../core/expiry.ts";
import type { JsonObject, Operation, Profile, RememberedLab, ResolvedSpec } from "../core/types.ts";
import { newId } from "./ids.ts";

type Provision = Extract<Operation, { kind: "provision" }>;

/** The lab whose row comes back; null for one that is made. */
export const adopted = ({ remembered }: Provision): RememberedLab | null =>
  remembered?.kind === "lab" ? remembered.lab : null;

/** A row of `labs` at its beginning. */
export const rowOf = (operation: Provision, now: Date) => {
  const { file, spec, policy } = operation;
  const lab = adopted(operation);
  const fresh = { id: newId(), team: file.team, document_digest: file.digest, ...specColumns(spec, policy) };
  return {
    name: file.name,
    path: file.path,
    ...(lab === null ? { ...fresh, intent: null, created_at: null, expires_at: null } : adoptedColumns(lab, now)),
  };
};

/** As it was made; what its file says of it since comes by the next plan. */
const adoptedColumns = (lab: RememberedLab, now: Date) => ({
  id: lab.id,
  team: lab.team,
  document_digest: lab.documentDigest,
  ...specColumns(lab.spec, lab.policy),
  intent: lab.intent,
  created_at: lab.createdAt,
  expires_at: expiryOfAdopted(lab, now),
});

const specColumns = (spec: ResolvedSpec, policy: Profile) => ({
  platform: spec.platform,
  base_domain: spec.baseDomain,
  account_region: `${spec.platform}/${spec.region ?? ""}`,
  spec,
  policy_digest: policy.digest,
  monthly_cost: monthlyCost(policy.spec, spec.workers),
});

/** What the event of an adoption tells beside its cause. */
export const rememberedOf = (operation: Provision): JsonObject => {
  const lab = adopted(operation);
  if (lab === null) return {};
  return {
    why: "remembered, and not known to the records",
    createdAt: lab.createdAt.toISOString(),
    intent: lab.intent,
  };
};
