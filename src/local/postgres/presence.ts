/** Each labkeeper keeps one connection open for as long as it uses the server: that is how the last one knows it is. */

import pg from "pg";
import type { PidFile } from "./postmaster.ts";

/** As `pg` takes it. `host` is the folder of the socket. */
export interface Connection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

export interface Presence {
  /** Whether another labkeeper uses the server. Rejects when the connection is lost. */
  othersAreThere(): Promise<boolean>;
  leave(): Promise<void>;
}

const APPLICATION = "labkeeper presence";

export const connectionOf = (server: PidFile, password: string): Connection => ({
  host: server.socketDir,
  port: server.port,
  user: "labkeeper",
  password,
  database: "labkeeper",
});

export const urlOf = ({ host, port, user, password, database }: Connection): string =>
  `postgresql://${user}:${password}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`;

/** Connects for good, making the database at the first time. `lost` is told once when the connection breaks. */
export async function joinServer(connection: Connection, lost: () => void): Promise<Presence> {
  const client = await connectPresence(connection).catch(async (error: { code?: string }) => {
    if (error.code !== "3D000") throw error;
    await makeDatabase(connection);
    return await connectPresence(connection);
  });
  let leaving = false;
  // The end follows every error, so it alone is acted on; an error without a listener would end the process.
  client.on("error", () => undefined);
  client.once("end", () => {
    if (!leaving) lost();
  });
  // A program that forgets to leave must still be able to end. (pg documents both methods; its types lack them.)
  const loop = client as unknown as { ref(): void; unref(): void };
  loop.unref();
  return {
    othersAreThere: async () => {
      loop.ref();
      return await askForOthers(client);
    },
    leave: async () => {
      leaving = true;
      loop.ref();
      await client.end().catch(() => undefined);
    },
  };
}

async function askForOthers(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ others: boolean }>(
    `select exists (select from pg_stat_activity
                    where application_name = $1 and pid <> pg_backend_pid()) as others`,
    [APPLICATION],
  );
  return rows[0]?.others ?? false;
}

async function connectPresence(connection: Connection): Promise<pg.Client> {
  const client = new pg.Client({ ...connection, application_name: APPLICATION });
  await client.connect();
  return client;
}

async function makeDatabase(connection: Connection): Promise<void> {
  const client = new pg.Client({ ...connection, database: "postgres" });
  await client.connect();
  try {
    await client.query(`create database ${client.escapeIdentifier(connection.database)}`);
  } finally {
    await client.end();
  }
}
