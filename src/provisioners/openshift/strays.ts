/**
 * Installers that nobody recorded. A worker that dies between starting one and writing down its process id leaves it
 * running, and an installer acts at once. But it was given a TMPDIR that only this lab's programs on this host ever have.
 */

import { readdir, readFile } from "node:fs/promises";
import { signalProcess, stop } from "../process-group.ts";

/**
 * Ends all processes of this host whose environment has exactly this TMPDIR: asked by SIGINT, killed after the grace. What
 * belongs to other users or hides its environment is not seen. False when something stays.
 */
export async function stopUnrecorded(
  temporary: string,
  graceMs: number,
  log: (line: string) => void,
): Promise<boolean> {
  const found = await workingWith(temporary);
  if (found.length === 0) return true;
  log(`stopping ${found.map((pid) => `process ${pid}`).join(", ")}, which nobody recorded`);
  const target = {
    alive: async () => (await workingWith(temporary)).length > 0,
    signal: async (signal: NodeJS.Signals) => {
      for (const pid of await workingWith(temporary)) signalProcess(pid, signal);
    },
  };
  return await stop(target, graceMs, "SIGINT");
}

async function workingWith(temporary: string): Promise<readonly number[]> {
  const names = await readdir("/proc").catch(() => []);
  const wanted = `TMPDIR=${temporary}`;
  const found = names
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(async (name) => {
      // Empty for one that has ended and was not waited for.
      const environment = await readFile(`/proc/${name}/environ`, "utf8").catch(() => "");
      return environment.split("\0").includes(wanted) ? [Number(name)] : [];
    });
  return (await Promise.all(found)).flat();
}
