import { randomBytes } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";
import { type Connection, urlOf } from "../src/local/postgres/presence.ts";
import { TEMPLATE } from "./postgres-server.ts";

export interface TestDatabase {
  readonly url: string;
  /** As `pg` takes it. */
  readonly connection: Connection;
  /** Ends its connections, whoever holds them, and removes it. */
  drop(): Promise<void>;
}

/** A database of one's own with the current schema and no rows; about 50 ms. */
export async function createDatabase(): Promise<TestDatabase> {
  return await make(`test_${randomBytes(8).toString("hex")}`, TEMPLATE);
}

/** The same without any schema. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  return await make(`test_${randomBytes(8).toString("hex")}`, "template0");
}

async function make(database: string, template: string): Promise<TestDatabase> {
  await run(`create database ${database} template ${template}`);
  const connection = { ...inject("postgres"), database };
  return { url: urlOf(connection), connection, drop: async () => await run(`drop database ${database} with (force)`) };
}

async function run(sql: string): Promise<void> {
  const client = new pg.Client(inject("postgres"));
  await client.connect();
  await client.query(sql).finally(() => client.end());
}
