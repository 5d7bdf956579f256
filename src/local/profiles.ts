import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CatalogEntry } from "../core/types.ts";
import { LabkeeperError } from "../errors.ts";

/** git's name for a blob's content, so that a profile reads the same from a folder and from a catalog. */
const blobOid = (bytes: Uint8Array): string =>
  createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");

/**
 * The profile files of a folder on this host, as if a catalog held them under `profiles/`. Sorted by name.
 * Throws LK7003 when the folder cannot be read: a missing folder must not look like one without profiles.
 */
export async function profileFolder(folder: string): Promise<readonly CatalogEntry[]> {
  try {
    const names = (await readdir(folder)).filter((name) => /\.ya?ml$/.test(name)).sort();
    return await Promise.all(
      names.map(async (name) => {
        const bytes = await readFile(join(folder, name));
        return { path: `profiles/${name}`, kind: "file" as const, blobOid: blobOid(bytes), bytes };
      }),
    );
  } catch (cause) {
    throw new LabkeeperError("LK7003", `profiles in ${folder}`, { cause });
  }
}
