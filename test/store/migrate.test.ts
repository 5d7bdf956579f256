import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { migrate, schemaStatus } from "../../src/store/migrate.ts";
import { openStore } from "../../src/store/open.ts";
import { createEmptyDatabase, type TestDatabase } from "../database.ts";

let database: TestDatabase;
let raw: pg.Client;

beforeEach(async () => {
  database = await createEmptyDatabase();
  raw = new pg.Client(database.connection);
  await raw.connect();
});
afterEach(async () => {
  await raw.end();
  await database.drop();
});

const tables = async (): Promise<number> =>
  Number(
    (await raw.query<{ n: string }>("select count(*) as n from pg_tables where schemaname = 'public'")).rows[0]?.n,
  );

test("an empty database is brought up, once", async () => {
  expect((await migrate(database.connection)).applied.length).toBeGreaterThan(0);
  expect((await migrate(database.connection)).applied).toEqual([]);
  const { applied, known } = await schemaStatus(database.connection);
  expect(applied).toEqual(known);
});

test("several processes at once: each migration is applied by one of them", async () => {
  const results = await Promise.all([1, 2, 3, 4].map(() => migrate(database.connection)));
  const { known } = await schemaStatus(database.connection);
  expect(results.flatMap(({ applied }) => applied)).toHaveLength(known.length);
});

test("a schema newer than the program is refused, by every door, and left alone", async () => {
  await migrate(database.connection);
  await raw.query("insert into labkeeper_migrations (version, name) values (9999, 'from_the_future')");
  await expect(migrate(database.connection)).rejects.toMatchObject({ code: "LK4002" });
  await expect(openStore(database.connection)).rejects.toMatchObject({ code: "LK4002" });
});

test("a schema that is not there, or older, asks for `labkeeper migrate`", async () => {
  await expect(openStore(database.connection)).rejects.toMatchObject({
    code: "LK4007",
    remedy: expect.stringContaining("migrate"),
  });
  expect(await tables()).toBe(0);
});

test("a migration that fails leaves nothing behind", async () => {
  await raw.query("create table labs (mine text)");
  await expect(migrate(database.connection)).rejects.toMatchObject({
    code: "LK4006",
    message: expect.stringContaining("labs"),
  });
  expect(await tables()).toBe(1);
});

test("a server that is not there", async () => {
  const nowhere = { ...database.connection, host: "/nonexistent", port: 1 };
  await expect(migrate(nowhere)).rejects.toMatchObject({ code: "LK4001", disposition: "retry" });
  await expect(openStore(nowhere)).rejects.toMatchObject({ code: "LK4001" });
});
