/** A lab's folder: everything of one lab, with a marker that says whose it is. */

import { randomBytes } from "node:crypto";
import { chmod, lstat, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Account } from "../postgres/account.ts";
import { syncFolder } from "../postgres/cluster.ts";
import type { Place } from "../postgres/place.ts";
import type { Intent } from "./request.ts";

const MARKER = "lab.json";

export const placeOf = ({ folder }: Intent): Place => ({
  root: folder,
  dataDir: join(folder, "data"),
  logFile: join(folder, "postgres.log"),
});

export type FolderState = "there" | "absent" | { readonly unclear: string };

/** Looks without changing anything. Absent only when the folder above is there to tell. */
export async function lookAtFolder({ folder }: Intent): Promise<FolderState> {
  const [own, above] = await Promise.all([look(folder), look(dirname(folder))]);
  if (own !== "ENOENT") return own === "there" ? "there" : { unclear: `${folder}: ${own}` };
  return above === "there" ? "absent" : { unclear: `${dirname(folder)}: ${above}` };
}

async function look(path: string): Promise<string> {
  return await lstat(path).then(
    () => "there",
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  );
}

/** Makes the folder with its marker, in one move, so that a folder of a lab always has its marker. */
export async function makeFolder(intent: Intent, labId: string, account: Account): Promise<void> {
  if ((await look(intent.folder)) === "there") return await requireOurs(intent);
  const draft = `${intent.folder}.new-${randomBytes(6).toString("hex")}`;
  try {
    await mkdir(draft);
    // As root, Postgres runs as somebody else, who has to pass; what is inside is closed one by one.
    await chmod(draft, account === null ? 0o700 : 0o711);
    await writeFile(join(draft, MARKER), `${JSON.stringify({ infraId: intent.infraId, labId })}\n`, { flush: true });
    await rename(draft, intent.folder);
    await syncFolder(dirname(intent.folder));
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Rejects when the folder was not made for this lab. */
export async function requireOurs(intent: Intent): Promise<void> {
  const text = await readFile(join(intent.folder, MARKER), "utf8");
  const marker = JSON.parse(text) as { infraId?: unknown };
  if (marker.infraId !== intent.infraId) throw new Error(`${intent.folder} belongs to another lab`);
}

/** Empties the folder, but for its marker (when interrupted, the next try still knows it) and the lock that is held. */
export async function emptyFolder({ folder }: Intent): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name !== MARKER && !/^\.?lock\b/.test(name)) await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** Removes the folder and the drafts of it that a killed install left. */
export async function removeFolder({ folder }: Intent): Promise<void> {
  const above = dirname(folder);
  for (const name of await readdir(above)) {
    if (name === basename(folder) || name.startsWith(`${basename(folder)}.new-`)) {
      await rm(join(above, name), { recursive: true, force: true });
    }
  }
  await syncFolder(above);
}

/** The port in use when the one of the intent was taken. */
export async function readPort(intent: Intent): Promise<number> {
  const text = await readFile(join(intent.folder, "port"), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  return Number(text) || intent.port;
}

export async function writePort(intent: Intent, port: number): Promise<void> {
  const draft = join(intent.folder, `port.${randomBytes(6).toString("hex")}`);
  await writeFile(draft, String(port), { flush: true });
  await rename(draft, join(intent.folder, "port"));
}
