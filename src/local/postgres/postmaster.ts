/** One Postgres server process: start it on a data folder, find it, stop it. */

import { spawn } from "node:child_process";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { LabkeeperError } from "../../errors.ts";
import { type Account, POSTGRES_ENV } from "./account.ts";
import type { PostgresBinaries } from "./binaries.ts";
import { isPostgresOn } from "./process.ts";

/** What `postmaster.pid` says; the lines are those of Postgres' src/include/utils/pidfile.h. */
export interface PidFile {
  readonly pid: number;
  readonly port: number;
  readonly socketDir: string;
  /** starting, stopping, ready or standby. */
  readonly status: string;
}

export interface StartOrder {
  readonly binaries: PostgresBinaries;
  readonly account: Account;
  readonly dataDir: string;
  readonly logFile: string;
  readonly settings: Readonly<Record<string, string | number>>;
}

const LOG_LIMIT = 5 * 1024 * 1024;
/** Recovery after a crash may take its time; Postgres' own pg_ctl waits 60 s by default. */
const START_LIMIT_MS = 300_000;
/** What is left of a killed server needs a moment to notice and go. */
const REMAINS_LIMIT_MS = 15_000;

/** Null when there is no file or it is not complete yet. */
export async function readPidFile(dataDir: string): Promise<PidFile | null> {
  const text = await readFile(join(dataDir, "postmaster.pid"), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const lines = text.split("\n");
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return null;
  return { pid, port: Number(lines[3] ?? 0), socketDir: lines[4] ?? "", status: (lines[7] ?? "starting").trim() };
}

/** The server that runs on a data folder now, ready or not. A file left by a dead one does not count. */
export async function findPostmaster(dataDir: string): Promise<PidFile | null> {
  const file = await readPidFile(dataDir);
  return file !== null && (await isPostgresOn(file.pid, dataDir)) ? file : null;
}

/** Starts a detached server and waits until it takes connections. Call it under a lock. LK7002 with the log's end. */
export async function startPostmaster(order: StartOrder): Promise<PidFile> {
  await forgetStrangersPid(order.dataDir);
  const deadline = Date.now() + REMAINS_LIMIT_MS;
  for (;;) {
    const result = await tryStart(order);
    if (typeof result !== "string") return result;
    const remains = /pre-existing shared memory block|lock file ".*" already exists/.test(result);
    if (!remains || Date.now() > deadline) throw new LabkeeperError("LK7002", `${result} (log: ${order.logFile})`);
    await delay(200);
  }
}

/** Waits for a server that is there to be ready; null when it goes instead. */
export async function waitReady(dataDir: string): Promise<PidFile | null> {
  const deadline = Date.now() + START_LIMIT_MS;
  for (let pause = 2; Date.now() < deadline; pause = Math.min(pause * 1.3, 50)) {
    const found = await findPostmaster(dataDir);
    if (found === null || found.status === "stopping") return null;
    if (found.status === "ready") return found;
    await delay(pause);
  }
  throw new LabkeeperError("LK7002", `the server on ${dataDir} is not ready after ${START_LIMIT_MS / 60_000} minutes`);
}

/**
 * Stops the server of a data folder, whatever its clients do; returns when the process is gone. Nothing to do: fine.
 * `keepData` false skips writing what is in memory: the data is removed anyway.
 */
export async function stopPostmaster(dataDir: string, keepData = true): Promise<void> {
  const running = await findPostmaster(dataDir);
  if (running === null) return;
  // SIGINT: a fast shutdown that writes everything. SIGQUIT: at once, the next start recovers from the log.
  for (const [signal, patience] of [
    ["SIGINT", 60_000],
    ["SIGQUIT", 10_000],
    ["SIGKILL", 10_000],
  ] as const) {
    if (signal === "SIGINT" && !keepData) continue;
    send(running.pid, signal);
    const deadline = Date.now() + patience;
    for (let pause = 2; Date.now() < deadline; pause = Math.min(pause * 1.3, 50)) {
      if (!(await isPostgresOn(running.pid, dataDir))) return;
      await delay(pause);
    }
  }
  throw new LabkeeperError("LK7002", `process ${running.pid} on ${dataDir} does not end`);
}

async function tryStart(order: StartOrder): Promise<PidFile | string> {
  const log = await openLog(order.logFile);
  const from = (await log.stat()).size;
  const settings = Object.entries(order.settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const child = spawn(order.binaries.postgres, ["-D", order.dataDir, ...settings], {
    ...order.account,
    cwd: "/",
    env: POSTGRES_ENV,
    detached: true,
    stdio: ["ignore", log.fd, log.fd],
  });
  let ended: string | null = null;
  child.once("error", (error) => (ended = error.message));
  child.once("exit", (code, signal) => (ended = `postgres ended with ${signal ?? `code ${code}`}`));
  child.unref();
  await log.close();

  const deadline = Date.now() + START_LIMIT_MS;
  for (let pause = 2; Date.now() < deadline; pause = Math.min(pause * 1.3, 50)) {
    await delay(pause);
    if (ended !== null) return `${ended}: ${(await logSince(order.logFile, from)) || "it said nothing"}`;
    const file = await readPidFile(order.dataDir);
    if (file !== null && file.pid === child.pid && file.status === "ready") return file;
  }
  return `not ready after ${START_LIMIT_MS / 60_000} minutes: ${await logSince(order.logFile, from)}`;
}

/**
 * After a crash the pid in the file may belong to another program by now. Postgres would take that one for a server
 * and refuse to start. Its own check for remains, by shared memory, still stands.
 */
async function forgetStrangersPid(dataDir: string): Promise<void> {
  const file = await readPidFile(dataDir);
  if (file !== null && !(await isPostgresOn(file.pid, dataDir)))
    await rm(join(dataDir, "postmaster.pid"), { force: true });
}

async function openLog(logFile: string) {
  const size = await stat(logFile).then(
    (found) => found.size,
    () => 0,
  );
  if (size > LOG_LIMIT) await rename(logFile, `${logFile}.1`);
  return await open(logFile, "a", 0o600);
}

async function logSince(logFile: string, from: number): Promise<string> {
  const bytes = await readFile(logFile).catch(() => Buffer.alloc(0));
  const lines = bytes.subarray(from).toString("utf8").trim().split("\n");
  return lines.slice(-8).join(" | ").slice(-1500);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
