/** Workers, reconcilers and janitors in processes of their own, side by side, which end by SIGKILL. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { forgetting, WEEKS } from "./cycle.ts";
import type { Simulation } from "./simulation.ts";

export interface RealProcess {
  readonly role: "worker" | "reconciler" | "janitor";
  /** Dies at its so manieth call, before or after that took effect; at the latest when its time is over. */
  readonly diesAt: number;
  readonly after: boolean;
}

const PROGRAMS = {
  worker: fileURLToPath(new URL("child-worker.ts", import.meta.url)),
  reconciler: fileURLToPath(new URL("child-reconciler.ts", import.meta.url)),
  janitor: fileURLToPath(new URL("child-reconciler.ts", import.meta.url)),
} as const;

/** From when it is ready, milliseconds. */
const LIVES_AT_MOST = 900;

async function real(sim: Simulation, { role, diesAt, after }: RealProcess): Promise<void> {
  sim.processes += 1;
  const name = `child-${sim.processes}`;
  const { url, token } = sim.place;
  const child = spawn(process.execPath, [PROGRAMS[role]], {
    env: {
      PATH: process.env["PATH"],
      ROLE: role,
      DATABASE: JSON.stringify(sim.connection),
      FOLDER: sim.folder,
      NAME: name,
      CATALOG: url,
      ...(token === null ? {} : { TOKEN: token }),
      HOURS: String(sim.hours + (role === "janitor" ? WEEKS / 3_600_000 : 0)),
      DIES_AT: String(diesAt),
      ...(after ? { DIES_AFTER: "yes" } : {}),
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  try {
    await Promise.race([once(child.stdout, "data"), ended]);
    await Promise.race([delay(LIVES_AT_MOST, undefined, { ref: false }), ended]);
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
  if (child.signalCode === "SIGKILL") sim.fault(`kill -9 ${role}`);
  await sim.sql(
    "update leases set expires_at = clock_timestamp() where holder = $1 and expires_at > clock_timestamp()",
    [name],
  );
}

export async function realProcesses(sim: Simulation, processes: readonly RealProcess[]): Promise<void> {
  await forgetting(sim, async () => {
    await Promise.all(processes.map((each) => real(sim, each)));
  });
}
