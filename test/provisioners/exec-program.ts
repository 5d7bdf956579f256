/** Small programs for the exec provisioner, written in shell; `$1` is the verb. */

import { join } from "node:path";
import { vi } from "vitest";
import type { Provisioner } from "../../src/ports.ts";
import { execProvisioner } from "../../src/provisioners/exec.ts";
import type { ExecSettings } from "../../src/provisioners/exec-settings.ts";
import { inspectProcess } from "../../src/provisioners/process-group.ts";
import { type HeardContext, hearing, temporaryFolder } from "./lab-order.ts";

export interface Stage extends AsyncDisposable {
  readonly provisioner: Provisioner;
  readonly context: HeardContext;
  readonly workdir: string;
  readonly abort: AbortController;
}

export async function stage(script: string, settings: Partial<ExecSettings> = {}): Promise<Stage> {
  const folder = await temporaryFolder();
  const workdir = join(folder.path, "work");
  const abort = new AbortController();
  return {
    provisioner: shellProvisioner(script, settings),
    context: hearing(workdir, abort.signal),
    workdir,
    abort,
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
  };
}

export const shellProvisioner = (script: string, settings: Partial<ExecSettings> = {}): Provisioner =>
  execProvisioner({
    name: "under-test",
    command: ["/bin/sh", "-c", script, "program"],
    environment: process.env,
    termGraceSeconds: 0.2,
    ...settings,
  });

/** Zombies are dead: the machine's first process may be slow to reap them, or never do. */
export async function isAlive(pid: number): Promise<boolean> {
  const entry = await inspectProcess(pid);
  return entry !== null && entry.state !== "Z" && entry.state !== "X";
}

/** Process ids that a program logged as `pid 123`, once there are as many. */
export const loggedPids = (context: HeardContext, count: number): Promise<number[]> =>
  vi.waitFor(
    () => {
      const pids = context.lines.flatMap((line) => /^pid (\d+)$/.exec(line)?.[1] ?? []).map(Number);
      if (pids.length < count) throw new Error(`${pids.length} of ${count} process ids logged`);
      return pids;
    },
    { timeout: 10_000, interval: 10 },
  );
