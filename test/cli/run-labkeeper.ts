import { type ChildProcess, spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageFile } from "../../src/package-root.ts";

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** What stderr said so far. */
  stderr(): string;
}

/** Sources are stripped of their types once, not once a process. */
const COMPILE_CACHE = join(tmpdir(), "labkeeper-test-compile-cache");

type Environment = Readonly<Record<string, string>>;

/** Starts the real command line from source, with nothing of this process's environment but PATH. */
export const start = (args: readonly string[], environment: Environment = {}, cwd = "/"): Running => {
  const child = spawn(process.execPath, [packageFile("src/main.ts"), ...args], {
    cwd,
    env: { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent", NODE_COMPILE_CACHE: COMPILE_CACHE, ...environment },
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
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, ended, stderr: () => stderr };
};

export const labkeeper = (args: readonly string[], environment: Environment = {}, cwd = "/"): Promise<Ended> =>
  start(args, environment, cwd).ended;
