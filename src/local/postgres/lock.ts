/**
 * A lock between processes of one host that outlives no holder. Node has no flock, so it is a series of files
 * `lock.N`, each naming its holder; the highest counts. Taking it over from a dead holder means creating N+1,
 * which only one process can. The highest file is only ever removed by the holder of a higher one.
 * It keeps apart the processes of one host and one process namespace, like Postgres' own check of its data folder.
 */

import { randomBytes } from "node:crypto";
import { link, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { LabkeeperError } from "../../errors.ts";
import { identify, isSameProcess, type ProcessIdentity } from "./process.ts";

/** Longer than a server may take to recover, which happens under the lock. */
const WAIT_MS = 330_000;

/** Runs `work` while no other process holds the lock of `folder` (which exists). Fails with LK7002 after five and a half minutes. */
export async function withLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const release = await acquire(folder);
  try {
    return await work();
  } finally {
    await release();
  }
}

async function acquire(folder: string): Promise<() => Promise<void>> {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    const last = (await generations(folder)).at(-1) ?? 0;
    const holder = last === 0 ? null : await readHolder(folder, last);
    if (holder === null || !(await isSameProcess(holder))) {
      if (await claim(folder, last + 1)) return async () => await free(folder, last + 1);
    } else if (Date.now() > deadline) {
      throw new LabkeeperError(
        "LK7002",
        `process ${holder.pid} holds the start lock in ${folder} for over five minutes`,
        {
          remedy: `See what process ${holder.pid} does, and end it when it hangs.`,
        },
      );
    }
    await delay(5 + Math.random() * 15);
  }
}

async function claim(folder: string, generation: number): Promise<boolean> {
  const draft = await writeDraft(folder, JSON.stringify(await identify(process.pid)));
  try {
    await link(draft, file(folder, generation));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
  const all = await generations(folder);
  if (all.at(-1) !== generation) {
    // Others went past this number while we slept between reading and claiming; theirs counts.
    await rm(file(folder, generation), { force: true });
    return false;
  }
  for (const older of all.slice(0, -1)) await rm(file(folder, older), { force: true });
  return true;
}

async function free(folder: string, generation: number): Promise<void> {
  // The file stays, empty of a holder: the numbers must never go down while somebody may be reading them.
  await rename(await writeDraft(folder, "null"), file(folder, generation));
}

async function writeDraft(folder: string, text: string): Promise<string> {
  const path = join(folder, `.lock-${process.pid}-${randomBytes(6).toString("hex")}`);
  await writeFile(path, text, { mode: 0o600 });
  return path;
}

async function generations(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names
    .map((name) => Number(/^lock\.(\d+)$/.exec(name)?.[1] ?? Number.NaN))
    .filter((number) => Number.isSafeInteger(number))
    .sort((a, b) => a - b);
}

async function readHolder(folder: string, generation: number): Promise<ProcessIdentity | null> {
  try {
    return JSON.parse(await readFile(file(folder, generation), "utf8")) as ProcessIdentity | null;
  } catch (error) {
    // Gone: a higher one is there. Half a file cannot be: it is linked when complete, unless the host lost power.
    if ((error as NodeJS.ErrnoException).code === "ENOENT" || error instanceof SyntaxError) return null;
    throw error;
  }
}

const file = (folder: string, generation: number): string => join(folder, `lock.${generation}`);
