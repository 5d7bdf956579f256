import pg from "pg";
import { expect, test } from "vitest";
import { createDatabase } from "../database.ts";

async function count(url: string): Promise<number> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query<{ count: number }>("select count(*)::int as count from labkeeper_migrations");
  await client.end();
  return rows[0]!.count;
}

test("each test database has the schema and is separate", async () => {
  const databases = await Promise.all([createDatabase(), createDatabase()]);
  const [one, two] = databases;
  expect(one.url).not.toBe(two.url);
  expect(await count(one.url)).toBeGreaterThan(0);
  expect(await count(two.url)).toBeGreaterThan(0);
  await Promise.all(databases.map((database) => database.drop()));
  await expect(count(one.url)).rejects.toMatchObject({ code: "3D000" });
});
