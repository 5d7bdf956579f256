/** Artifacts in a folder: files 0600, folders 0700, whole or not there. */

import { constants } from "node:fs";
import { open, readdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { checked, checksumOf, sha256Of } from "../core/checksum.ts";
import { TEMPORARY } from "../core/store-key.ts";
import { LabkeeperError } from "../errors.ts";
import type { ArtifactStore } from "../ports.ts";
import { diskError, isMissing } from "./disk-error.ts";
import { createFile } from "./durable-file.ts";
import { keySegments, makeFolders, refuseLinks } from "./keys.ts";

const { O_RDONLY, O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;

/**
 * Rejects with LK6001, or LK6106 when a key already holds other bytes. A prefix is a key or a folder of keys: `labs/a` covers `labs/a/log` but not `labs/ab/log`.
 * The folder is made when something is first put.
 */
export function folderArtifacts(root: string): ArtifactStore {
  const base = resolve(root);
  const segmentsOf = (key: string): readonly string[] => keySegments(key, "LK6001");
  const failed = (what: string, error: unknown) => diskError("LK6001", `${what} under ${base}`, error);
  const read = async (segments: readonly string[], from: number): Promise<Buffer | null> => {
    await refuseLinks(base, segments.slice(0, -1));
    await using file = await open(join(base, ...segments), O_RDONLY | O_NOFOLLOW);
    const stat = await file.stat();
    if (!stat.isFile()) return null;
    if (from === 0) return await file.readFile();
    const rest = Buffer.alloc(Math.max(0, stat.size - from));
    const { bytesRead } = await file.read(rest, 0, rest.length, from);
    return rest.subarray(0, bytesRead);
  };

  const create = async (
    key: string,
    content: Uint8Array | AsyncIterable<Uint8Array>,
    sha256: string,
  ): Promise<void> => {
    const segments = segmentsOf(key);
    try {
      await createFile(join(base, TEMPORARY), await makeFolders(base, segments), content);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw failed(`cannot write ${key}`, error);
      if (await holds(key, segments, sha256)) return;
      throw new LabkeeperError("LK6106", `${key} under ${base}`);
    }
  };

  const holds = async (key: string, segments: readonly string[], sha256: string): Promise<boolean> => {
    try {
      await using file = await open(join(base, ...segments), O_RDONLY | O_NOFOLLOW);
      if (!(await file.stat()).isFile()) return false;
      return (await checksumOf(file.createReadStream({ autoClose: false }))).sha256 === sha256;
    } catch (error) {
      throw failed(`cannot read ${key}`, error);
    }
  };

  return {
    put: (key, bytes) => create(key, bytes, sha256Of(bytes)),

    putFile: async (key, path, expected) => {
      await using source = await open(path, O_RDONLY | O_NOFOLLOW).catch((error: unknown) => {
        throw diskError("LK6001", `cannot read ${path}`, error);
      });
      const stream = source.createReadStream({ end: Math.max(0, expected.size - 1), autoClose: false });
      await create(key, checked(stream, expected), expected.sha256);
    },

    get: async (key, from = 0) => {
      const segments = segmentsOf(key);
      try {
        return await read(segments, from);
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
