/**
 * A pool of connections that gives up those which do not answer. A network may swallow what is sent without a word (a
 * cable, a firewall that forgot a session): the socket stays open, and a pool that took it back would hand it out again.
 */

import type { PostgresPool } from "kysely";
import pg from "pg";

/** What kysely asks of a connection. */
type PoolClient = Awaited<ReturnType<PostgresPool["connect"]>>;

/** How long the server keeps a transaction whose client says nothing more: its locks hold up leases. Milliseconds. */
const SILENT_TRANSACTION_MS = 10_000;

/** What has no answer by then fails, and takes its connection with it. Milliseconds. */
export interface Deadlines {
  readonly queryMs: number;
  readonly connectMs: number;
}

/** When a connection last did not answer: known to all pools that go the same way. */
export interface Silence {
  /** By this process's monotonic clock. */
  noticedAt: number;
}

export const noSilence = (): Silence => ({ noticedAt: Number.NEGATIVE_INFINITY });

/** A pool of `pg` whose connections may break at any time without ending the process. */
export function boundedPool(settings: pg.PoolConfig, { queryMs, connectMs }: Deadlines): pg.Pool {
  const pool = new pg.Pool({
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    idleTimeoutMillis: 30_000,
    ...settings,
    query_timeout: queryMs,
  });
  // An idle connection that the server closes must not end the process; the next query reports the failure.
  pool.on("error", () => undefined);
  // The same for one that is in use, also between two queries of a transaction: the pool listens to idle ones alone.
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}

/** The same pool for kysely, without the connections that a deadline passed on, and those that were open at that moment. */
export function asKyselyPool(pool: pg.Pool, silence: Silence): PostgresPool {
  const born = new WeakMap<pg.PoolClient, number>();
  const wrapped = new WeakMap<pg.PoolClient, PoolClient>();
  pool.on("connect", (client) => born.set(client, performance.now()));

  const wrap = (client: pg.PoolClient): PoolClient => {
    let silent: unknown;
    const query = async (text: string, values: readonly unknown[]): Promise<pg.QueryResult> => {
      if (silent !== undefined) throw silent;
      try {
        // The server, too, must not wait for us for ever. In the same message, so that it costs no round trip.
        if (/^(begin|start transaction)\b/.test(text))
          return await first(
            client,
            `${text}; set local idle_in_transaction_session_timeout = ${SILENT_TRANSACTION_MS}`,
          );
        return await client.query(text, [...values]);
      } catch (error) {
        if (isUnanswered(error)) {
          silent = error;
          silence.noticedAt = performance.now();
        }
        throw error;
      }
    };
    return {
      query: query as unknown as PoolClient["query"],
      release: (destroy) => client.release(destroy === true || silent !== undefined),
    };
  };

  return {
    options: pool.options,
    end: () => pool.end(),
    connect: async () => {
      for (;;) {
        const client = await pool.connect();
        // What was open when another went silent may have gone the same way: a new one costs less than to find out.
        if ((born.get(client) ?? 0) > silence.noticedAt) {
          const known = wrapped.get(client) ?? wrap(client);
          wrapped.set(client, known);
          return known;
        }
        client.release(true);
      }
    },
  };
}

/** Two statements in one message answer one result each. */
async function first(client: pg.PoolClient, text: string): Promise<pg.QueryResult> {
  const answer: unknown = await client.query(text);
  return (Array.isArray(answer) ? answer[0] : answer) as pg.QueryResult;
}

/** pg gives it no code: https://github.com/brianc/node-postgres/blob/master/packages/pg/lib/client.js */
const isUnanswered = (error: unknown): boolean => error instanceof Error && error.message === "Query read timeout";
