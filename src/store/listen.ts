import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { WORK_CHANNEL } from "./channel.ts";
import { type Connection, LONGEST_GOODBYE } from "./connection.ts";

/** How long to wait before listening again after the connection dropped, milliseconds. */
const RECONNECT_MS = 1_000;

/**
 * Calls back when somebody queued work. A dropped connection is made again, with one call back after it since news may
 * have been missed. Never rejects: polling is the fallback.
 */
export async function listen(connection: Connection, callback: () => void): Promise<AsyncDisposable> {
  let ended = false;
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | null = null;

  const open = async (): Promise<void> => {
    const next = new pg.Client({
      application_name: "labkeeper-listen",
      connectionTimeoutMillis: 10_000,
      // Nothing is said here for hours: the system asks whether the other side is still there.
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      ...connection,
    });
    client = next;
    const again = (): void => {
      if (ended || client !== next) return;
      client = null;
      next.end().catch(() => undefined);
      timer = setTimeout(() => void open(), RECONNECT_MS);
      timer.unref();
    };
    next.on("error", again);
    next.on("end", again);
    next.on("notification", callback);
    try {
      await next.connect();
      await next.query(`listen ${WORK_CHANNEL}`);
      callback();
    } catch {
      again();
    }
  };
  await open();

  return {
    async [Symbol.asyncDispose]() {
      ended = true;
      if (timer) clearTimeout(timer);
      // A connection that nobody answers any more does not even end.
      const end = client?.end().catch(() => undefined);
      await Promise.race([end, delay(LONGEST_GOODBYE, undefined, { ref: false })]);
    },
  };
}
