/** A door to the database that a test can shut: everything goes through it, and nothing while it is shut. Loopback only. */

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { Connection } from "../../src/local/postgres/presence.ts";

export interface Door extends AsyncDisposable {
  /** The same database, through the door. */
  readonly connection: Connection;
  /**
   * silent: bytes go nowhere and connections stay, as behind a cable that was pulled. closed: connections are cut, new ones
   * are refused.
   */
  shut(how: "silent" | "closed"): void;
  /** Connections that are open now stay, and everything on them goes nowhere for ever; new ones work. Answers how many. */
  swallow(): number;
  open(): void;
}

export async function door(database: Connection): Promise<Door> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const swallowed = new Set<readonly [Socket, Socket]>();
  let state: "open" | "silent" | "closed" = "open";
  const server = createServer((outside) => {
    if (state === "closed") {
      outside.destroy();
      return;
    }
    const port = database.port ?? 5432;
    const inside = database.host?.startsWith("/")
      ? connect(join(database.host, `.s.PGSQL.${port}`))
      : connect(port, database.host);
    const pair = [outside, inside] as const;
    pairs.add(pair);
    for (const [from, to] of [pair, [inside, outside] as const]) {
      from.on("error", () => undefined);
      from.on("close", () => {
        // Not even the end of one side is heard on the other.
        if (swallowed.has(pair)) return;
        pairs.delete(pair);
        to.destroy();
      });
      from.pipe(to);
    }
    if (state === "silent") for (const socket of pair) hush(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const hush = (socket: Socket): void => {
    socket.unpipe();
    socket.pause();
  };
  return {
    connection: { ...database, host: "127.0.0.1", port },
    shut: (how) => {
      state = how;
      for (const pair of pairs)
        for (const socket of pair) {
          if (how === "closed") socket.destroy();
          else hush(socket);
        }
    },
    swallow: () => {
      for (const pair of pairs) {
        swallowed.add(pair);
        for (const socket of pair) hush(socket);
      }
      return swallowed.size;
    },
    open: () => {
      state = "open";
      for (const pair of pairs) {
        if (swallowed.has(pair)) continue;
        const [outside, inside] = pair;
        outside.pipe(inside);
        inside.pipe(outside);
      }
    },
    [Symbol.asyncDispose]: async () => {
      for (const pair of pairs) for (const socket of pair) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
