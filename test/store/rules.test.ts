/** The rules that Postgres itself enforces: each is broken on purpose, with plain SQL, as a defective program would. */

import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { TRANSITIONS } from "../../src/core/states.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { aLabFile } from "../fixtures.ts";
import { absences, applyCatalog, claimAll, claimOne, makeReady } from "./seed.ts";

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

/** Leaves no job behind, so that each test claims only its own. */
afterEach(async () => {
  for (const job of await claimAll(store)) {
    if (job.kind === "destroy") await store.finish(job, { kind: "destroyed", receipt: absences() });
    else {
      await store.recordIntent(job, { infraId: "x" });
      await store.finish(job, { kind: "provisioned", outputs: {} });
    }
  }
});

const refused = async (sql: string, values: unknown[] = []): Promise<string> => {
  await raw.query("begin");
  try {
    await raw.query(sql, values);
    await raw.query("commit");
    return "accepted";
  } catch (error) {
    await raw.query("rollback");
    return (error as { constraint?: string }).constraint ?? (error as { code: string }).code;
  }
};

let serial = 0;
const newLab = async (): Promise<string> => {
  serial += 1;
  const name = `lab-${serial}`;
  const recorded = await raw.query<{ name: string }>("select name from labs where current and state <> 'destroyed'");
  await applyCatalog(store, [...recorded.rows.map((row) => aLabFile(row.name)), aLabFile(name)]);
  return name;
};
const idOf = async (name: string): Promise<string> =>
  (await raw.query<{ id: string }>("select id from labs where name = $1 and current", [name])).rows[0]?.id ?? "";

test("the transitions in the database are those in the code", async () => {
  const { rows } = await raw.query<{ from_state: string; to_state: string; driver: string }>(
    "select * from lab_transitions",
  );
  const stored = rows.map(({ from_state, to_state, driver }) => `${from_state}>${to_state} ${driver}`).sort();
  expect(stored).toEqual(TRANSITIONS.map(([from, to, driver]) => `${from}>${to} ${driver}`).sort());
});

test("no transition outside the table, for any pair of states", async () => {
  const name = await newLab();
  const id = await idOf(name);
  const states = [...new Set(TRANSITIONS.flatMap((row) => [row[0], row[1]]))];
  const fromPending = TRANSITIONS.filter(([from]) => from === "pending").map(([, to]) => to);
  for (const to of states.filter((state) => state !== "pending" && !fromPending.includes(state))) {
    expect(await refused("update labs set state = $2 where id = $1", [id, to]), `pending > ${to}`).toBe("LK002");
  }
});

describe("P1 no destroy without a recorded cause", () => {
  test.each([null, "{}", '{"kind": "because"}'])("cause %s", async (cause) => {
    await newLab();
    await makeReady(store);
    const id = await idOf(`lab-${serial}`);
    await raw.query("update leases set expires_at = now() + interval '1 minute' where resource = $1", [`lab:${id}`]);
    const move = `update labs set state = 'destroying', destroy_cause = $2,
      fence = (select token from leases where resource = 'lab:' || $1::uuid) where id = $1::uuid`;
    expect(await refused(move, [id, cause])).toBe("destroy_has_cause");
  });
});

describe("P2 nothing is installed before its intent is recorded", () => {
  test("an install step without an intent is refused", async () => {
    await newLab();
    const job = await claimOne(store);
    await expect(store.beginStep(job, "install", null)).rejects.toMatchObject({ code: "LK4005" });
    await store.recordIntent(job, { infraId: "x" });
    await store.beginStep(job, "install", null);
    await store.finish(job, { kind: "provisioned", outputs: {} });
  });

  test("an intent is never taken back", async () => {
    expect(await refused("update labs set intent = null where id = $1", [await idOf(`lab-${serial}`)])).toBe("LK004");
  });
});

