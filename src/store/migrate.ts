import { readdir, readFile } from "node:fs/promises";
import pg from "pg";
import { LabkeeperError } from "../errors.ts";
import { packageFile } from "../package-root.ts";
import { type Connection, storeError } from "./connection.ts";

/** Oldest server that has everything the migrations use. */
const MINIMUM_SERVER = 150_000;
/** Any constant will do; it keeps two migrating processes apart. Transaction-level, so it works behind a pooler. */
const MIGRATION_LOCK = 0x6c61626b;

interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

export interface SchemaStatus {
  /** Versions found in the database and in this program, ascending. */
  readonly applied: readonly number[];
  readonly known: readonly number[];
  readonly serverVersion: number;
}

async function migrations(): Promise<readonly Migration[]> {
  const folder = packageFile("migrations");
  const names = (await readdir(folder)).filter((name) => /^\d{4}_\w+\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => ({
      version: Number(name.slice(0, 4)),
      name,
      sql: await readFile(`${folder}/${name}`, "utf8"),
    })),
  );
}

/**
 * Brings the schema up to this program's version, all in one transaction.
 * @throws LK4001 unreachable, LK4002 newer schema, LK4003 old server, LK4006 a migration failed
 */
export async function migrate(connection: Connection): Promise<{ readonly applied: readonly string[] }> {
  return withClient(connection, async (client) => {
    const known = await migrations();
    await client.query("begin");
    await client.query("select pg_advisory_xact_lock($1, 0)", [MIGRATION_LOCK]);
    const status = await readStatus(client, known);
    refuseUnfit(status);
    // Asked first: a login without the right to create must be able to find that nothing is to be done.
    const [table] = (
      await client.query<{ there: string | null }>("select to_regclass('labkeeper_migrations') as there")
    ).rows;
    if (!table?.there)
      await client.query(
        `create table labkeeper_migrations (
         version integer primary key, name text not null, applied_at timestamptz not null default now())`,
      );
    const missing = known.filter(({ version }) => !status.applied.includes(version));
    for (const { version, name, sql } of missing) {
      await client.query(sql).catch((cause: unknown) => {
        throw new LabkeeperError("LK4006", `${name}: ${cause instanceof Error ? cause.message : cause}`, { cause });
      });
      await client.query("insert into labkeeper_migrations (version, name) values ($1, $2)", [version, name]);
    }
    await client.query("commit");
    return { applied: missing.map(({ name }) => name) };
  });
}

/** What `doctor` shows. @throws LK4001 */
export async function schemaStatus(connection: Connection): Promise<SchemaStatus> {
  return withClient(connection, async (client) => readStatus(client, await migrations()));
}

/** @throws LK4002, LK4003, LK4007 when the schema does not fit this program */
export async function requireSchema(client: pg.Pool): Promise<void> {
  const status = await readStatus(client, await migrations());
  refuseUnfit(status);
  const missing = status.known.filter((version) => !status.applied.includes(version));
  if (missing.length > 0) {
    throw new LabkeeperError("LK4007", `version ${status.applied.at(-1) ?? 0} is there, ${missing.at(-1)} is needed`);
  }
}

function refuseUnfit(status: SchemaStatus): void {
  if (status.serverVersion < MINIMUM_SERVER) {
    throw new LabkeeperError("LK4003", `it says ${Math.floor(status.serverVersion / 10_000)}`);
  }
  const newest = status.known.at(-1) ?? 0;
  const found = status.applied.at(-1) ?? 0;
  if (found > newest) throw new LabkeeperError("LK4002", `version ${found} is there, this program knows ${newest}`);
}

async function readStatus(client: pg.Client | pg.Pool, known: readonly Migration[]): Promise<SchemaStatus> {
  const { rows: server } = await client.query<{ version: string; present: string | null }>(
    "select current_setting('server_version_num') as version, to_regclass('labkeeper_migrations')::text as present",
  );
  const applied = server[0]?.present
    ? (await client.query<{ version: number }>("select version from labkeeper_migrations order by version")).rows
    : [];
  return {
    applied: applied.map(({ version }) => version),
    known: known.map(({ version }) => version),
    serverVersion: Number(server[0]?.version ?? 0),
  };
}

async function withClient<T>(connection: Connection, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionTimeoutMillis: 10_000, application_name: "labkeeper", ...connection });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    throw storeError(error);
  } finally {
    // Ending the connection rolls back whatever a failure left open.
    await client.end().catch(() => undefined);
  }
}
