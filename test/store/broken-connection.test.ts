import { sql } from "kysely";
import pg from "pg";
import { expect, test } from "vitest";
import { connect } from "../../src/store/connection.ts";
import { createDatabase } from "../database.ts";

test("a connection that the server ends inside a transaction fails that transaction, not the process", async () => {
  const database = await createDatabase();
  const { db, pool, close } = connect(database.connection, { max: 1 });
  const other = new pg.Client(database.connection);
  await other.connect();
  const thrown: unknown[] = [];
  const note = (error: unknown): void => {
    thrown.push(error);
  };
  process.on("uncaughtException", note);
  try {
    const broken = db.transaction().execute(async (tx) => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
      await other.query("select pg_terminate_backend($1)", [rows[0]?.pid]);
      await expect
        .poll(async () => (await other.query("select 1 from pg_stat_activity where pid = $1", [rows[0]?.pid])).rowCount)
        .toBe(0);
      // Between two queries: nobody waits for an answer that could carry the error.
      await new Promise((resolve) => setImmediate(resolve));
      await sql`select 1`.execute(tx);
    });
    await expect(broken).rejects.toThrow();
    expect((await sql<{ one: number }>`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }]);
    expect(pool.totalCount).toBe(1);
    expect(thrown).toEqual([]);
  } finally {
    process.off("uncaughtException", note);
    await other.end();
    await close();
    await database.drop();
  }
});
