/** What runs record on their way: each under its own lease, also where several write at once. */

import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openStore, type Store } from "../../src/store/open.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { aLabFile } from "../fixtures.ts";
import { applyCatalog, claimAll } from "./seed.ts";

let database: TestDatabase;
let store: Store;
let raw: pg.Client;

beforeAll(async () => {
  database = await createDatabase();
  store = await openStore(database.connection);
  raw = new pg.Client(database.connection);
  await raw.connect();
});
afterAll(async () => {
  await raw.end();
  await store.close();
  await database.drop();
});

test("progress written at once is each job's last word, and a stranger's is dropped", async () => {
  await applyCatalog(store, [aLabFile("a"), aLabFile("b"), aLabFile("c")]);
  const [a, b, c] = await claimAll(store);
  if (!a || !b || !c) throw new Error("three jobs are needed");
  const stranger = { ...c, lease: { ...c.lease, token: c.lease.token + 1 } };
  await Promise.all([
    store.recordProgress(a, "first", 10),
    store.recordProgress(b, "alone", null),
    store.recordProgress(a, "second", 19.6),
    store.recordProgress(stranger, "not mine", 50),
  ]);
  const { rows } = await raw.query("select id, phase, percent from jobs where phase is not null order by phase");
  expect(rows).toEqual([
    { id: b.id, phase: "alone", percent: null },
    { id: a.id, phase: "second", percent: 20 },
  ]);
});

test("one lost lease in a batch harms only its own job", async () => {
  await applyCatalog(store, [aLabFile("a"), aLabFile("b"), aLabFile("c"), aLabFile("d"), aLabFile("e")]);
  const [d, e] = await claimAll(store);
  if (!d || !e) throw new Error("two jobs are needed");
  await raw.query("update leases set token = token + 1 where resource = $1", [e.lease.resource]);
  const results = await Promise.allSettled([
    store.recordIntent(d, { infraId: "d" }),
    store.recordIntent(e, { infraId: "e" }),
    store.recordOutputs(d, { apiUrl: "https://d" }),
    store.recordOutputs(e, { apiUrl: "https://e" }),
  ]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "rejected"]);
  const { rows } = await raw.query(
    "select l.id, l.intent, o.outputs from labs l left join lab_outputs o on o.lab_id = l.id where l.id = any ($1)",
    [[d.lab.id, e.lab.id]],
  );
  expect(rows).toEqual(
    expect.arrayContaining([
      { id: d.lab.id, intent: { infraId: "d" }, outputs: { apiUrl: "https://d" } },
      { id: e.lab.id, intent: null, outputs: null },
    ]),
  );
});
