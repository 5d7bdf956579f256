import { spawn } from "node:child_process";
import { LabkeeperError } from "../errors.ts";

/** A whole run of git may take this long, in milliseconds; bulk reads of 10,000 files take about 100. */
const GIT_TIMEOUT_MS = 120_000;
const STDERR_KEPT = 4096;

export interface GitRun {
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly input?: string;
  readonly signal?: AbortSignal | undefined;
  readonly onStdout?: (chunk: Buffer) => void;
}

export type GitResult =
  /** No such program: the caller goes on without it. */
  | { readonly kind: "absent" }
  | { readonly kind: "ended"; readonly code: number | null; readonly stdout: Buffer; readonly stderr: string };

/**
 * Runs the git program without a shell. Replacement refs are off, so that an oid names one content only, and so are
 * optional locks: labkeeper never writes into somebody's repository. `onStdout` takes the output instead of `stdout`.
 */
export async function runGit(command: string, run: GitRun): Promise<GitResult> {
  run.signal?.throwIfAborted();
  return await new Promise((resolve, reject) => {
    const args = ["--no-replace-objects", "--no-optional-locks", ...run.args];
    const signals = [AbortSignal.timeout(GIT_TIMEOUT_MS), ...(run.signal === undefined ? [] : [run.signal])];
    const child = spawn(command, args, {
      stdio: ["pipe", "pipe", "pipe"],
      signal: AbortSignal.any(signals),
      windowsHide: true,
      ...(run.cwd === undefined ? {} : { cwd: run.cwd }),
    });
    const chunks: Buffer[] = [];
    let stderr = "";
    let failure: unknown = null;
    child.stdout.on("data", (chunk: Buffer) => {
      if (run.onStdout === undefined) return void chunks.push(chunk);
      try {
        if (failure === null) run.onStdout(chunk);
      } catch (error) {
        failure = error;
        child.kill();
      }
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(0, STDERR_KEPT);
    });
    // git may end before it has read everything; its exit code says why.
    child.stdin.on("error", () => undefined);
    child.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "EACCES") resolve({ kind: "absent" });
      else reject(new LabkeeperError("LK1001", "reading with git was interrupted", { cause: error }));
    });
    child.once("close", (code) => {
      if (failure !== null) reject(failure);
      else resolve({ kind: "ended", code, stdout: Buffer.concat(chunks), stderr: stderr.trim() });
    });
    child.stdin.end(run.input ?? "");
  });
}
