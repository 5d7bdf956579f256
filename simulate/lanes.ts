/** Runs side by side, each in a process of its own: one process uses one core, and what ends a process fails one run. */

import { fork } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { removePostgres } from "../src/local/postgres/ensure.ts";
import type { History } from "./history.ts";
import type { Ran } from "./run.ts";

const PROGRAM = fileURLToPath(new URL("lane.ts", import.meta.url));
/** No run comes near it. Milliseconds. */
const OVERDUE = 10 * 60_000;

export type Play = (history: History) => Promise<Ran>;

export interface Lanes extends AsyncDisposable {
  /** Waits for a free lane. */
  readonly play: Play;
  /** The process of each lane that is open now. */
  processes(): readonly number[];
}

interface Lane extends AsyncDisposable {
  readonly play: Play;
  readonly process: number | undefined;
  isGone(): boolean;
}

/** The folder of temporary files of one lane, with Postgres servers in it when it was killed. */
async function clear(folder: string): Promise<void> {
  // One that came to its end in order took it along.
  for (const home of await readdir(folder).catch(() => [])) {
    if (!home.startsWith("labkeeper-simulate-")) continue;
    for (const stateDir of await readdir(join(folder, home)))
      await removePostgres({ stateDir: join(folder, home, stateDir) });
  }
  await rm(folder, { recursive: true, force: true });
}

const ENDED = "the process ended: something was not awaited, or never came to an end";

async function openLane(): Promise<Lane> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "labkeeper-lane-")));
  // Postgres runs as another user when this runs as root, and has to pass.
  await chmod(folder, 0o711);
  const child = fork(PROGRAM, { env: { ...process.env, TMPDIR: folder, LANE_FOLDER: folder } });
  const gone = once(child, "exit").then(([code, signal]: unknown[]): Ran => {
    return { steps: 0, faults: {}, violation: { promise: "defect", message: `defect: ${ENDED} (${signal ?? code})` } };
  });
  const isGone = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return {
    isGone,
    process: child.pid,
    async play(history) {
      if (isGone()) return await gone;
      const told = once(child, "message").then(([ran]: unknown[]) => ran as Ran);
      const late = setTimeout(() => child.kill("SIGKILL"), OVERDUE);
      child.send(history);
      return await Promise.race([told, gone]).finally(() => clearTimeout(late));
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      await gone;
      await clear(folder);
    },
  };
}

/** Opens each lane when it is needed first, and another in the place of one that ended. */
export function openLanes(most: number): Lanes {
  const free: Lane[] = [];
  const open = new Set<Lane>();
  const all: Promise<Lane>[] = [];
  const waiting: (() => void)[] = [];
  let busy = 0;
  return {
    async play(history) {
      while (busy >= most) await new Promise<void>((resolve) => waiting.push(resolve));
      busy += 1;
      try {
        const opened = free.pop() ?? openLane();
        if (opened instanceof Promise) all.push(opened);
        const lane = await opened;
        open.add(lane);
        const ran = await lane.play(history);
        if (lane.isGone()) open.delete(lane);
        else free.push(lane);
        return ran;
      } finally {
        busy -= 1;
        waiting.shift()?.();
      }
    },
    processes: () => [...open].flatMap(({ process }) => process ?? []),
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map(async (lane) => (await lane)[Symbol.asyncDispose]()));
    },
  };
}
