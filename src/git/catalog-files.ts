import { isLabFile } from "../core/lab-path.ts";
import type { CatalogEntry } from "../core/types.ts";
import { LabkeeperError } from "../errors.ts";
import type { Objects } from "./objects.ts";
import type { TreeEntry } from "./tree.ts";
import { type Difference, diffTrees } from "./tree-diff.ts";

/** A lab file is a few hundred bytes; documents above this are refused unread. */
export const MAX_FILE_BYTES = 64 * 1024;

/** Whether a path is part of the policy that lab files are judged by. */
export const isPolicyFile = (path: string): boolean =>
  path === "catalog.yaml" || /^profiles\/[^/]+\.ya?ml$/i.test(path);

/** The tree of `labs/`; null when there is none. */
export const labFolder = (objects: Objects, rootTree: string): Promise<string | null> =>
  folder(objects, rootTree, "labs");

/** The differences under `labs/` between two commits' trees (null: everything), sorted by path, contents read. */
export async function labEntries(objects: Objects, from: string | null, to: string): Promise<CatalogEntry[]> {
  const before = from === null ? null : await labFolder(objects, from);
  const differences = await diffTrees(objects, "labs", before, await labFolder(objects, to));
  return await readEntries(
    objects,
    differences.filter(({ path }) => isLabFile(path)),
  );
}

/** Null when there is none; anything there but a folder is a catalog that cannot be read, not an empty one. */
async function folder(objects: Objects, rootTree: string, name: "labs" | "profiles"): Promise<string | null> {
  const entry = (await objects.tree(rootTree)).find(({ key }) => key === name);
  if (entry === undefined) return null;
  if (entry.kind === "tree") return entry.oid;
  throw new LabkeeperError("LK1004", `${name} is a ${entry.kind}, not a folder`, {
    remedy: `Make \`${name}\` a folder again; labs stay as they are until then.`,
  });
}

/** `catalog.yaml` and the profiles, not yet read; `key` changes whenever their contents do. */
export async function policyPaths(
  objects: Objects,
  rootTree: string,
): Promise<{ readonly key: string; readonly differences: () => Promise<Difference[]> }> {
  const catalog = (await objects.tree(rootTree)).find(({ key, kind }) => key === "catalog.yaml" && kind !== "tree");
  const profiles = await folder(objects, rootTree, "profiles");
  return {
    key: `${catalog?.kind}:${catalog?.oid} ${profiles}`,
    differences: async () => [
      ...added("catalog.yaml", catalog),
      ...(profiles === null ? [] : await objects.tree(profiles)).flatMap((entry) => {
        const path = `profiles/${entry.name}`;
        return isPolicyFile(path) ? added(path, entry) : [];
      }),
    ],
  };
}

function added(path: string, entry: TreeEntry | undefined): Difference[] {
  if (entry === undefined || entry.kind === "tree") return [];
  return [{ path, before: null, after: { kind: entry.kind, oid: entry.oid } }];
}

/** Reads the files among some differences and answers all of them, sorted by path. */
export async function readEntries(
  objects: Objects,
  differences: readonly Difference[],
  signal?: AbortSignal,
): Promise<CatalogEntry[]> {
  const oids = differences.flatMap(({ after }) => (after?.kind === "file" ? [after.oid] : []));
  const contents = await objects.blobs(oids, MAX_FILE_BYTES, signal);
  const entries = differences.map(({ path, after }): CatalogEntry => {
    if (after === null) return { path, kind: "removed" };
    if (after.kind !== "file") return { path, kind: "refused", blobOid: after.oid, why: after.kind };
    const bytes = contents.get(after.oid);
    if (bytes === undefined) throw new LabkeeperError("LK1004", `${path} (${after.oid}) was not read`);
    return bytes === null
      ? { path, kind: "refused", blobOid: after.oid, why: "too-large" }
      : { path, kind: "file", blobOid: after.oid, bytes };
  });
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}
