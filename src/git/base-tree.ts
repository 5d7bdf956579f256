import type { CatalogEntry } from "../ports.ts";
import { readEntries } from "./catalog-files.ts";
import type { Objects } from "./objects.ts";
import type { TreeEntry } from "./tree.ts";
import { type Difference, diffTrees } from "./tree-diff.ts";

/** The files of one commit, by path. */
export interface BaseTree {
  /** What stands at a path; null when nothing or a folder does. */
  find(path: string): Promise<Difference["after"]>;
  /** The same with its content read. */
  entry(path: string): Promise<CatalogEntry | null>;
  /** Every file, link and submodule at or below these paths. */
  paths(roots: readonly string[]): Promise<readonly string[]>;
}

/**
 * `prefix` is where the catalog lies in the repository ("" or a path that ends in a slash). `likely` are the paths
 * that will be asked for: they are read together at the first question.
 */
export function openBaseTree(objects: Objects, rootTree: string, prefix: string, likely: readonly string[]): BaseTree {
  const folders = new Map<string, Promise<ReadonlyMap<string, TreeEntry>>>();
  let prepared: Promise<ReadonlyMap<string, CatalogEntry>> | null = null;

  const folder = (oid: string): Promise<ReadonlyMap<string, TreeEntry>> => {
    const known =
      folders.get(oid) ?? objects.tree(oid).then((entries) => new Map(entries.map((entry) => [entry.name, entry])));
    folders.set(oid, known);
    return known;
  };

  const lookUp = async (path: string): Promise<TreeEntry | null> => {
    const names = (prefix + path).split("/");
    const last = names.pop() ?? "";
    let oid = rootTree;
    for (const name of names) {
      const entry = (await folder(oid)).get(name);
      if (entry?.kind !== "tree") return null;
      oid = entry.oid;
    }
    return (await folder(oid)).get(last) ?? null;
  };

  const find = async (path: string): Promise<Difference["after"]> => {
    const entry = await lookUp(path);
    return entry === null || entry.kind === "tree" ? null : { kind: entry.kind, oid: entry.oid };
  };

  const read = async (paths: readonly string[]): Promise<ReadonlyMap<string, CatalogEntry>> => {
    const found: Difference[] = [];
    for (const path of paths) {
      const after = await find(path);
      if (after !== null) found.push({ path, before: null, after });
    }
    return new Map((await readEntries(objects, found)).map((entry) => [entry.path, entry]));
  };

  const expected = new Set(likely);
  return {
    find,
    async entry(path) {
      if (!expected.has(path)) return (await read([path])).get(path) ?? null;
      prepared ??= read(likely);
      return (await prepared).get(path) ?? null;
    },
    async paths(roots) {
      const found: string[] = [];
      for (const root of roots) {
        const entry = await lookUp(root);
        if (entry?.kind !== "tree") found.push(...(entry === null ? [] : [root]));
        else found.push(...(await diffTrees(objects, root, null, entry.oid)).map(({ path }) => path));
      }
      return found;
    },
  };
}
