/** Postgres servers for simulations, one for each that runs at a time, so that one may be restarted. Thrown away at the end. */

import { chmod, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { ensurePostgres, removePostgres } from "../src/local/postgres/ensure.ts";
import { readPidFile } from "../src/local/postgres/postmaster.ts";
import type { Connection } from "../src/local/postgres/presence.ts";
import { migrate } from "../src/store/migrate.ts";
import type { Restart } from "./faults.ts";

export interface SimulatedDatabase {
  readonly connection: Connection;
  /** Resolves when the server is back. Absent where it is others' too. */
  readonly restart?: (how: Restart) => Promise<void>;
  drop(): Promise<void>;
}

export type NewDatabase = () => Promise<SimulatedDatabase>;

export interface SimulationServer extends AsyncDisposable {
  readonly database: NewDatabase;
}

const TEMPLATE = "simulate_template";
const BACK_WITHIN_MS = 60_000;

async function run<Row extends object>(connection: Connection, sql: string): Promise<Row[]> {
  const client = new pg.Client(connection);
  // It may end at any time, also when nobody asks.
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

interface Server extends AsyncDisposable {
  readonly connection: Connection;
  restart(how: Restart): Promise<void>;
}

async function ask(connection: Connection): Promise<string> {
  const until = performance.now() + BACK_WITHIN_MS;
  for (;;) {
    try {
      const [row] = await run<{ started: string }>(connection, "select pg_postmaster_start_time()::text as started");
      return row?.started ?? "";
    } catch (error) {
      if (performance.now() > until) throw error;
      await delay(10);
    }
  }
}

async function begin(stateDir: string): Promise<Server> {
  const server = await ensurePostgres({ stateDir, durable: false });
  const { connection } = server;
  // What is committed has to outlive the server; only the machine's own end may lose it here.
  await run(connection, "alter role current_user set synchronous_commit = on");
  const [place] = await run<{ folder: string }>(connection, "select current_setting('data_directory') as folder");
  await run(connection, `create database ${TEMPLATE}`);
  await migrate({ ...connection, database: TEMPLATE });
  await run(connection, "checkpoint");
  return {
    connection,
    restart: async (how) => {
      const before = await ask(connection);
      if (how === "crash") {
        // One killed process of the server's, and it ends all others, since their shared memory may be broken.
        const [victim] = await run<{ pid: number }>(
          connection,
          "select pid from pg_stat_activity where backend_type = 'checkpointer'",
        );
        if (victim) process.kill(victim.pid, "SIGKILL");
        // It answers anew only after recovery, whose beginning nobody is told.
        await delay(20);
        await ask(connection);
        return;
      }
      const file = await readPidFile(place?.folder ?? "");
      if (file !== null) process.kill(file.pid, how === "fast" ? "SIGINT" : "SIGQUIT");
      // Who started it looks after it, and starts it again.
      while ((await ask(connection)) === before) await delay(5);
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
      await removePostgres({ stateDir });
    },
  };
}

export async function startServer(): Promise<SimulationServer> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "labkeeper-simulate-")));
  // Postgres runs as another user when this runs as root, and has to pass.
  await chmod(folder, 0o711);
  const idle: Promise<Server>[] = [];
  const all: Promise<Server>[] = [];
  let serial = 0;
  return {
    database: async () => {
      serial += 1;
      const name = `simulate_${serial}`;
      const taken = idle.pop() ?? begin(join(folder, String(all.length)));
      if (!all.includes(taken)) all.push(taken);
      const server = await taken;
      await run(server.connection, `create database ${name} template ${TEMPLATE}`);
      return {
        connection: { ...server.connection, database: name },
        restart: server.restart,
        drop: async () => {
          await run(server.connection, `drop database ${name} with (force)`);
          idle.push(taken);
        },
      };
    },
    async [Symbol.asyncDispose]() {
      for (const server of all) await (await server)[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
