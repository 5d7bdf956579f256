import type { CheckedOut } from "../catalog-ports.ts";
import { enclosingRepository } from "./local-repository.ts";
import { openObjects } from "./objects.ts";
import { resolveRef } from "./refs.ts";

/** What is checked out. Rejects with LK1002 when the folder is in no repository, LK1003 or LK1004 when nothing readable is checked out. */
export async function checkedOut(folder: string, gitCommand: string | null = "git"): Promise<CheckedOut> {
  const { repository, prefix } = await enclosingRepository(folder);
  const objects = openObjects({ gitdir: repository.common, gitCommand });
  const commit = await resolveRef(repository, null);
  const { parents } = await objects.commit(commit);
  return { commit, parents, prefix, has: (oid) => objects.hasCommit(oid) };
}
