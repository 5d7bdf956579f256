/**
 * Vitest's global setup: one real Postgres for the whole run, with a migrated database that `createDatabase` clones.
 * Not durable, because its data live for a minute.
 */

import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { ensurePostgres, removePostgres } from "../src/local/postgres/ensure.ts";
import type { Connection } from "../src/local/postgres/presence.ts";
import { identify } from "../src/local/postgres/process.ts";
import { migrate } from "../src/store/migrate.ts";

declare module "vitest" {
  export interface ProvidedContext {
    postgres: Connection;
  }
}

export const TEMPLATE = "labkeeper_template";
const PREFIX = "labkeeper-test-";

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await sweep();
  const folder = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
  // Postgres runs as another user when the tests run as root, and has to pass.
  await chmod(folder, 0o711);
  const server = await ensurePostgres({ stateDir: folder, durable: false });
  const teardown = async (): Promise<void> => {
    await server.stop();
    await discard(folder);
    await sweep();
  };
  try {
    await makeTemplate(server.connection);
  } catch (error) {
    await teardown();
    throw error;
  }
  project.provide("postgres", server.connection);
  return teardown;
}

async function makeTemplate(connection: Connection): Promise<void> {
  const client = new pg.Client(connection);
  await client.connect();
  await client.query(`create database ${TEMPLATE}`).finally(() => client.end());
  await migrate({ ...connection, database: TEMPLATE });
}

/** Processes that were killed could not clean up behind themselves. */
async function sweep(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = Number(new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1] ?? 0);
    if (pid > 0 && (await identify(pid)) === null) await discard(join(tmpdir(), name)).catch(() => undefined);
  }
}

async function discard(folder: string): Promise<void> {
  await removePostgres({ stateDir: folder });
  await rm(folder, { recursive: true, force: true });
}
