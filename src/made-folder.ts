import { constants } from "node:fs";
import { access, mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { LabkeeperError } from "./errors.ts";

/**
 * Makes a folder and those above it, one by one, all with `mode`; answers whether it was not there before. Node's own
 * recursive mkdir tries for ever where the system answers a mkdir with ENOENT (below /proc).
 * @throws LK7003 when something on the way is no folder, or may not be written to
 */
export async function madeFolder(path: string, mode: number): Promise<boolean> {
  const missing: string[] = [];
  let there = resolve(path);
  while (!(await isFolder(there, path))) {
    missing.unshift(there);
    there = dirname(there);
  }
  try {
    await access(there, constants.W_OK | constants.X_OK);
    for (const folder of missing) await mkdirOnce(folder, mode);
  } catch (error) {
    throw unusable(path, (error as Error).message, error);
  }
  return missing.length > 0;
}

/** False when nothing is there; the root always is. */
async function isFolder(path: string, wanted: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // ENOTDIR: something above is a file, which its own turn finds.
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    throw unusable(wanted, (error as Error).message, error);
  }
  throw unusable(wanted, `${path} is a file, not a folder`);
}

/** Another process may make the same folder meanwhile. */
async function mkdirOnce(folder: string, mode: number): Promise<void> {
  try {
    await mkdir(folder, { mode });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST" || !(await stat(folder)).isDirectory()) throw error;
  }
}

const unusable = (path: string, why: string, cause?: unknown): LabkeeperError =>
  new LabkeeperError("LK7003", `${path} cannot be used as a folder: ${why}`, {
    ...(cause !== undefined && { cause }),
    remedy: "Name a folder that this user may write to (the state folder: --state-dir or LABKEEPER_STATE_DIR).",
  });
