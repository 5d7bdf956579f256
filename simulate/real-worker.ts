import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Simulation } from "./simulation.ts";

const PROGRAM = fileURLToPath(new URL("child-worker.ts", import.meta.url));

/** A worker in a process of its own, which gets SIGKILL so long after it began to claim. Its leases then run out. */
export async function realWorker(sim: Simulation, killAfterMs: number): Promise<void> {
  sim.processes += 1;
  const name = `child-${sim.processes}`;
  const child = spawn(process.execPath, [PROGRAM], {
    env: { PATH: process.env["PATH"], DATABASE: JSON.stringify(sim.connection), FOLDER: sim.folder, NAME: name },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  try {
    await Promise.race([once(child.stdout, "data"), ended]);
    await Promise.race([delay(killAfterMs, undefined, { ref: false }), ended]);
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
  sim.fault("kill -9");
  await sim.sql(
    "update leases set expires_at = clock_timestamp() where holder = $1 and expires_at > clock_timestamp()",
    [name],
  );
}
