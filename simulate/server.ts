/** One Postgres server for a whole simulation, whose databases live as long as a run. Not durable: they are thrown away. */

import { chmod, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { ensurePostgres, removePostgres } from "../src/local/postgres/ensure.ts";
import type { Connection } from "../src/local/postgres/presence.ts";
import { migrate } from "../src/store/migrate.ts";

export interface SimulatedDatabase {
  readonly connection: Connection;
  drop(): Promise<void>;
}

export type NewDatabase = () => Promise<SimulatedDatabase>;

export interface SimulationServer extends AsyncDisposable {
  readonly database: NewDatabase;
}

const TEMPLATE = "simulate_template";

async function run(connection: Connection, sql: string): Promise<void> {
  const client = new pg.Client(connection);
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

export async function startServer(): Promise<SimulationServer> {
  const stateDir = await realpath(await mkdtemp(join(tmpdir(), "labkeeper-simulate-")));
  // Postgres runs as another user when this runs as root, and has to pass.
  await chmod(stateDir, 0o711);
  const server = await ensurePostgres({ stateDir, durable: false });
  await run(server.connection, `create database ${TEMPLATE}`);
  await migrate({ ...server.connection, database: TEMPLATE });
  let serial = 0;
  return {
    database: async () => {
      serial += 1;
      const name = `simulate_${serial}`;
      await run(server.connection, `create database ${name} template ${TEMPLATE}`);
      return {
        connection: { ...server.connection, database: name },
        drop: () => run(server.connection, `drop database ${name} with (force)`),
      };
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
      await removePostgres({ stateDir });
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}
