import { createHash } from "node:crypto";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import type { CatalogEntry } from "../ports.ts";
import { MAX_FILE_BYTES } from "./catalog-files.ts";
import { displayPath } from "./tree.ts";

/** Stands for content that was not read. */
const NO_OID = "0".repeat(40);

/** A path's bytes, one character each, below a root: names on disk need not be UTF-8. */
const onDisk = (root: string, key: string): Buffer =>
  Buffer.concat([Buffer.from(`${root}/`), Buffer.from(key, "latin1")]);

/**
 * One path of a working tree as the catalog would hold it: `removed` when it is not there, null for what git does not
 * keep (sockets, devices). Links are not followed, and files above the limit are not read.
 */
export async function diskEntry(root: string, key: string): Promise<CatalogEntry | null> {
  const path = displayPath(key);
  const file = onDisk(root, key);
  const found = await lstat(file).catch(gone);
  if (found === null) return { path, kind: "removed" };
  if (found.isSymbolicLink()) {
    return { path, kind: "refused", blobOid: blobOid(await readlink(file, "buffer")), why: "symlink" };
  }
  // git lists a folder only when it is a repository of its own.
  if (found.isDirectory()) return { path, kind: "refused", blobOid: NO_OID, why: "submodule" };
  if (!found.isFile()) return null;
  if (found.size > MAX_FILE_BYTES) return { path, kind: "refused", blobOid: NO_OID, why: "too-large" };
  const bytes = await readFile(file);
  return { path, kind: "file", blobOid: blobOid(bytes), bytes };
}

/** The files and links in a folder, all the way down, as keys relative to the root; git's own folders are left out. */
export async function diskKeys(root: string, key: string): Promise<string[]> {
  const found = await lstat(onDisk(root, key)).catch(gone);
  if (found === null) return [];
  if (!found.isDirectory()) return [key];
  const keys: string[] = [];
  for (const entry of await readdir(onDisk(root, key), { encoding: "buffer", withFileTypes: true })) {
    const name = entry.name.toString("latin1");
    if (name === ".git") continue;
    if (entry.isDirectory()) keys.push(...(await diskKeys(root, `${key}/${name}`)));
    else keys.push(`${key}/${name}`);
  }
  return keys;
}

function gone(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return null;
  throw error;
}

/** https://git-scm.com/book/en/v2/Git-Internals-Git-Objects#_object_storage */
const blobOid = (bytes: Buffer): string =>
  createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
