/** A real lab that the restored records do not know is adopted with what is on it. */

import { chmod, rm } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { expect, test } from "vitest";
import { localPostgresCommand } from "../../src/local/local-postgres/command.ts";
import { execProvisioner } from "../../src/provisioners/exec.ts";
import { gone, lab } from "../promises/files.ts";
import { world } from "../promises/world.ts";
import { backUp, restore } from "./backup.ts";

async function ask(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

test("a Postgres server keeps its data, its credentials and its one process", { timeout: 120_000 }, async () => {
  await using w = await world({
    provisioners: (folder) => ({
      "local-postgres": execProvisioner({
        name: "local-postgres",
        command: localPostgresCommand({ sharedDir: join(folder, "shared") }),
        environment: process.env,
      }),
    }),
  });
  // As root, Postgres runs as somebody else, who has to pass.
  await chmod(w.folder, 0o711);
  await w.turn(lab("stays"));
  const tables = await backUp(w);
  await w.turn(lab("real", { spec: { profile: "local-postgres" } }));
  const made = await w.lab("real");
  expect(made).toMatchObject({ state: "ready", failure: null });
  const url = async () => (await w.secrets.get(`labs/${made.id}`))?.reveal("url") ?? "";
  await ask(await url(), "create table notes as select 42 as answer");
  await restore(w, tables);
  expect(await w.states()).toEqual({ stays: "ready" });

  await w.turn();
  const adopted = await w.lab("real");
  expect(adopted).toMatchObject({ id: made.id, state: "ready", failure: null, intent: made.intent });
  expect(await ask(await url(), "select answer from notes")).toEqual([{ answer: 42 }]);
  const last = await url();
  await w.turn(gone("real"));
  expect(await w.detail("real")).toMatchObject({ lab: { state: "destroyed" }, receipt: expect.anything() });
  await expect(ask(last, "select 1")).rejects.toThrow();
  await rm(join(w.folder, "shared"), { recursive: true, force: true });
});
