/**
 * The simulated cloud as an installer of a paused host reaches it: not any more. Real installers are processes that are
 * stopped with their host, and ended before anything else when it wakes; simulated ones live inside of the worker, so what
 * they began before the pause must not reach the cloud after it.
 */

import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { folderCloud, type SimulatedCloud } from "../src/provisioners/simulated-cloud.ts";

const LOOK_MS = 50;
/** By then a worker that woke has noticed. */
const GROGGY_MS = 1_000;

export function cloudOfAwake(folder: string, longestMs: number): SimulatedCloud {
  const cloud = folderCloud(folder);
  let seenAt = performance.now();
  let wokeAt = Number.NEGATIVE_INFINITY;
  const look = (): void => {
    const now = performance.now();
    if (now - seenAt > longestMs) wokeAt = now;
    seenAt = now;
  };
  setInterval(look, LOOK_MS).unref();
  const requireAwake = (): void => {
    look();
    if (seenAt - wokeAt < GROGGY_MS) throw new Error("its installer was stopped with its host");
  };
  return {
    ...cloud,
    async write(cluster) {
      requireAwake();
      // In one go: a pause in the midst of it would end as a write long after.
      const path = join(folder, "simulated", `${cluster.infraID}.json`);
      const temporary = `${path}.${process.pid}.tmp`;
      writeFileSync(temporary, JSON.stringify(cluster));
      renameSync(temporary, path);
    },
    async remove(infraID) {
      requireAwake();
      await cloud.remove(infraID);
    },
  };
}
