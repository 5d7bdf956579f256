/** P2: nothing exists that is not recorded. The intent is durable before the first thing is made. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { LabkeeperError } from "../../src/errors.ts";
import { gone, lab, labs, names } from "./files.ts";
import { type World, world } from "./world.ts";

/** Looks into Postgres each time the cloud is about to change; answers what was there without a record. */
function watch(w: World): string[] {
  const unrecorded: string[] = [];
  w.watchCloud = async ({ name, infraID }) => {
    const rows = await w.sql("select 1 from labs where name = $1 and intent ->> 'infraID' = $2", [name, infraID]);
    if (rows.length === 0) unrecorded.push(infraID);
  };
  return unrecorded;
}

/** Everything that exists has a record from which it can be destroyed. */
async function expectAllRecorded(w: World): Promise<void> {
  const recorded = await w.sql<{ id: string }>("select intent ->> 'infraID' as id from labs where intent is not null");
  const ids = recorded.map(({ id }) => id);
  for (const { infraID } of await w.cloud.clusters()) expect(ids).toContain(infraID);
}

test("whatever is written to the cloud is in Postgres already, also under faults", async () => {
  await using w = await world();
  const unrecorded = watch(w);
  w.weather = {
    failureRate: { prepare: 0.3, install: 0.4, verify: 0.3 },
    lies: { installedNothing: 0.2, residue: 0.3 },
  };
  w.commit(labs(names("lab", 12)));
  await w.reconcile();
  for (let round = 0; round < 3; round++) {
    await w.work();
    await expectAllRecorded(w);
    await w.hurry();
  }
  w.commit(gone("lab-01", "lab-02", "lab-03"));
  await w.turn();
  await expectAllRecorded(w);
  expect(unrecorded).toEqual([]);
  expect((await w.cloud.journal()).length).toBeGreaterThan(12);
});

test("a record that cannot be written leaves nothing behind", async () => {
  await using w = await world();
  const lost = new LabkeeperError("LK4001", "the connection is gone");
  const store = { ...w.store, recordIntent: () => Promise.reject(lost) };
  w.commit(lab("one"));
  await w.reconcile();
  await w.work({ store });
  expect(await w.existing()).toEqual([]);
  expect(await w.cloud.journal()).toEqual([]);
  expect(await w.lab("one")).toMatchObject({ state: "failed", intent: null, failure: { step: "record-intent" } });
  await w.hurry();
  await w.work();
  expect(await w.existing()).toEqual(["one"]);
});

test("the database refuses to begin an install before its intent is there", async () => {
  await using w = await world();
  w.commit(lab("one"));
  await w.reconcile();
  const [job] = await w.store.claim({
    worker: "careless",
    slots: 1,
    destroySlots: 0,
    leaseSeconds: 60,
    limits: { jobs: 9, creates: 9, createsPerTeam: 9, createsPerAccountRegion: 9 },
  });
  if (!job) throw new Error("nothing to claim");
  await expect(w.store.beginStep(job, "install", null)).rejects.toMatchObject({ code: "LK4005" });
  await w.store.recordIntent(job, { infraID: "one-aaaaa" });
  await w.store.beginStep(job, "install", null);
  await expect(w.sql("update labs set intent = null where name = 'one'")).rejects.toThrow("pinned");
});

describe("a worker that is killed", () => {
  test.each([
    ["while it prepares", "prepare", []],
    ["before the intent is recorded", "recordIntent", []],
    ["before it installs", "install", []],
    ["in the middle of an install", "creating", ["one*"]],
    ["after the install", "created", ["one"]],
    ["before it verifies", "verify", ["one"]],
  ] as const)(
    "%s: what exists is recorded, the next worker makes one cluster of it, and it can go",
    async (_, point, left) => {
      await using w = await world();
      w.commit(lab("one"));
      await w.reconcile();
      const environment = { DATABASE: JSON.stringify(w.database.connection), FOLDER: w.folder, DIES_AT: point };
      const script = fileURLToPath(new URL("dying-worker.ts", import.meta.url));
      const child = spawn(process.execPath, [script], { env: { ...process.env, ...environment }, stdio: "inherit" });
      expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);

      expect(await w.existing()).toEqual(left);
      await expectAllRecorded(w);
      const unrecorded = watch(w);
      await w.work();
      expect(await w.existing()).toEqual(["one"]);
      expect(await w.states()).toEqual({ one: "ready" });
      expect(unrecorded).toEqual([]);

      await w.turn({ ...gone("one"), ...lab("two") });
      expect(await w.existing()).toEqual(["two"]);
      expect(await w.detail("one")).toMatchObject({ lab: { state: "destroyed" }, receipt: expect.anything() });
    },
  );
});
