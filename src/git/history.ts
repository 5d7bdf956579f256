import { isMissing, type Objects } from "./objects.ts";

/** `unknown`: the history at hand ends before an answer (a shallow clone, or more commits than are followed). */
export type Ancestry = "yes" | "no" | "unknown";

/** Commits looked at before giving up; the last trusted commit is nearly always a few steps away. */
const MAX_COMMITS = 20_000;

/**
 * Whether `ancestor` is in the history of `descendant`, breadth first from the newest commit.
 * `shallow` holds the commits whose parents were not fetched.
 */
export async function ancestry(
  objects: Objects,
  ancestor: string,
  descendant: string,
  shallow: ReadonlySet<string>,
): Promise<Ancestry> {
  const seen = new Set([descendant]);
  let cut = false;
  for (const oid of seen) {
    if (oid === ancestor) return "yes";
    if (seen.size > MAX_COMMITS) return "unknown";
    if (shallow.has(oid)) {
      cut = true;
      continue;
    }
    const parents = await parentsOf(objects, oid);
    if (parents === null) cut = true;
    // A Set is walked in the order it is filled, also while it grows.
    else for (const parent of parents) seen.add(parent);
  }
  return cut ? "unknown" : "no";
}

async function parentsOf(objects: Objects, oid: string): Promise<readonly string[] | null> {
  try {
    return (await objects.commit(oid)).parents;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
