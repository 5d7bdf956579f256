/** The lab's Postgres server, and what of the lab can be seen in it with SQL. */

import pg from "pg";
import { type Account, postgresAccount } from "../postgres/account.ts";
import { findPostgresBinaries } from "../postgres/binaries.ts";
import { clusterMajor, initCluster } from "../postgres/cluster.ts";
import { readOrMakePassword } from "../postgres/place.ts";
import { findPostmaster, startPostmaster, waitReady } from "../postgres/postmaster.ts";
import { placeOf, readPort, writePort } from "./folder.ts";
import { freePort, isFree } from "./host.ts";
import type { Intent, LabFacts } from "./request.ts";

export interface Access {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

export interface Surroundings {
  /** See `sharedFolder`; for tests. */
  readonly sharedDir: string | undefined;
  readonly progress: (percent: number, phase: string) => void;
}

/** Brings the server up from whatever an earlier try left: nothing, a folder, data, or a running server. The folder is there. */
export async function bringUp(intent: Intent, around: Surroundings): Promise<Access> {
  const account = postgresAccount();
  const { dataDir } = placeOf(intent);
  const major = await clusterMajor(dataDir);
  const password = await readOrMakePassword(intent.folder, major !== null);
  const running = (await findPostmaster(dataDir)) === null ? null : await waitReady(dataDir);
  const port = running?.port ?? (await start(intent, account, password, major, around));
  return { host: "127.0.0.1", port, user: intent.user, password, database: intent.database };
}

async function start(
  intent: Intent,
  account: Account,
  password: string,
  major: number | null,
  { sharedDir, progress }: Surroundings,
): Promise<number> {
  const { dataDir, logFile } = placeOf(intent);
  const binaries = await findPostgresBinaries({
    ...(major !== null && { major }),
    ...(sharedDir !== undefined && { sharedDir }),
  });
  if (major === null) {
    progress(10, "initialising the data folder");
    await initCluster({ binaries, account, dataDir, user: intent.user, password, durable: true });
  }
  progress(60, "starting the server");
  let port = await readPort(intent);
  if (!(await isFree(port))) {
    port = await freePort(port + 1);
    await writePort(intent, port);
  }
  await startPostmaster({
    binaries,
    account,
    dataDir,
    logFile,
    settings: {
      cluster_name: intent.infraId,
      listen_addresses: "127.0.0.1",
      port,
      unix_socket_directories: "",
      max_connections: 50,
      shared_buffers: "16MB",
    },
  });
  return port;
}

/**
 * Shows the lab in its database: the setting max_parallel_workers is its `workers`, and the table labkeeper.lab_labels
 * holds team, owner, cost center, hours to live and tags.
 */
export async function applyFacts(access: Access, intent: Intent, lab: LabFacts): Promise<void> {
  await makeDatabase(access);
  await using client = await connect(access);
  const labels = {
    name: lab.name,
    team: lab.team,
    owner: lab.owner,
    costCenter: lab.costCenter,
    ttlHours: String(lab.ttlHours),
    workers: String(lab.workers),
    ...Object.fromEntries(Object.entries(lab.tags).map(([name, value]) => [`tags.${name}`, value])),
  };
  const { sql } = client;
  await sql("begin");
  await sql("create schema if not exists labkeeper");
  await sql("create table if not exists labkeeper.lab_labels (name text primary key, value text not null)");
  await sql("delete from labkeeper.lab_labels");
  await sql("insert into labkeeper.lab_labels select * from unnest($1::text[], $2::text[])", [
    Object.keys(labels),
    Object.values(labels),
  ]);
  await sql("commit");
  await sql(
    `comment on database ${pg.escapeIdentifier(access.database)} is ${pg.escapeLiteral(`lab ${intent.infraId}`)}`,
  );
  // Not allowed in a transaction. Postgres takes 0 to 1024.
  await sql(`alter system set max_parallel_workers = ${Math.min(1024, Math.max(0, Math.trunc(lab.workers)))}`);
  await sql("select pg_reload_conf()");
}

/** The cluster_name of the server that answers: whose it is. */
export async function askWho(access: Access): Promise<{ readonly infraId: string; readonly version: string }> {
  await using client = await connect(access);
  const rows = await client.sql(
    "select current_setting('cluster_name') as id, current_setting('server_version') as version",
  );
  return { infraId: String(rows[0]?.id), version: String(rows[0]?.version) };
}

async function makeDatabase(access: Access): Promise<void> {
  await using client = await connect({ ...access, database: "postgres" });
  const found = await client.sql("select from pg_database where datname = $1", [access.database]);
  if (found.length === 0) await client.sql(`create database ${pg.escapeIdentifier(access.database)}`);
}

async function connect(access: Access) {
  const client = new pg.Client({ ...access, connectionTimeoutMillis: 10_000, query_timeout: 30_000 });
  client.on("error", () => undefined);
  await client.connect();
  return {
    sql: async (text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> =>
      (await client.query<Record<string, unknown>>(text, values)).rows,
    [Symbol.asyncDispose]: async () => await client.end(),
  };
}
