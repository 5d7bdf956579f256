/**
 * Least privilege, table by table: whoever has only a role's rights can do what labkeeper does with it, and no more. Tables
 * and functions are asked for, so that one of a later migration is held to the same rules.
 */

import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sweep } from "../../src/janitor.ts";
import { folderWorkspace } from "../../src/local/workspace.ts";
import { migrate } from "../../src/store/migrate.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import type { TestDatabase } from "../database.ts";
import { gone, lab, labs } from "../promises/files.ts";
import { type World, world } from "../promises/world.ts";
import { absences, UNLIMITED } from "./seed.ts";

const READER = "labkeeper_readonly";
const WRITER = "labkeeper_readwrite";
/** SQLSTATE of a missing privilege. */
const DENIED = "42501";
/** SQLSTATE that the triggers raise against changed history. */
const APPEND_ONLY = "LK003";

/**
 * What the writer may remove rows from: the copy of the catalog and of pull requests with what is made of them, plans that
 * nobody asks for any more (a trigger says which), supplies that came free, and ids of old deliveries.
 */
const MAY_DELETE = [
  "desired_labs",
  "differences",
  "pull_request_labs",
  "reports",
  "reservations",
  "reviewed_destroys",
  "reviews",
  "teams",
  "webhook_deliveries",
];
/** What belongs to migrations alone. */
const FROZEN = ["labkeeper_migrations", "lab_transitions"];
const HISTORY = ["destroy_receipts", "lab_events", "policies"];

/** A store whose every session has a role's rights and no others, as a login granted to it would. */
const storeAs = (database: TestDatabase, role: string): Promise<Store> =>
  openStore({ ...database.connection, options: `-c role=${role}` }, { max: 4 });

let w: World;
let owner: pg.Client;
let tables: readonly string[];
beforeAll(async () => {
  w = await world();
  await w.turn(labs(["one", "two", "three"]));
  await w.turn(gone("three"));
  owner = new pg.Client(w.database.connection);
  await owner.connect();
  tables = (await w.sql<{ name: string }>("select tablename as name from pg_tables where schemaname = 'public'"))
    .map(({ name }) => name)
    .sort();
});
afterAll(async () => {
  await owner.end();
  await w[Symbol.asyncDispose]();
});

/** What came of a statement that a role ran: `done`, or the SQLSTATE it was refused with. Nothing of it stays. */
const as = async (role: string, sql: string): Promise<string> => {
  await owner.query("begin");
  try {
    await owner.query(`set local role ${role}`);
    await owner.query(sql);
    return "done";
  } catch (error) {
    return (error as { code: string }).code;
  } finally {
    await owner.query("rollback");
  }
};

const rightsOf = async (role: string, table: string): Promise<string[]> => {
  const all = ["select", "insert", "update", "delete", "truncate", "references", "trigger"];
  const columns = ["insert", "update", "references"];
  const { rows } = await owner.query<{ name: string; held: boolean }>(
    `select name, has_table_privilege($1, $2, name) or (name = any ($4) and has_any_column_privilege($1, $2, name)) as held
     from unnest($3::text[]) as name`,
    [role, table, all, columns],
  );
  return rows.filter(({ held }) => held).map(({ name }) => name);
};

/** Statements that take something away from everybody, for any table. */
const HARM: readonly ((table: string) => string)[] = [
  (table) => `drop table ${table} cascade`,
  (table) => `truncate ${table} cascade`,
  (table) => `alter table ${table} disable trigger all`,
  (table) => `alter table ${table} add column x int`,
  (table) => `alter table ${table} rename to x`,
  (table) => `create trigger x before insert on ${table} for each row execute function lk_append_only()`,
  (table) => `create rule x as on insert to ${table} do instead nothing`,
];

const HARM_TO_ALL = [
  "drop schema public cascade",
  "create table public.mine (id int)",
  "create function public.mine() returns int language sql as 'select 1'",
  "create or replace function lk_append_only() returns trigger language plpgsql as 'begin return old; end'",
  "alter function lk_append_only() owner to current_user",
  "set session_replication_role = replica",
  "copy labs to program 'true'",
  "copy teams from '/etc/passwd'",
  "create role mine superuser",
  "alter role labkeeper_readonly superuser",
];

