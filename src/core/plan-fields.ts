import { canonicalJson } from "./canonical.ts";
import { resolveSpec } from "./resolve.ts";
import type { CatalogPolicy, FieldChange, Json, Lab, LabDocument, ResolvedSpec } from "./types.ts";

/** What one can see of a lab, by the path under which its file says it. */
type Fields = Readonly<Record<string, Json>>;

const mutable = (team: string, spec: ResolvedSpec): Fields => ({
  "metadata.team": team,
  "metadata.owner": spec.owner,
  "metadata.costCenter": spec.costCenter,
  "spec.ttlHours": spec.ttlHours,
  "spec.workers": spec.workers,
  "spec.tags": { ...spec.tags },
  "spec.protect": spec.protect,
  "spec.suspend": spec.suspend,
});

const immutable = (spec: ResolvedSpec): Fields => ({
  "spec.profile": spec.profile,
  "spec.version": spec.version,
  "spec.region": spec.region,
  "spec.baseDomain": spec.baseDomain,
});

const difference = (before: Fields, after: Fields): FieldChange[] =>
  Object.keys(before)
    .map((path) => ({ path, before: before[path] ?? null, after: after[path] ?? null }))
    .filter((field) => canonicalJson(field.before) !== canonicalJson(field.after));

/** What a document changes of a lab in place. */
export const mutableChanges = (lab: Lab, document: LabDocument, spec: ResolvedSpec): FieldChange[] =>
  difference(mutable(lab.team, lab.spec), mutable(document.metadata.team, spec));

/**
 * What a document changes of a lab that only a new lab can have. A field that the file leaves out asks for nothing.
 * Of a profile that is not known only the name is told.
 */
export const immutableChanges = (lab: Lab, document: LabDocument, policy: CatalogPolicy): FieldChange[] => {
  const name = document.spec.profile;
  const profile = name === lab.spec.profile ? lab.policy : policy.profiles.get(name);
  if (profile === undefined) return [{ path: "spec.profile", before: lab.spec.profile, after: name }];
  return difference(immutable(lab.spec), immutable(resolveSpec(document, profile, lab.spec)));
};

/** These are kept by labkeeper itself, so recording them is all there is to do; the lab has to be told of others. */
const RECORD_ONLY: ReadonlySet<string> = new Set(["spec.ttlHours", "spec.protect", "spec.suspend"]);

export const reachesLab = (fields: readonly FieldChange[]): boolean =>
  fields.some(({ path }) => !RECORD_ONLY.has(path));
