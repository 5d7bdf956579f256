import { LabkeeperError } from "../errors.ts";
import { MAX_FILE_BYTES } from "./catalog-files.ts";
import type { Objects } from "./objects.ts";

/**
 * One plain file of a commit by its path; null when there is none. Never leaves the tree: every part of the path is
 * looked up by its name. Rejects with LK1004 when something else, or something too large, is in its place.
 */
export async function catalogFile(
  objects: Objects,
  commit: string,
  path: string,
): Promise<{ readonly blobOid: string; readonly bytes: Uint8Array } | null> {
  const parts = path.split("/");
  const name = parts.pop();
  let tree = (await objects.commit(commit)).tree;
  for (const part of parts) {
    const entry = (await objects.tree(tree)).find((each) => each.name === part);
    if (entry?.kind !== "tree") return null;
    tree = entry.oid;
  }
  const entry = (await objects.tree(tree)).find((each) => each.name === name);
  if (entry === undefined) return null;
  const bytes = entry.kind === "file" ? (await objects.blobs([entry.oid], MAX_FILE_BYTES)).get(entry.oid) : null;
  if (bytes == null) throw new LabkeeperError("LK1004", `${path} is not a plain file of at most 64 KiB`);
  return { blobOid: entry.oid, bytes };
}
