/** Postgres refuses to run as root, so as root it runs as `nobody`. */

import { spawn } from "node:child_process";
import { chmod, lstat, mkdir } from "node:fs/promises";
import { homedir, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { LabkeeperError } from "../../errors.ts";

/** The user that Postgres runs as; null: the same as this process. */
export type Account = { readonly uid: number; readonly gid: number } | null;

/** 65534 is `nobody` on Linux; initdb wants a user that the system knows by name. */
export const postgresAccount = (): Account => (process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : null);

export interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A clean environment: no PG* variable, locale or time zone of the caller reaches Postgres. */
export const POSTGRES_ENV = { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" } as const;

/** Runs a program to its end. Never rejects: a program that cannot be started has code null and says why in stderr. */
export async function runAs(account: Account, command: string, args: readonly string[], cwd = "/"): Promise<Output> {
  return await new Promise((resolve) => {
    const child = spawn(command, args, { ...account, cwd, env: POSTGRES_ENV, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.once("error", (error) => resolve({ code: null, stdout, stderr: error.message }));
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** Whether the account can enter a folder. Asked of the system rather than worked out: mounts and ACLs count too. */
export async function canEnter(account: Account, folder: string): Promise<boolean> {
  const { code } = await runAs(account, "/bin/sh", ["-c", 'cd -- "$1"', "sh", folder]);
  return code === 0;
}

/**
 * A folder of ours outside the state folder, that the account can enter: for root /var/lib/labkeeper, else in the
 * user's cache. Nobody else may have made it: what lies there is run.
 */
export async function sharedFolder(account: Account, override?: string): Promise<string> {
  const candidates =
    override !== undefined
      ? [override]
      : account !== null
        ? ["/var/lib/labkeeper"]
        : [join(homedir(), ".cache", "labkeeper"), join(tmpdir(), `labkeeper-${userInfo().uid}`)];
  const reasons: string[] = [];
  for (const folder of candidates) {
    try {
      // Said twice because a strict umask would keep the account out.
      if ((await mkdir(folder, { recursive: true, mode: 0o711 })) !== undefined) await chmod(folder, 0o711);
      const found = await lstat(folder);
      if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0)
        reasons.push(`${folder} belongs to somebody else or others may write to it`);
      else if (!(await canEnter(account, folder))) reasons.push(`user ${account?.uid} cannot enter ${folder}`);
      else return folder;
    } catch (error) {
      reasons.push(`${folder}: ${(error as Error).message}`);
    }
  }
  throw new LabkeeperError("LK7002", `no folder that Postgres can reach (${reasons.join("; ")})`);
}
