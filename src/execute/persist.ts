import { setTimeout as delay } from "node:timers/promises";
import { LabkeeperError } from "../errors.ts";

/** Between tries, milliseconds: where a connection broke another is there at once. */
const PAUSES = [100, 500, 1_000, 2_000];
/** For what would be done in vain otherwise: a server that restarts is back by then. */
export const PATIENT_PAUSES = [...PAUSES, 4_000, 8_000];

/**
 * Records something once more while the database does not answer and the signal lets it, so that a broken connection costs
 * neither an attempt nor the outcome of an hour's work. What is written must bear being written twice: the first may
 * have arrived, and only its answer not.
 */
export async function untilRecorded(
  write: () => Promise<void>,
  signal: AbortSignal | undefined,
  pauses: readonly number[] = PAUSES,
): Promise<void> {
  for (const pause of signal === undefined ? [] : pauses) {
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