describe.each([READER, WRITER])("neither role, %s", (role) => {
  test("can drop, empty or alter any table", async () => {
    expect(tables.length).toBeGreaterThan(15);
    for (const table of tables) for (const harm of HARM) expect(await as(role, harm(table)), harm(table)).toBe(DENIED);
  });

  test.each(HARM_TO_ALL)("can %s", async (harm) => {
    if (harm.startsWith("alter role")) expect(await as(role, harm)).not.toBe("done");
    else expect(await as(role, harm)).toBe(DENIED);
  });

  test("can give its rights away", async () => {
    const granted = "select relname from pg_class, aclexplode(relacl) a where a.grantee = 0 and relname = any ($1)";
    await owner.query("begin");
    await owner.query(`set local role ${role}`);
    for (const table of tables) await owner.query(`grant all on ${table} to public`);
    expect((await owner.query(granted, [tables])).rows).toEqual([]);
    await owner.query("rollback");
  });

  test("has more than it was granted through a function that runs as its owner", async () => {
    const { rows } = await owner.query(
      "select proname from pg_proc where pronamespace = 'public'::regnamespace and prosecdef",
    );
    expect(rows).toEqual([]);
  });
});

describe("the readers' role", () => {
  test("has no right on any table but to read it", async () => {
    for (const table of tables) expect([table, await rightsOf(READER, table)]).toEqual([table, ["select"]]);
  });

  test("writes nothing by plain SQL either", async () => {
    for (const table of tables) {
      expect(await as(READER, `insert into ${table} default values`), table).toBe(DENIED);
      expect(await as(READER, `delete from ${table}`), table).toBe(DENIED);
      expect(await as(READER, `select * from ${table} for update`), table).toBe(DENIED);
      expect(await as(READER, `lock table ${table} in row exclusive mode`), table).toBe(DENIED);
      expect(await as(READER, `select * from ${table}`), table).toBe("done");
    }
  });

  test("is refused every writing call that labkeeper has, and changes nothing by trying", async () => {
    const lease = await w.store.acquire("reconciler", "test", 60);
    const janitor = await w.store.acquire("janitor", "test", 60);
    if (lease === null || janitor === null) throw new Error("a lease is held");
    w.commit(labs(["four", "five"]));
    await w.store.release(lease);
    await w.reconcile();
    const [job] = await w.store.claim({
      worker: "worker-1",
      slots: 1,
      destroySlots: 0,
      leaseSeconds: 60,
      limits: UNLIMITED,
    });
    if (job === undefined) throw new Error("nothing was claimed");
    await using reader = await storeAs(w.database, READER);
    const before = await w.dump();
    const request = { worker: "reader", slots: 9, destroySlots: 9, leaseSeconds: 60, limits: UNLIMITED };
    const need = { scope: "aws/1/us-east-1", resource: "vcpu", need: 1, limit: 9, used: 0 };
    const writes: Record<string, () => Promise<unknown>> = {
      claim: () => reader.claim(request),
      beginStep: () => reader.beginStep(job, "record-intent", null),
      recordIntent: () => reader.recordIntent(job, { infraID: "four-aaaaa" }),
      recordOutputs: () => reader.recordOutputs(job, { note: "mine" }),
      reserve: () => reader.reserve(job, [need]),
      "finish provisioned": () => reader.finish(job, { kind: "provisioned", outputs: {} }),
      "finish destroyed": () => reader.finish(job, { kind: "destroyed", receipt: absences() }),
      "finish released": () => reader.finish(job, { kind: "released" }),
      acquire: () => reader.acquire("mine", "reader", 60),
      renew: () => reader.renew([job.lease], 600),
      release: () => reader.release(job.lease),
      reconcile: () => w.reconcile(reader),
      retry: () => reader.retry("one", "octocat"),
      cancel: () => reader.cancel("one", "octocat"),
      recordAccess: () => reader.recordAccess("one", "octocat"),
      recordSweep: () => reader.recordSweep([], [], new Date(), janitor),
    };
    for (const [name, write] of Object.entries(writes)) {
      await expect(write(), name).rejects.toMatchObject({ code: expect.stringMatching(/^LK(4005|3004)$/) });
    }
    await reader.recordProgress(job, "mine", 99).catch(() => undefined);
    expect(await w.dump()).toBe(before);
    await w.store.release(janitor);
    await w.store.finish(job, { kind: "released" });
  });

  test("is enough to read everything that people are shown, and for a dry run", async () => {
    await using reader = await storeAs(w.database, READER);
    const plan = await w.dryRun(reader);
    expect(plan.plan.changes.filter(({ action }) => action !== "keep")).toEqual([]);
    expect((await reader.labs(true)).map(({ lab: { name } }) => name)).toEqual(
      expect.arrayContaining(["one", "two", "three"]),
    );
    expect(await reader.lab("three")).toMatchObject({ lab: { state: "destroyed" }, receipt: expect.anything() });
    expect((await reader.events("one")).length).toBeGreaterThan(3);
    await Promise.all([reader.holds(), reader.problems(), reader.queue(), reader.orphans(true), reader.databaseTime()]);
  });
});

