import { isMissing, type Objects } from "./objects.ts";

/** More is no branch that people work on. */
const MAX_COMMITS = 50_000;

/**
 * A commit and its first parents, oldest first, back to the first that is as old as `since`. A commit that says to be
 * older than its parent, by another clock, happened with it. Null where the history at hand ends before.
 */
export async function firstParents(
  objects: Objects,
  commit: string,
  since: Date,
): Promise<readonly { readonly commit: string; readonly at: Date }[] | null> {
  const found: { readonly commit: string; readonly time: number }[] = [];
  let next: string | undefined = commit;
  while (next !== undefined && found.length < MAX_COMMITS) {
    const oid: string = next;
    const { time, parents } = await objects.commit(oid).catch((error: unknown) => {
      if (isMissing(error) && found.length > 0) return { time: null, parents: [] };
      throw error;
    });
    if (time === null) return null;
    found.push({ commit: oid, time });
    if (time * 1000 <= since.getTime()) break;
    next = parents[0];
  }
  let latest = 0;
  return found.reverse().map(({ commit: oid, time }) => {
    latest = Math.max(latest, time * 1000);
    return { commit: oid, at: new Date(latest) };
  });
}
