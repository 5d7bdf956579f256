import { catalogRules, immutableProblems } from "./catalog-rules.ts";
import { readLabFile } from "./lab-file.ts";
import { readPolicy } from "./policy.ts";
import type { Position } from "./problem.ts";
import { byPlace, START } from "./problem.ts";
import type { CatalogEntry, CatalogPolicy, DesiredFile, Problem } from "./types.ts";
import { parseYaml } from "./yaml.ts";

/** A catalog, or what changed in it, as it was read from a folder or a commit. */
export interface CatalogContent {
  /** `catalog.yaml` and `profiles/`. */
  readonly policyFiles: readonly CatalogEntry[];
  readonly shippedProfiles: readonly CatalogEntry[];
  /** The lab files to judge. */
  readonly labs: readonly CatalogEntry[];
  /** Paths of lab files that are there and need not be judged. */
  readonly elsewhere: readonly string[];
  /** Lab files as they were before, to find changes of what cannot change. */
  readonly before: readonly CatalogEntry[];
}

export interface Validation {
  /** Lab files judged. */
  readonly files: number;
  readonly problems: readonly Problem[];
}

const present = (entries: readonly CatalogEntry[]): Exclude<CatalogEntry, { kind: "removed" }>[] =>
  entries.filter((entry) => entry.kind !== "removed");

/** Finds places by reading a file again: only those with a problem are, so the many good ones keep nothing in memory. */
const locator = (entries: readonly CatalogEntry[]): ((path: string, pointer: string) => Position) => {
  const byPath = new Map(entries.map((entry) => [entry.path, entry]));
  return (path, pointer) => {
    const entry = byPath.get(path);
    return entry?.kind === "file" ? parseYaml(entry.bytes, path).at(pointer) : START;
  };
};

const changesOfTheFixed = (
  files: readonly DesiredFile[],
  before: readonly CatalogEntry[],
  policy: CatalogPolicy,
  locate: (path: string, pointer: string) => Position,
): Problem[] => {
  if (before.length === 0) return [];
  // The policy that holds now says nothing about what was: only the shape is asked for.
  const old = new Map(
    present(before)
      .map((entry) => readLabFile(entry, null))
      .map((file) => [file.name, file]),
  );
  return files.flatMap((file) => {
    const base = old.get(file.name);
    return base === undefined ? [] : immutableProblems(base, file, policy, locate);
  });
};

/** Everything wrong with a catalog, sorted by path, line and column. Pure: the same content has the same problems. */
export const validateCatalog = (content: CatalogContent): Validation => {
  const { policy, problems } = readPolicy(content.policyFiles, content.shippedProfiles);
  const files = present(content.labs)
    .map((entry) => readLabFile(entry, policy))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const all = [...problems, ...files.flatMap((file) => file.problems)];
  if (policy !== null) {
    const locate = locator(content.labs);
    all.push(...catalogRules({ files, elsewhere: content.elsewhere, policy, locate }));
    all.push(...changesOfTheFixed(files, content.before, policy, locate));
  }
  return { files: files.length, problems: all.sort(byPlace) };
};
