/** Folders and processes that the launcher's tests use, all gone at their end. */

import { type ChildProcess, spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import pg from "pg";
import { onTestFinished } from "vitest";
import { removePostgres } from "../../src/local/postgres/ensure.ts";
import type { Connection } from "../../src/local/postgres/presence.ts";

export const asRoot = process.getuid?.() === 0;
export const NOBODY = { uid: 65534, gid: 65534 };

export interface Folders {
  readonly top: string;
  readonly stateDir: string;
  /** In place of /var/lib/labkeeper. */
  readonly sharedDir: string;
}

/** `below` is the state folder's path in a temporary folder that everybody may pass through. */
export async function folders(below = "state"): Promise<Folders> {
  const top = await mkdtemp(join(tmpdir(), "labkeeper launcher "));
  await chmod(top, 0o711);
  const found = { top, stateDir: join(top, below), sharedDir: join(top, "shared") };
  await mkdir(found.stateDir, { recursive: true });
  onTestFinished(async () => {
    await removePostgres(found);
    await rm(top, { recursive: true, force: true });
  });
  return found;
}

export interface Holder {
  readonly process: ChildProcess;
  readonly connection: Connection;
  leave(): Promise<void>;
  kill(): Promise<void>;
}

/** Starts a process that joins the server; rejects with what it says when it cannot. */
export async function holder(
  { stateDir, sharedDir }: Folders,
  { account = {}, durable = false }: { account?: object; durable?: boolean } = {},
): Promise<Holder> {
  const program = join(import.meta.dirname, "holder.ts");
  const child = spawn(process.execPath, [program, stateDir, sharedDir, durable ? "durable" : ""], {
    ...account,
    cwd: "/",
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
  });
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  onTestFinished(kill);
  const line = await new Promise<string>((resolve) => {
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (said.includes("\n")) resolve(said);
    });
    child.once("close", () => resolve(said || '{"error":"it ended without a word"}'));
  });
  const answer = JSON.parse(line) as { connection: Connection } | { error: string };
  if ("error" in answer) throw new Error(answer.error);
  return {
    process: child,
    connection: answer.connection,
    leave: async () => {
      child.stdin.end();
      await ended;
    },
    kill,
  };
}

export async function query(connection: Connection, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(connection);
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** The server's process, by the pid file beside its data. */
export async function serverPid({ host }: Connection): Promise<number> {
  const text = await readFile(join(dirname(host), "data", "postmaster.pid"), "utf8");
  return Number.parseInt(text, 10);
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
