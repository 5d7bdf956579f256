import { promises as fs } from "node:fs";
import { LabkeeperError } from "../errors.ts";
import { noSuchBase } from "./git-changes.ts";
import type { RepositoryFolders } from "./local-repository.ts";
import type { Objects } from "./objects.ts";
import { isOid, resolveRef } from "./refs.ts";

/**
 * The commit where HEAD left `baseRef` (a branch, tag, full name, oid or HEAD), without the git program; the base
 * itself when the history at hand does not reach back to it. Rejects with LK1003 when there is no such commit.
 */
export async function forkPoint(repository: RepositoryFolders, objects: Objects, baseRef: string): Promise<string> {
  const commitOf = async (ref: string): Promise<string> => await objects.peel(await resolveRef(repository, ref));
  const base = await commitOf(baseRef).catch((cause: unknown) => {
    throw cause instanceof LabkeeperError && cause.code === "LK1001" ? cause : noSuchBase(baseRef, cause);
  });
  const head = await commitOf("HEAD");
  if (base === head) return base;
  const { default: git } = await import("isomorphic-git");
  const found: unknown[] = await git
    .findMergeBase({ fs: { promises: fs }, gitdir: repository.common, oids: [base, head] })
    .catch(() => []);
  return found.find((oid): oid is string => typeof oid === "string" && isOid(oid)) ?? base;
}
