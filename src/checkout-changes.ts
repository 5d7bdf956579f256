/** What a working tree holds and what it changed, as validation wants to have it. */

import type { ChangesSince, Checkout } from "./catalog-ports.ts";
import type { CatalogEntry } from "./core/types.ts";
import type { CatalogContent } from "./core/validate.ts";

/** What is read of a catalog; the profiles that labkeeper ships come on top. */
export type CatalogRead = Omit<CatalogContent, "shippedProfiles">;

export interface CheckoutEdges {
  checkout(folder: string): Promise<Checkout>;
  changesSince(folder: string, base: string): Promise<ChangesSince>;
}

/** A working tree beside the commit it is compared with. */
export interface CheckoutChanges {
  /** That commit. */
  readonly commit: string;
  readonly checkout: Checkout;
  /** `catalog.yaml` and `profiles/` as they are now, and as the commit has them. */
  readonly policyFiles: readonly CatalogEntry[];
  readonly policyBefore: readonly CatalogEntry[];
  readonly isPolicySame: boolean;
  /** Paths of all lab files that are there. */
  readonly paths: readonly string[];
  /** Lab files that were added or changed, as they are now. */
  readonly labs: readonly CatalogEntry[];
  /** Lab files that were changed or removed, as the commit has them. */
  readonly before: readonly CatalogEntry[];
}

export const isThere = (entry: CatalogEntry): boolean => entry.kind !== "removed";

const isSame = (a: CatalogEntry, b: CatalogEntry | undefined): boolean =>
  a.kind === "file" && b?.kind === "file" && Buffer.compare(a.bytes, b.bytes) === 0;

/** The entries that are not the same in `before`. */
export const differing = (now: readonly CatalogEntry[], before: readonly CatalogEntry[]): CatalogEntry[] => {
  const old = new Map(before.map((entry) => [entry.path, entry]));
  return now.filter((entry) => !isSame(entry, old.get(entry.path)));
};

export const isSamePolicy = (now: readonly CatalogEntry[], before: readonly CatalogEntry[]): boolean =>
  before.length === now.length && differing(now, before).length === 0;

export const readCheckout = (checkout: Checkout): CatalogRead => {
  const labs = checkout.read(checkout.labPaths()).filter(isThere);
  return { policyFiles: checkout.policyFiles(), labs, elsewhere: [], before: [] };
};

export const changesIn = async (edges: CheckoutEdges, folder: string, base: string): Promise<CheckoutChanges> => {
  const checkout = await edges.checkout(folder);
  const { commit, changed, before, policyBefore } = await edges.changesSince(folder, base);
  const policyFiles = checkout.policyFiles();
  const paths = checkout.labPaths();
  const candidates = changed === null ? differing(checkout.read(paths), before) : checkout.read(changed);
  const labs = candidates.filter(isThere);
  const differ = new Set(labs.map(({ path }) => path));
  const same = new Set(paths.filter((path) => !differ.has(path)));
  return {
    commit,
    checkout,
    policyFiles,
    policyBefore: policyBefore ?? policyFiles,
    isPolicySame: policyBefore === null || isSamePolicy(policyFiles, policyBefore),
    paths,
    labs,
    before: before.filter(({ path }) => !same.has(path)),
  };
};

/** Only what changed; everything when the policy that judges the files changed. */
export const readChanges = (changes: CheckoutChanges): CatalogRead => {
  const { checkout, policyFiles, labs, before } = changes;
  if (!changes.isPolicySame) return { ...readCheckout(checkout), before };
  const judged = new Set(labs.map(({ path }) => path));
  return { policyFiles, labs, elsewhere: changes.paths.filter((path) => !judged.has(path)), before };
};