describe("the reconciler's role", () => {
  test("has exactly the rights that its work takes", async () => {
    for (const table of tables) {
      const usual = FROZEN.includes(table) ? ["select"] : ["select", "insert", "update"];
      const rights = MAY_DELETE.includes(table) ? [...usual, "delete"] : usual;
      expect([table, await rightsOf(WRITER, table)]).toEqual([table, rights]);
    }
  });

  test("cannot edit history, and can remove no row but of the catalog's copy", async () => {
    for (const table of HISTORY) {
      const [column = ""] = (
        await w.sql<{ name: string }>(
          "select column_name as name from information_schema.columns where table_name = $1",
          [table],
        )
      ).map(({ name }) => name);
      expect(await as(WRITER, `update ${table} set ${column} = ${column}`), table).toBe(APPEND_ONLY);
    }
    for (const table of tables.filter((name) => !MAY_DELETE.includes(name)))
      expect(await as(WRITER, `delete from ${table}`), table).toBe(DENIED);
  });

  test("cannot change which migrations were applied, nor which state may follow which", async () => {
    for (const table of FROZEN) {
      const [{ name = "" } = {}] = await w.sql<{ name: string }>(
        "select column_name as name from information_schema.columns where table_name = $1",
        [table],
      );
      expect(await as(WRITER, `update ${table} set ${name} = ${name}`)).toBe(DENIED);
      expect(await as(WRITER, `insert into ${table} select * from ${table}`)).toBe(DENIED);
    }
  });

  test("finds that nothing is to be migrated", async () => {
    const options = `-c role=${WRITER}`;
    expect(await migrate({ ...w.database.connection, options })).toEqual({ applied: [] });
  });

  test("is enough for all of a lab's life, for commands and for the janitor", async () => {
    await using it = await world({ profiles: { held: {} }, guards: { maxDestroys: 1 } });
    await using writer = await storeAs(it.database, WRITER);
    const turn = async (files: Parameters<World["commit"]>[0]): Promise<void> => {
      it.commit(files);
      await it.reconcile(writer);
      await it.work({ store: writer });
    };
    await turn(labs(["one", "two", "three"]));
    expect(await it.existing()).toEqual(["one", "three", "two"]);
    await turn(lab("one", { spec: { workers: 2 } }));
    expect((await it.cloud.clusters()).find(({ name }) => name === "one")).toMatchObject({ workers: 2 });
    await turn(gone("one", "two"));
    const open = (await it.holds()).filter(({ state }) => state === "open");
    expect(open.length).toBeGreaterThan(0);
    for (const { id } of open) await writer.approve(id, "octocat");
    await turn({});
    await writer.recordAccess("three", "octocat");
    await writer.cancel("three", "octocat");
    await it.work({ store: writer });
    expect(await it.existing()).toEqual([]);

    it.weather = { permanentFailureRate: { install: 1 } };
    await turn(lab("four"));
    it.weather = {};
    await writer.retry("four", "octocat");
    await it.work({ store: writer });
    expect(await it.states()).toMatchObject({ four: "ready" });

    const found = {
      id: "arn:aws:ec2:us-east-1:123456789012:volume/vol-1",
      type: "ec2:volume",
      account: "123456789012",
      region: "us-east-1",
      infraId: "gone-aaaaa",
      labId: "00000000-0000-7000-8000-000000000000",
      createdAt: null,
      dailyCost: 1,
    };
    const nothing = async (): Promise<never> => {
      throw new Error("only swept");
    };
    const swept = await sweep({
      store: writer,
      provisioners: new Map([["simulated", it.real]]),
      inventory: { observe: nothing, sweep: async () => ({ resources: [found], unseen: [] }) },
      workspace: folderWorkspace(it.folder),
      artifacts: it.artifacts,
      artifactRetentionDays: 30,
      clock: { now: () => new Date(Date.now() + 25 * 3_600_000), monotonic: () => performance.now() },
      holder: "janitor-1",
    });
    expect(swept).toMatchObject({ confirmed: 3, residue: [], orphans: [{ resource: { id: found.id } }] });
    expect(it.errors).toEqual([]);
  });
});
