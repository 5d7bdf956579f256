/** Between a folder on this host and the files of a snapshot. Links are neither stored nor followed. */

import { constants } from "node:fs";
import { lstat, mkdir, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { pathsProblem } from "../core/snapshot.ts";
import { LabkeeperError } from "../errors.ts";

const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;

/**
 * The plain files under a folder, as `saveSnapshot` takes them: relative path to absolute path. `wanted` chooses.
 * Rejects with LK6001 when the folder cannot be read.
 */
export async function folderFiles(
  folder: string,
  wanted: (path: string) => boolean = () => true,
): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const walk = async (below: string): Promise<void> => {
    for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
      const path = below === "" ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) await walk(path);
      else if (entry.isFile() && wanted(path)) files.set(path, join(folder, path));
    }
  };
  await walk("").catch((cause: unknown) => {
    throw new LabkeeperError("LK6001", `cannot read ${folder}`, { cause });
  });
  return files;
}

/**
 * Writes files (0600) into a folder (0700), over those of the same name; others stay. Nothing is written outside of it.
 * Rejects with LK6107 when a path is not safe, LK6001 when a link is in the way or the disk refuses.
 */
export async function restoreFolder(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const problem = pathsProblem([...files.keys()]);
  if (problem !== null) throw new LabkeeperError("LK6107", `nothing is restored to ${folder}: ${problem}`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const [path, bytes] of files) {
      await makeParents(folder, path.split("/").slice(0, -1));
      await using file = await open(join(folder, path), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
      await file.writeFile(bytes);
    }
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? "unknown error";
    throw new LabkeeperError("LK6001", `cannot restore to ${folder} (${why})`, { cause });
  }
}

async function makeParents(folder: string, segments: readonly string[]): Promise<void> {
  for (let depth = 1; depth <= segments.length; depth++) {
    const parent = join(folder, ...segments.slice(0, depth));
    await mkdir(parent, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
    if (!(await lstat(parent)).isDirectory()) {
      throw Object.assign(new Error(`${parent} is not a folder`), { code: "ENOTDIR" });
    }
  }
}
