import { mergeBases } from "./merge-bases.ts";
import { isMissing, type Objects } from "./objects.ts";

/** How far back along the branch a merge is looked for. */
const MAX_STEPS = 5_000;

/**
 * The base as it was before `head` was merged into it; the base itself when it does not have the head. Null when the
 * history at hand ends before that is certain.
 */
export async function baseBefore(objects: Objects, head: string, base: string): Promise<string | null> {
  const has = async (commit: string): Promise<boolean | null> => {
    const found = await mergeBases(objects, head, commit);
    return found === null ? null : found.includes(head);
  };
  const now = await has(base);
  if (now !== true) return now === null ? null : base;

  // Once on the branch a commit stays on it, so the branch is halved until the merge is found.
  const branch = await firstParents(objects, base);
  let [low, high] = [0, branch.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const answer = await has(branch[middle] ?? base);
    if (answer === null) return null;
    if (answer) low = middle;
    else high = middle;
  }
  return branch[high] ?? null;
}

/** The commits that were the branch's tip one after the other, newest first, as far as they are at hand. */
async function firstParents(objects: Objects, tip: string): Promise<string[]> {
  const branch: string[] = [];
  for (let at: string | undefined = tip; at !== undefined && branch.length < MAX_STEPS; ) {
    try {
      const { parents } = await objects.commit(at);
      branch.push(at);
      at = parents[0];
    } catch (error) {
      if (isMissing(error)) break;
      throw error;
    }
  }
  return branch;
}
