import { type CheckoutChanges, type CheckoutEdges, changesIn, readChanges, readCheckout } from "../checkout-changes.ts";
import { type CatalogPlan, catalogPlan } from "../core/catalog-plan.ts";
import { readLabFile } from "../core/lab-file.ts";
import { labNameOf, readLabPath } from "../core/lab-path.ts";
import { refusedPlan } from "../core/plan.ts";
import { readPolicy } from "../core/policy.ts";
import type { CatalogEntry, CatalogPolicy, DesiredFile } from "../core/types.ts";
import { type Validation, validateCatalog } from "../core/validate.ts";

export interface Question {
  readonly folder: string;
  /** Null: everything is validated, and nothing can be planned. */
  readonly base: string | null;
  /** The commit that is checked out; null when nothing knows it. */
  readonly commit: string | null;
  readonly shippedProfiles: readonly CatalogEntry[];
  readonly now: Date;
}

export interface Verdict {
  readonly validation: Validation;
  /** Null without a base. */
  readonly plan: CatalogPlan | null;
  /** `catalog.yaml` or a profile is not what it is at the base. */
  readonly policyChanged: boolean;
}

/** What is wrong with the catalog in a folder, and what merging it would do. Rejects as the edges do. */
export const judge = async (edges: CheckoutEdges, question: Question): Promise<Verdict> => {
  const { folder, base, shippedProfiles } = question;
  if (base === null) {
    const content = readCheckout(await edges.checkout(folder));
    return { validation: validateCatalog({ ...content, shippedProfiles }), plan: null, policyChanged: false };
  }
  const changes = await changesIn(edges, folder, base);
  const validation = validateCatalog({ ...readChanges(changes), shippedProfiles });
  return { validation, plan: planOf(changes, validation, question), policyChanged: !changes.isPolicySame };
};

const planOf = (changes: CheckoutChanges, { problems }: Validation, question: Question): CatalogPlan => {
  const { commit, now, shippedProfiles } = question;
  const { policy } = readPolicy(changes.policyFiles, shippedProfiles);
  const at = { commit: commit ?? "", previousCommit: changes.commit };
  if (policy === null)
    return { plan: refusedPlan(at.commit, at.previousCommit, problems), changes: [], teams: [], unknown: [] };
  const policyBefore = changes.isPolicySame
    ? policy
    : (readPolicy(changes.policyBefore, shippedProfiles).policy ?? policy);
  const before = filesOf(changes.before, policyBefore);
  const after = filesOf(changes.labs, policy);
  const paths = pathsConcerned(changes, [...before, ...after]);
  const same = filesOf(changes.checkout.read(paths), policyBefore);
  const unread = changes.paths.length - after.length - paths.length;
  return catalogPlan({ before, after, same, unread, policyBefore, policy, problems, ...at, now });
};

const filesOf = (entries: readonly CatalogEntry[], policy: CatalogPolicy): DesiredFile[] =>
  entries.flatMap((entry) => (entry.kind === "removed" ? [] : [readLabFile(entry, policy)]));

/** Unchanged files of the same teams, whose quotas are shared, and of the same names, which only one may have. */
const pathsConcerned = ({ paths, labs }: CheckoutChanges, touched: readonly DesiredFile[]): string[] => {
  const changed = new Set(labs.map(({ path }) => path));
  const teams = new Set(touched.map(({ team }) => team));
  const names = new Set(touched.flatMap(({ name, mayBe }) => [name, ...mayBe]));
  return paths.filter(
    (path) => !changed.has(path) && (teams.has(readLabPath(path).team) || names.has(labNameOf(path))),
  );
};
