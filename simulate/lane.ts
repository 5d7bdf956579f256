/** Plays the histories that its parent sends, in a process with Postgres servers of its own. Goes when its parent goes. */

import { rm } from "node:fs/promises";
import type { History } from "./history.ts";
import { play } from "./run.ts";
import { startServer } from "./server.ts";

// Who starts it is asked to end, and lets go of it: servers have to be stopped, and what runs then may still need them.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);

const server = await startServer();
let playing: Promise<unknown> = Promise.resolve();

async function leave(): Promise<void> {
  await playing.catch(() => undefined);
  await server[Symbol.asyncDispose]();
  // Its own folder for temporary files; its parent may be there no more to remove it.
  const { LANE_FOLDER } = process.env;
  if (LANE_FOLDER !== undefined) await rm(LANE_FOLDER, { recursive: true, force: true });
  process.exit(0);
}

process.on("message", (history: History) => {
  playing = play(history, server.database).then((ran) => {
    // Nobody may be there any more to hear of it.
    if (process.connected) process.send?.(ran);
  });
});
process.on("disconnect", () => void leave());
if (!process.connected) await leave();
