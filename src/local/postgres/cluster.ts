/** A data folder: initdb beside it, then moved into place, so that a half-made one never counts. */

import { randomBytes } from "node:crypto";
import { chown, mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { LabkeeperError } from "../../errors.ts";
import { type Account, runAs } from "./account.ts";
import type { PostgresBinaries } from "./binaries.ts";

export interface ClusterOrder {
  readonly binaries: PostgresBinaries;
  readonly account: Account;
  /** Its parent exists, is ours, and the account can enter it. */
  readonly dataDir: string;
  readonly user: string;
  readonly password: string;
  /** False skips the fsync at the end: for data that may be lost. */
  readonly durable: boolean;
}

/** The major version that made a data folder; null when there is none. */
export async function clusterMajor(dataDir: string): Promise<number | null> {
  try {
    return Number.parseInt(await readFile(join(dataDir, "PG_VERSION"), "utf8"), 10);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** Makes a data folder whose every connection needs the password (scram-sha-256). Call it under a lock. */
export async function initCluster(order: ClusterOrder): Promise<void> {
  await removeDrafts(order.dataDir);
  const draft = `${order.dataDir}.new-${randomBytes(6).toString("hex")}`;
  const passwordFile = `${draft}.pw`;
  try {
    await mkdir(draft, { mode: 0o700 });
    // initdb takes a password by file only; arguments are for everybody to see.
    await writeFile(passwordFile, `${order.password}\n`, { mode: 0o600, flag: "wx" });
    if (order.account !== null) {
      await chown(draft, order.account.uid, order.account.gid);
      await chown(passwordFile, order.account.uid, order.account.gid);
    }
    const { code, stdout, stderr } = await runAs(order.account, order.binaries.initdb, [
      `--pgdata=${draft}`,
      `--username=${order.user}`,
      `--pwfile=${passwordFile}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      "--locale=C",
      "--no-instructions",
      ...(order.durable ? [] : ["--no-sync"]),
    ]);
    if (code !== 0) throw new LabkeeperError("LK7002", `initdb failed: ${(stderr || stdout).trim().slice(-1500)}`);
    await rename(draft, order.dataDir);
    if (order.durable) await syncFolder(dirname(order.dataDir));
  } finally {
    await rm(passwordFile, { force: true });
    await rm(draft, { recursive: true, force: true });
  }
}

/** What a killed initdb left behind. */
async function removeDrafts(dataDir: string): Promise<void> {
  const [parent, name] = [dirname(dataDir), basename(dataDir)];
  for (const entry of await readdir(parent))
    if (entry.startsWith(`${name}.new-`)) await rm(join(parent, entry), { recursive: true, force: true });
}

/** Makes a rename in the folder survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