describe("P4 destroyed needs a receipt of two absences", () => {
  let id: string;
  beforeEach(async () => {
    await newLab();
    await makeReady(store);
    id = await idOf(`lab-${serial}`);
    await store.cancel(`lab-${serial}`, "octocat");
  });

  test("no receipt", async () => {
    const job = await claimOne(store);
    expect(await refused("update labs set state = 'destroyed' where id = $1", [id])).toBe("destroyed_has_receipt");
    await store.finish(job, { kind: "destroyed", receipt: absences() });
  });

  test.each([
    ["one observation", absences(1).observations],
    ["one unknown", [...absences(1).observations, { at: "now", verdict: "unknown" }]],
    ["one present", [...absences(1).observations, { at: "now", verdict: "present" }]],
    ["one without a verdict", [...absences(1).observations, { at: "now" }]],
    ["not a list", { verdict: "absent" }],
  ])("%s", async (_, observations) => {
    const insert = "insert into destroy_receipts (lab_id, provisioner, observations) values ($1, 'simulated', $2)";
    expect(await refused(insert, [id, JSON.stringify(observations)])).toBe("receipt_is_two_absences");
  });

  test("another lab's receipt", async () => {
    const job = await claimOne(store);
    await store.finish(job, { kind: "destroyed", receipt: absences() });
    const { rows } = await raw.query<{ id: string }>("select id from destroy_receipts where lab_id = $1", [id]);
    await newLab();
    await makeReady(store);
    const other = await idOf(`lab-${serial}`);
    await store.cancel(`lab-${serial}`, "octocat");
    const theirs = await claimOne(store);
    const steal = "update labs set state = 'destroyed', receipt_id = $2 where id = $1";
    expect(await refused(steal, [other, rows[0]?.id])).toMatch(/foreign|fkey/);
    await store.finish(theirs, { kind: "destroyed", receipt: absences() });
  });
});

describe("P11 history is append-only and complete", () => {
  test.each(["lab_events", "destroy_receipts"])("%s cannot be edited", async (table) => {
    await newLab();
    expect(await refused(`update ${table} set lab_id = lab_id`)).toBe("LK003");
    expect(await refused(`delete from ${table}`)).toBe("LK003");
    expect(await refused(`truncate ${table} cascade`)).toBe("LK003");
  });

  test("a state cannot change without its event", async () => {
    await newLab();
    const id = await idOf(`lab-${serial}`);
    const job = await claimOne(store);
    const change = "update labs set state = 'failed', fence = $2 where id = $1";
    expect(await refused(change, [id, job.lease.token])).toBe("LK006");
    await store.finish(job, { kind: "released" });
  });

  test("labs and leases are never deleted", async () => {
    expect(await refused("delete from labs")).toBe("LK003");
    expect(await refused("delete from leases")).toBe("LK003");
  });
});

describe("P12 policy is pinned", () => {
  test.each(["policy_digest = 'other'", "name = name || 'x'", "created_at = now()"])("%s", async (change) => {
    await newLab();
    expect(await refused(`update labs set ${change} where id = $1`, [await idOf(`lab-${serial}`)])).toBe("LK004");
  });
});

test("two live labs cannot have one name on one platform and base domain", async () => {
  const name = await newLab();
  const copy = `insert into labs (id, name, team, platform, account_region, spec, policy_digest, path, commit, document_digest)
    select gen_random_uuid(), name, team, platform, account_region, spec, policy_digest, path, commit, document_digest from labs where name = $1`;
  expect(await refused(copy, [name])).toMatch(/^labs_one_(live_per_address|current_per_name)$/);
});

describe("database roles", () => {
  const as = async (role: string, sql: string): Promise<string> => {
    await raw.query(`set role ${role}`);
    try {
      return await refused(sql);
    } finally {
      await raw.query("reset role");
    }
  };

  test("the readers' role reads everything and writes nothing", async () => {
    expect(await as("labkeeper_readonly", "select lk_lab(l) from labs l")).toBe("accepted");
    const DENIED = "42501";
    for (const write of [
      "insert into teams (name) values ('x')",
      "update labs set team = 'x'",
      "delete from desired_labs",
      "truncate jobs cascade",
    ])
      expect(await as("labkeeper_readonly", write), write).toBe(DENIED);
  });

  test("the reconciler's role writes, and can neither drop nor forget", async () => {
    expect(
      await as("labkeeper_readwrite", "insert into teams (name) values ('y'); delete from teams where name = 'y'"),
    ).toBe("accepted");
    for (const harm of [
      "drop table labs",
      "delete from labs",
      "delete from lab_events",
      "truncate lab_events",
      "delete from lab_transitions",
      "update lab_transitions set driver = 'operator'",
      "alter table labs disable trigger all",
    ])
      expect(await as("labkeeper_readwrite", harm), harm).toBe("42501");
  });
});
