/** A Postgres for one soak, as durable as in production, which counts its statements where it can. */

import { chmod, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { type EmbeddedPostgres, ensurePostgres, removePostgres } from "../src/local/postgres/ensure.ts";
import type { Connection } from "../src/local/postgres/presence.ts";
import { migrate } from "../src/store/migrate.ts";

export interface SoakDatabase {
  readonly connection: Connection;
}

const NAME = "soak";

async function run(connection: Connection, ...statements: readonly string[]): Promise<void> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

/** The library is loaded when a server starts, so it starts a second time. A Postgres without it goes on without. */
async function countingServer(stateDir: string): Promise<EmbeddedPostgres> {
  const first = await ensurePostgres({ stateDir });
  const wish = "alter system set shared_preload_libraries = 'pg_stat_statements'";
  try {
    // Refused where the library is not there: a server that names it would not start.
    await run(first.connection, "load 'pg_stat_statements'").catch((error: { readonly code?: string }) => {
      // It is there, and says that it wants to be loaded at the start.
      if (error.code !== "55000") throw error;
    });
    await run(first.connection, wish);
  } catch {
    return first;
  }
  await first.stop();
  return await ensurePostgres({ stateDir });
}

export async function startSoakServer(): Promise<SoakDatabase & AsyncDisposable> {
  const stateDir = await realpath(await mkdtemp(join(tmpdir(), "labkeeper-soak-")));
  // Postgres runs as another user when this runs as root, and has to pass.
  await chmod(stateDir, 0o711);
  const server = await countingServer(stateDir);
  await run(server.connection, `create database ${NAME}`);
  const connection = { ...server.connection, database: NAME };
  await migrate(connection);
  await run(connection, "create extension if not exists pg_stat_statements").catch(() => undefined);
  return {
    connection,
    async [Symbol.asyncDispose]() {
      await server.stop();
      await removePostgres({ stateDir });
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}
