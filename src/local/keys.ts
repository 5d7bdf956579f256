/** Keys of the folder stores: relative paths that cannot leave their folder, not by `..` and not by a symlink. */

import { lstat, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isStoreKey } from "../core/store-key.ts";
import type { ErrorCode } from "../errors.ts";
import { LabkeeperError } from "../errors.ts";

/** The segments of a key such as `labs/<lab-id>/<job-id>/log`. Throws `code`, as a stop: asking again cannot help. */
export function keySegments(key: string, code: ErrorCode): readonly string[] {
  if (isStoreKey(key)) return key.split("/");
  throw new LabkeeperError(code, `key ${JSON.stringify(key.slice(0, 200))} is not allowed`, { disposition: "stop" });
}

/** Makes the folders of a key (0700) and answers its path. Rejects when one of them is a link instead of a folder. */
export async function makeFolders(root: string, segments: readonly string[]): Promise<string> {
  const path = join(root, ...segments);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await refuseLinks(root, segments.slice(0, -1));
  return path;
}

/** Rejects with ELOOP when a folder on the way is a symbolic link, with ENOENT when it is missing. */
export async function refuseLinks(root: string, folders: readonly string[]): Promise<void> {
  for (let depth = 1; depth <= folders.length; depth++) {
    const folder = join(root, ...folders.slice(0, depth));
    if ((await lstat(folder)).isSymbolicLink()) {
      throw Object.assign(new Error(`${folder} is a symbolic link`), { code: "ELOOP" });
    }
  }
}
