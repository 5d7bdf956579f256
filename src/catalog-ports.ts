/** How catalogs are read, wherever they are. As ports.ts. */

import type { CatalogEntry } from "./core/types.ts";

/** A git catalog. Paths are relative to the repository's root, with `/`. */
export interface CatalogSource {
  /** Fetches the reference and answers its commit (40 hex digits). */
  head(signal?: AbortSignal): Promise<string>;
  /** `catalog.yaml` and `profiles/*.yaml` at a commit; an empty list when there are none. */
  policyFiles(commit: string): Promise<readonly CatalogEntry[]>;
  /**
   * Everything under `labs/` that differs; all of it when `from` is null or no longer known.
   * `complete` says that the list is the whole catalog rather than a difference.
   */
  labChanges(
    from: string | null,
    to: string,
  ): Promise<{ readonly entries: readonly CatalogEntry[]; readonly complete: boolean }>;
  /** False also when `ancestor` is not known: history that cannot be followed is not trusted. */
  isAncestor(ancestor: string, descendant: string): Promise<boolean>;
}

/** What was merged when: the branch's own commits, without those that came with a merge. */
export interface CatalogHistory {
  /**
   * First parents of a commit back to a time, oldest first, that commit last. Begins with what the branch had at that
   * time, where its history goes back so far. Times are those of the committers' clocks.
   */
  commitsSince(commit: string, since: Date): Promise<readonly { readonly commit: string; readonly at: Date }[]>;
}

/** A catalog that is checked out in a folder, committed or not. Entries have no blob oid. */
export interface Checkout {
  /** `catalog.yaml` and `profiles/*.yaml`. */
  policyFiles(): readonly CatalogEntry[];
  /** Paths of everything under `labs/` that looks like a lab. */
  labPaths(): readonly string[];
  /** The entries of some of these paths, in the same order; one that is gone is `removed`. */
  read(paths: readonly string[]): readonly CatalogEntry[];
}

/** How a working tree differs from a commit. */
export interface ChangesSince {
  /** The commit that it was compared with: where the branch left the base. */
  readonly commit: string;
  /** Paths under `labs/` that were added or changed, tracked or not; null when only comparing contents can tell. */
  readonly changed: readonly string[] | null;
  /** Lab files as the commit has them: those changed or removed since, or all of them when `changed` is null. */
  readonly before: readonly CatalogEntry[];
  /** `catalog.yaml` and `profiles/` as the commit has them; null when they are the same now. */
  readonly policyBefore: readonly CatalogEntry[] | null;
}

/** The commit that is checked out in a folder, or in the repository around it. */
export interface CheckedOut {
  readonly commit: string;
  /** All that the commit names, also those that a shallow clone did not fetch. */
  readonly parents: readonly string[];
  /** The folder's place in the repository: "" or a path that ends in a slash. */
  readonly prefix: string;
  /** Whether a commit was fetched. */
  has(commit: string): Promise<boolean>;
}
