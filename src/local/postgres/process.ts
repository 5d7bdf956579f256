/** Which process a pid means: pids are used again, so a pid alone proves nothing. */

import { execFile } from "node:child_process";
import { readFile, readlink, realpath } from "node:fs/promises";
import { promisify } from "node:util";

export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque; differs when the pid was used again. */
  readonly startedAt: string;
  /** Differs after a reboot; empty where the system has none. */
  readonly boot: string;
}

const run = promisify(execFile);

/** Null when there is no such process, or only its zombie. */
export async function identify(pid: number): Promise<ProcessIdentity | null> {
  const startedAt = process.platform === "linux" ? await linuxStart(pid) : await psStart(pid);
  return startedAt === null ? null : { pid, startedAt, boot: await bootId() };
}

export async function isSameProcess(identity: ProcessIdentity): Promise<boolean> {
  const now = await identify(identity.pid);
  return now !== null && now.startedAt === identity.startedAt && now.boot === identity.boot;
}

/** The folder a process works in, or null when there is no such process or it is somebody else's. Linux only. */
export async function workingFolder(pid: number): Promise<string | null> {
  return await readlink(`/proc/${pid}/cwd`).catch(() => null);
}

/** True when `pid` is a running Postgres on exactly this data folder. Postgres changes into its data folder at start. */
export async function isPostgresOn(pid: number, dataDir: string): Promise<boolean> {
  const real = await realpath(dataDir).catch(() => dataDir);
  if (process.platform === "linux") {
    const folder = await workingFolder(pid);
    return folder === real || folder === `${real} (deleted)`;
  }
  const { stdout } = await run("ps", ["-o", "command=", "-p", String(pid)]).catch(() => ({ stdout: "" }));
  return stdout.includes("postgres") && stdout.includes(dataDir);
}

async function linuxStart(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  if (stat === null) return null;
  // The second field is the program's name in parentheses and may hold anything, so count from its end (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? null : (fields[19] ?? null);
}

async function psStart(pid: number): Promise<string | null> {
  const { stdout } = await run("ps", ["-o", "lstart=", "-p", String(pid)]).catch(() => ({ stdout: "" }));
  return stdout.trim() === "" ? null : stdout.trim();
}

async function bootId(): Promise<string> {
  return (await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "")).trim();
}
