import {
  type CheckoutChanges,
  type CheckoutEdges,
  changesIn,
  differing,
  readChanges,
  readCheckout,
} from "../checkout-changes.ts";
import { type CatalogPlan, catalogPlan, emptyReview, refusedCatalogPlan } from "../core/catalog-plan.ts";
import { readLabFile } from "../core/lab-file.ts";
import { labNameOf, readLabPath } from "../core/lab-path.ts";
import { readPolicy } from "../core/policy.ts";
import type { Review } from "../core/pull-request.ts";
import type { CatalogEntry, CatalogPolicy, DesiredFile, Plan } from "../core/types.ts";
import { type Validation, validateCatalog } from "../core/validate.ts";

export interface Question {
  readonly folder: string;
  /** Null: everything is validated, and nothing can be planned. */
  readonly base: string | null;
  /** The commit that is checked out; "" when nothing knows it. */
  readonly commit: string;
  readonly shippedProfiles: readonly CatalogEntry[];
  readonly now: Date;
}

export interface Verdict {
  readonly validation: Validation;
  /** Null without a base. */
  readonly plan: Plan | null;
  readonly review: Review;
  /** Names of which only the records know whether they have a lab. */
  readonly unknown: readonly string[];
}

/** What is wrong with the catalog in a folder, and what merging it would do. Rejects as the edges do. */
export const judge = async (edges: CheckoutEdges, question: Question): Promise<Verdict> => {
  const { folder, base, commit, shippedProfiles } = question;
  if (base === null) {
    const content = readCheckout(await edges.checkout(folder));
    const validation = validateCatalog({ ...content, shippedProfiles });
    return { validation, plan: null, review: emptyReview(commit, "", validation.problems), unknown: [] };
  }
  const changes = await changesIn(edges, folder, base);
  const validation = validateCatalog({ ...readChanges(changes), shippedProfiles });
  return { validation, ...planOf(changes, validation, question) };
};

const planOf = (changes: CheckoutChanges, { problems }: Validation, question: Question): CatalogPlan => {
  const { commit, now, shippedProfiles } = question;
  const { policy } = readPolicy(changes.policyFiles, shippedProfiles);
  const policyBefore = changes.isPolicySame ? policy : readPolicy(changes.policyBefore, shippedProfiles).policy;
  const about = { policyBefore, policyPaths: policyPaths(changes), problems, commit, previousCommit: changes.commit };
  if (policy === null) return refusedCatalogPlan(about);
  const before = filesOf(changes.before, policyBefore ?? policy);
  const after = filesOf(changes.labs, policy);
  const paths = pathsConcerned(changes, [...before, ...after]);
  const same = filesOf(changes.checkout.read(paths), policyBefore ?? policy);
  const unread = changes.paths.length - after.length - paths.length;
  return catalogPlan({ ...about, before, after, same, unread, policy, now });
};

const filesOf = (entries: readonly CatalogEntry[], policy: CatalogPolicy): DesiredFile[] =>
  entries.flatMap((entry) => (entry.kind === "removed" ? [] : [readLabFile(entry, policy)]));

const policyPaths = ({ policyFiles, policyBefore }: CheckoutChanges): string[] => {
  const edited = [...differing(policyFiles, policyBefore), ...differing(policyBefore, policyFiles)];
  return [...new Set(edited.map(({ path }) => path))];
};

/**
 * Unchanged files of the same teams, whose quotas are shared, and of the same names, which only one may have. A changed
 * policy concerns everybody.
 */
const pathsConcerned = (changes: CheckoutChanges, touched: readonly DesiredFile[]): string[] => {
  const changed = new Set(changes.labs.map(({ path }) => path));
  const teams = new Set(touched.map(({ team }) => team));
  const names = new Set(touched.flatMap(({ name, mayBe }) => [name, ...mayBe]));
  return changes.paths.filter(
    (path) =>
      !changed.has(path) && (!changes.isPolicySame || teams.has(readLabPath(path).team) || names.has(labNameOf(path))),
  );
};
