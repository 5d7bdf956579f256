import { promises as fs } from "node:fs";
import git from "isomorphic-git";
import { isLabFile } from "../core/lab-path.ts";
import { LabkeeperError } from "../errors.ts";
import type { CatalogEntry } from "../ports.ts";
import { type BaseTree, openBaseTree } from "./base-tree.ts";
import { isPolicyFile, labEntries, policyPaths, readEntries } from "./catalog-files.ts";
import { CATALOG_PATHS, type ChangedKeys, changedKeys, noSuchBase } from "./changed-keys.ts";
import { diskEntry, diskKeys } from "./disk-entries.ts";
import { enclosingRepository, findRepository, type RepositoryFolders } from "./local-repository.ts";
import { type Objects, openObjects } from "./objects.ts";
import { isOid, resolveRef } from "./refs.ts";
import { displayPath } from "./tree.ts";

/** The lab and policy files that differ from a base commit. */
export interface CatalogChanges {
  /** The commit compared with. */
  readonly base: string;
  /** Added and changed ones, sorted by path. */
  readonly entries: readonly Exclude<CatalogEntry, { kind: "removed" }>[];
  /** Paths that only the base has, sorted. */
  readonly removed: readonly string[];
  /** The base's entry at any path, changed or not; null when it has none. */
  baseEntry(path: string): Promise<CatalogEntry | null>;
}

interface ChangesOptions {
  /** The git program, default "git"; null to do without. */
  readonly gitCommand?: string | null;
  readonly signal?: AbortSignal | undefined;
}

const READS_AT_ONCE = 64;

/**
 * What a working tree changes against the point where it left `baseRef`, committed or not. Files that git ignores do
 * not count. With git on PATH only changed files are read; without it all of them are.
 * Rejects with LK1002 (no repository), LK1003 (no such base), LK1004 (damaged repository).
 */
export async function workingTreeChanges(
  root: string,
  baseRef: string,
  options: ChangesOptions = {},
): Promise<CatalogChanges> {
  const gitCommand = options.gitCommand === undefined ? "git" : options.gitCommand;
  const { repository, prefix } = await enclosingRepository(root);
  const objects = openObjects({ gitdir: repository.common, gitCommand });
  const listed = gitCommand === null ? null : await changedKeys(gitCommand, root, baseRef, options.signal);
  const { base, keys } = listed ?? (await allKeys(root, repository, objects, baseRef));
  const wanted = keys.filter((key) => isCatalogFile(displayPath(key)));
  const baseTree = openBaseTree(objects, (await objects.commit(base)).tree, prefix, wanted.map(displayPath));
  const found: CatalogEntry[] = [];
  for (let at = 0; at < wanted.length; at += READS_AT_ONCE) {
    options.signal?.throwIfAborted();
    const some = await Promise.all(wanted.slice(at, at + READS_AT_ONCE).map((key) => diskEntry(root, key)));
    found.push(...some.filter((entry) => entry !== null));
  }
  return listed === null
    ? changes(base, [...(await differing(found, baseTree)), ...(await missing(found, baseTree))], baseTree)
    : changes(base, found, baseTree);
}

/** The same between two commits: what `ref` changed since it left `baseRef`. `path` is a checkout or bare repository. */
export async function commitChanges(
  path: string,
  baseRef: string,
  ref: string,
  options: ChangesOptions = {},
): Promise<CatalogChanges> {
  const repository = await findRepository(path);
  const objects = openObjects({
    gitdir: repository.common,
    gitCommand: options.gitCommand === undefined ? "git" : options.gitCommand,
  });
  const commit = await objects.peel(await resolveRef(repository, ref === "HEAD" ? null : ref));
  const base = await forkPoint(repository, objects, baseRef, commit);
  const [before, after] = [(await objects.commit(base)).tree, (await objects.commit(commit)).tree];
  const found = [...(await labEntries(objects, before, after)), ...(await policyChanges(objects, before, after))];
  return changes(
    base,
    found,
    openBaseTree(
      objects,
      before,
      "",
      found.map(({ path }) => path),
    ),
  );
}

const isCatalogFile = (path: string): boolean => isLabFile(path) || isPolicyFile(path);

function changes(base: string, found: readonly CatalogEntry[], baseTree: BaseTree): CatalogChanges {
  const sorted = [...found].sort((a, b) => (a.path < b.path ? -1 : 1));
  return {
    base,
    entries: sorted.filter((entry) => entry.kind !== "removed"),
    removed: sorted.filter(({ kind }) => kind === "removed").map(({ path }) => path),
    baseEntry: (path) => baseTree.entry(path),
  };
}

/** Everything on disk, for when git cannot say what changed. */
async function allKeys(
  root: string,
  repository: RepositoryFolders,
  objects: Objects,
  baseRef: string,
): Promise<ChangedKeys> {
  const head = await objects.peel(await resolveRef(repository, null));
  const keys = await Promise.all(CATALOG_PATHS.map((path) => diskKeys(root, path)));
  return { base: await forkPoint(repository, objects, baseRef, head), keys: keys.flat() };
}

async function forkPoint(
  repository: RepositoryFolders,
  objects: Objects,
  baseRef: string,
  head: string,
): Promise<string> {
  const base = await resolveRef(repository, baseRef === "HEAD" ? null : baseRef)
    .then((oid) => objects.peel(oid))
    .catch((cause: unknown) => {
      throw cause instanceof LabkeeperError && cause.code === "LK1002" ? cause : noSuchBase(baseRef, cause);
    });
  if (base === head) return base;
  // A shallow clone may not reach back to where they part; then the base itself is compared with.
  const found: unknown[] = await git
    .findMergeBase({ fs: { promises: fs }, gitdir: repository.common, oids: [base, head] })
    .catch(() => []);
  return found.find((oid): oid is string => typeof oid === "string" && isOid(oid)) ?? base;
}

async function differing(found: readonly CatalogEntry[], baseTree: BaseTree): Promise<CatalogEntry[]> {
  const changed: CatalogEntry[] = [];
  for (const entry of found) {
    const before = await baseTree.find(entry.path);
    if (entry.kind === "removed" || before?.oid !== entry.blobOid) changed.push(entry);
  }
  return changed;
}

async function missing(found: readonly CatalogEntry[], baseTree: BaseTree): Promise<CatalogEntry[]> {
  const there = new Set(found.map(({ path }) => path));
  const paths = await baseTree.paths(CATALOG_PATHS);
  return paths.filter((path) => isCatalogFile(path) && !there.has(path)).map((path) => ({ path, kind: "removed" }));
}

async function policyChanges(objects: Objects, before: string, after: string): Promise<CatalogEntry[]> {
  const [old, now] = await Promise.all(
    [before, after].map(async (tree) => await (await policyPaths(objects, tree)).differences()),
  );
  const former = new Map((old ?? []).map(({ path, after }) => [path, after]));
  const current = new Set((now ?? []).map(({ path }) => path));
  const changed = (now ?? []).filter(({ path, after }) => former.get(path)?.oid !== after?.oid);
  const removed = (old ?? []).filter(({ path }) => !current.has(path));
  return [
    ...(await readEntries(objects, changed)),
    ...removed.map(({ path }): CatalogEntry => ({ path, kind: "removed" })),
  ];
}
