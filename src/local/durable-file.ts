/** Files that are whole or not there, also after a power cut. */

import { randomUUID } from "node:crypto";
import { link, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

type Content = Uint8Array | AsyncIterable<Uint8Array>;

async function writeSynced(path: string, content: Content): Promise<void> {
  await using file = await open(path, "wx", 0o600);
  await file.writeFile(content);
  await file.sync();
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, "r");
  await folder.sync();
}

async function throughTemporary(
  folder: string,
  path: string,
  content: Content,
  place: (temporary: string) => Promise<void>,
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = join(folder, randomUUID());
  try {
    await writeSynced(temporary, content);
    await place(temporary);
    await syncFolder(dirname(path));
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Puts a file (0600) in place of whatever was there. `folder` holds the half-written one and is on the same disk. */
export const replaceFile = (folder: string, path: string, bytes: Uint8Array): Promise<void> =>
  throughTemporary(folder, path, bytes, (temporary) => rename(temporary, path));

/** Puts a file (0600) where none is; rejects with EEXIST when somebody was first, and leaves theirs as it is. */
export const createFile = (folder: string, path: string, content: Content): Promise<void> =>
  throughTemporary(folder, path, content, (temporary) => link(temporary, path));
