import type { ChangesSince } from "../catalog-ports.ts";
import { isLabFile } from "../core/lab-path.ts";
import type { CatalogEntry } from "../core/types.ts";
import { labEntries, policyPaths, readEntries } from "./catalog-files.ts";
import { forkPoint } from "./fork-point.ts";
import { gitChanges } from "./git-changes.ts";
import { enclosingRepository } from "./local-repository.ts";
import { type Objects, openObjects } from "./objects.ts";
import type { Difference } from "./tree-diff.ts";

/**
 * How the checkout in a folder differs from the point where its branch left `base`, committed or not. The folder may
 * lie inside a larger repository. Rejects with LK1002 when it is in none, LK1003 when there is no such commit, LK1004
 * when an object cannot be read. `gitCommand` null does without the git program.
 */
export async function changesSince(
  folder: string,
  base: string,
  gitCommand: string | null = "git",
): Promise<ChangesSince> {
  const { repository, prefix } = await enclosingRepository(folder);
  const objects = openObjects({ gitdir: repository.common, gitCommand });
  const listed = gitCommand === null ? null : await gitChanges(gitCommand, folder, base);
  const commit = listed?.base ?? (await forkPoint(repository, objects, base));
  const policyBefore = async (): Promise<readonly CatalogEntry[]> => {
    const tree = await folderTree(objects, commit, prefix);
    return tree === null ? [] : await readEntries(objects, await (await policyPaths(objects, tree)).differences());
  };
  if (listed === null) {
    const tree = await folderTree(objects, commit, prefix);
    const before = tree === null ? [] : await labEntries(objects, null, tree);
    return { commit, changed: null, before, policyBefore: await policyBefore() };
  }
  const labs = listed.changes.filter(({ path }) => isLabFile(path));
  const former = labs.flatMap(({ path, before }): Difference[] =>
    before === null ? [] : [{ path, before: null, after: before }],
  );
  const isPolicyChanged = listed.changes.some(({ path }) => !path.startsWith("labs/"));
  return {
    commit,
    changed: labs.filter(({ isThere }) => isThere).map(({ path }) => path),
    before: await readEntries(objects, former),
    policyBefore: isPolicyChanged ? await policyBefore() : null,
  };
}

/** The tree of a folder ("" or a path that ends in a slash) in a commit; null when the commit has no such folder. */
async function folderTree(objects: Objects, commit: string, prefix: string): Promise<string | null> {
  let oid = (await objects.commit(commit)).tree;
  for (const name of prefix.split("/").filter((part) => part !== "")) {
    const entry = (await objects.tree(oid)).find((each) => each.name === name);
    if (entry?.kind !== "tree") return null;
    oid = entry.oid;
  }
  return oid;
}
