/** Artifacts in a folder: files 0600, folders 0700, whole or not there. */

import { constants } from "node:fs";
import { open, readdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { ArtifactStore } from "../ports.ts";
import { diskError, isMissing } from "./disk-error.ts";
import { replaceFile } from "./durable-file.ts";
import { keySegments, makeFolders, refuseLinks, TEMPORARY } from "./keys.ts";

const { O_RDONLY, O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;

/**
 * Rejects with LK6001. A prefix is a key or a folder of keys: `labs/a` covers `labs/a/log` but not `labs/ab/log`.
 * The folder is made when something is first put.
 */
export function folderArtifacts(root: string): ArtifactStore {
  const base = resolve(root);
  const segmentsOf = (key: string): readonly string[] => keySegments(key, "LK6001");
  const failed = (what: string, error: unknown) => diskError("LK6001", `${what} under ${base}`, error);

  return {
    put: async (key, bytes) => {
      const segments = segmentsOf(key);
      try {
        await replaceFile(join(base, TEMPORARY), await makeFolders(base, segments), bytes);
      } catch (error) {
        throw failed(`cannot write ${key}`, error);
      }
    },

    get: async (key) => {
      const segments = segmentsOf(key);
      try {
        await refuseLinks(base, segments.slice(0, -1));
        await using file = await open(join(base, ...segments), O_RDONLY | O_NOFOLLOW);
        return (await file.stat()).isFile() ? await file.readFile() : null;
      } catch (error) {
        if (isMissing(error)) return null;
        throw failed(`cannot read ${key}`, error);
      }
    },

    append: async (key, text) => {
      const segments = segmentsOf(key);
      try {
        const path = await makeFolders(base, segments);
        await using file = await open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
        await file.writeFile(text);
      } catch (error) {
        throw failed(`cannot append to ${key}`, error);
      }
    },

    list: async (prefix) => {
      const segments = prefix === "" ? [] : segmentsOf(trimSlash(prefix));
      try {
        await refuseLinks(base, segments.slice(0, -1));
        return (await keysUnder(base, segments)).sort();
      } catch (error) {
        if (isMissing(error)) return [];
        throw failed(`cannot list ${prefix}`, error);
      }
    },

    remove: async (prefix) => {
      // An empty prefix is refused here: it would remove every lab's install state.
      const segments = segmentsOf(trimSlash(prefix));
      try {
        await refuseLinks(base, segments.slice(0, -1));
        await rm(join(base, ...segments), { recursive: true, force: true });
      } catch (error) {
        if (!isMissing(error)) throw failed(`cannot remove ${prefix}`, error);
      }
    },
  };
}

const trimSlash = (prefix: string): string => prefix.replace(/\/$/, "");

/** Plain files only; a folder that vanishes while it is walked has nothing in it any more. */
async function keysUnder(base: string, segments: readonly string[]): Promise<string[]> {
  const path = join(base, ...segments);
  const entries = await readdir(path, { withFileTypes: true }).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === "ENOTDIR" && segments.length > 0) return null;
    if (error.code === "ENOENT") return [];
    throw error;
  });
  if (entries === null) return [segments.join("/")];
  const found: string[] = [];
  for (const entry of entries) {
    const key = [...segments, entry.name];
    if (entry.isFile()) found.push(key.join("/"));
    else if (entry.isDirectory() && !(segments.length === 0 && entry.name === TEMPORARY)) {
      found.push(...(await keysUnder(base, key)));
    }
  }
  return found;
}
