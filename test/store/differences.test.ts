/** A quiet cycle looks only at names that may differ. None may be missing there, whoever changed a side, and when. */

import pg from "pg";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Plan } from "../../src/core/types.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { aLabFile, COMMIT, wholeCatalog } from "../fixtures.ts";
import { absences, applyCatalog, claimOne, makeReady } from "./seed.ts";

let database: TestDatabase;
let store: Store;
let raw: pg.Client;

beforeEach(async () => {
  database = await createDatabase();
  store = await openStore(database.connection);
  raw = new pg.Client(database.connection);
  await raw.connect();
});
afterEach(async () => {
  await raw.end();
  await store.close();
  await database.drop();
});

const quiet = { ...wholeCatalog([]), complete: false };
const found = async (): Promise<string[]> =>
  (await store.compare(quiet, new Date(), 24)).comparisons.map(({ name }) => name);
const marked = async (): Promise<string[]> =>
  (await raw.query<{ name: string }>("select name from differences order by name")).rows.map(({ name }) => name);

/** As a guard would, without asking which. */
const holdAll = (plan: Plan): Plan => ({
  ...plan,
  changes: plan.changes.map((change) => ({
    ...change,
    held: { hold: "hold-1", guard: "protected", message: "m", release: "r", approvable: false },
  })),
});

test("a catalog that was carried out leaves nothing to look at", async () => {
  await applyCatalog(store, [aLabFile("a"), aLabFile("b")]);
  await makeReady(store);
  expect(await found()).toEqual([]);
  expect(await marked()).toEqual([]);
});

test.each([
  ["a changed file", [aLabFile("a", { spec: { workers: 1 } })]],
  ["a removed file", []],
])("%s is looked at again for as long as its change is held", async (_, files) => {
  await applyCatalog(store, [aLabFile("a")]);
  await makeReady(store);
  const removed = files.length === 0 ? ["labs/team-a/a.yaml"] : [];
  await applyCatalog(store, { ...quiet, files, removed }, { hold: holdAll });
  for (let cycle = 0; cycle < 3; cycle++) {
    expect(await found()).toEqual(["a"]);
    await applyCatalog(store, quiet, { hold: holdAll });
  }
});

test("a file that came back while its lab was being destroyed makes a new one", async () => {
  await applyCatalog(store, [aLabFile("a")]);
  await makeReady(store);
  await applyCatalog(store, { ...quiet, removed: ["labs/team-a/a.yaml"] });
  const job = await claimOne(store);
  await applyCatalog(store, { ...quiet, files: [aLabFile("a")] });
  await applyCatalog(store, quiet);
  await store.finish(job, { kind: "destroyed", receipt: absences() });
  expect(await found()).toEqual(["a"]);
  const { plan } = await applyCatalog(store, quiet);
  expect(plan.changes.map(({ lab, action }) => [lab, action])).toEqual([["a", "create"]]);
});

test("two files of one name are looked at until one goes", async () => {
  await applyCatalog(store, [aLabFile("a")]);
  const copy = aLabFile("a", { team: "team-b" });
  await applyCatalog(store, { ...quiet, files: [copy] });
  expect(await found()).toEqual(["a"]);
  await applyCatalog(store, { ...quiet, removed: [copy.path] });
  await applyCatalog(store, quiet);
  expect(await found()).toEqual([]);
});

test("what a worker changes while a cycle ends is not overlooked", async () => {
  await applyCatalog(store, [aLabFile("a")]);
  await makeReady(store);
  // The name is there already, so that the cycle has it to take away.
  await raw.query("insert into differences (name) values ('a')");
  await raw.query("begin");
  await raw.query("update labs set path = 'labs/team-a/elsewhere.yaml' where name = 'a'");
  const cycle = applyCatalog(store, quiet);
  const other = new pg.Client(database.connection);
  await other.connect();
  await vi.waitFor(async () => {
    const { rowCount } = await other.query("select from pg_locks where not granted");
    expect(rowCount).toBeGreaterThan(0);
  }, 10_000);
  await raw.query("commit");
  await cycle;
  await other.end();
  expect(await found()).toEqual(["a"]);
});

test("a database that was there before is looked at once as a whole", async () => {
  await applyCatalog(store, [aLabFile("a")]);
  await raw.query("delete from differences");
  await raw.query("insert into differences (name) select name from labs union select name from desired_labs");
  await applyCatalog(store, quiet);
  expect(await marked()).toEqual([]);
  expect((await store.revision())?.commit).toBe(COMMIT);
});
