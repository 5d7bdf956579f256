import { chmod, mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { ensurePostgres, removePostgres } from "../src/local/postgres/ensure.ts";
import { type Connection, urlOf } from "../src/local/postgres/presence.ts";
import { migrate } from "../src/store/migrate.ts";

export interface BenchDatabase {
  readonly connection: Connection;
  readonly url: string;
  readonly name: string;
  drop(): Promise<void>;
}

/** A folder that goes at the end, and a Postgres server in it that is as durable as one in production. */
export interface Workplace {
  /** A path in the folder; parents are there. */
  path(name: string): string;
  folder(name: string): Promise<string>;
  /** A new database with labkeeper's schema, or without any. */
  database(schema: "labkeeper" | "none"): Promise<BenchDatabase>;
}

export async function withWorkplace(work: (workplace: Workplace) => Promise<void>): Promise<void> {
  const root = await realpath(await mkdtemp(join(tmpdir(), "labkeeper-bench-")));
  // Postgres runs as another user when this runs as root, and has to pass.
  await chmod(root, 0o711);
  const server = await ensurePostgres({ stateDir: root, durable: true });
  const path = (name: string): string => join(root, name);
  try {
    await work({
      path,
      folder: async (name) => {
        await mkdir(path(name), { recursive: true });
        return path(name);
      },
      database: (schema) => makeDatabase(server.connection, schema),
    });
  } finally {
    await server.stop();
    await removePostgres({ stateDir: root });
    await rm(root, { recursive: true, force: true });
  }
}

let serial = 0;

async function makeDatabase(admin: Connection, schema: "labkeeper" | "none"): Promise<BenchDatabase> {
  serial += 1;
  const name = `bench_${serial}`;
  await run(admin, `create database ${name}`);
  const connection = { ...admin, database: name };
  if (schema === "labkeeper") await migrate(connection);
  return { name, connection, url: urlOf(connection), drop: () => run(admin, `drop database ${name} with (force)`) };
}

async function run(connection: Connection, sql: string): Promise<void> {
  const client = new pg.Client(connection);
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

/** Runs SQL without triggers: makes in seconds what would take a catalog and a queue to make in earnest. */
export async function seed(database: BenchDatabase, statements: readonly string[], values: readonly unknown[] = []) {
  const client = new pg.Client(database.connection);
  await client.connect();
  try {
    await client.query("set session_replication_role = replica");
    for (const statement of statements) await client.query(statement, statement.includes("$1") ? [...values] : []);
  } finally {
    await client.end();
  }
}
