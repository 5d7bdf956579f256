import { setTimeout as delay } from "node:timers/promises";
import { LabkeeperError } from "../errors.ts";

/** Between tries, milliseconds: a connection that broke is another one at once, a server that restarts takes seconds. */
const PAUSES = [100, 500, 1_000, 2_000, 4_000, 8_000];

/**
 * Records something once more while the database does not answer and the signal lets it, so that a broken connection costs
 * neither an attempt nor the outcome of an hour's work. What is written must bear being written twice: the first may
 * have arrived, and only its answer not.
 */
export async function untilRecorded(write: () => Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  for (const pause of signal === undefined ? [] : PAUSES) {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof LabkeeperError && error.code === "LK4001")) throw error;
      const woken = await delay(pause, true, { signal }).catch(() => false);
      if (!woken) throw error;
    }
  }
  await write();
}
