/** Runs a program to its end, and keeps what it said. */

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export const standIn = (name: "openshift-install" | "oc" | "ccoctl"): string =>
  fileURLToPath(new URL(`../standins/${name}`, import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** Resolves when it has said this on stderr. */
  said(text: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

export function start(file: string, args: readonly string[], env: Record<string, string>): Running {
  const child = spawn(file, args, {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return {
    pid: child.pid ?? 0,
    ended,
    kill: (signal) => {
      child.kill(signal);
    },
    said: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (stderr.includes(text)) resolve();
        };
        child.stderr.on("data", look);
        child.once("close", () => reject(new Error(`it ended without saying ${text}: ${stderr}`)));
        look();
      }),
  };
}

export const run = (file: string, args: readonly string[], env: Record<string, string>): Promise<Ended> =>
  start(file, args, env).ended;
