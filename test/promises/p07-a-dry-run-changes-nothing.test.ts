/** P7: a dry run changes nothing, and prints exactly the plan that the real run executes. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { planToJson } from "../../src/core/render-json.ts";
import { planMarkdown } from "../../src/core/render-markdown.ts";
import { planText } from "../../src/core/render-text.ts";
import { openStore } from "../../src/store/open.ts";
import { catalogFile, gone, lab, labPath, labs, profileFile } from "./files.ts";
import { type World, world } from "./world.ts";

/** Everything outside of Postgres: the catalog's repository, the cloud, artifacts, secrets. */
function onDisk(w: World): string[] {
  return readdirSync(w.folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => `${createHash("sha256").update(readFileSync(path)).digest("hex")} ${path}`)
    .sort();
}

const GRACEFUL = { spec: { profile: "graceful" } };

/** A catalog whose next plan has one of everything. */
async function everything(): Promise<World> {
  const w = await world({
    profiles: { graceful: { lifecycle: { deletionGraceHours: 10 } } },
    guards: { maxDestroys: 4, maxDestroyPercent: 100 },
    teams: [{ name: "team-a" }, { name: "team-b", maxActiveLabs: 1 }],
  });
  await w.turn({
    ...labs(["broken", "edited", "moved", "protected", "removed", "replaced", "unchanged"], { spec: { ttlHours: 48 } }),
    ...labs(["expires", "tombstone"], { spec: { ttlHours: 4 } }),
    ...labs(["leaves", "returns"], GRACEFUL),
    ...lab("quota-1", { team: "team-b", spec: { ttlHours: 48 } }),
  });
  await w.turn({
    ...lab("protected", { spec: { ttlHours: 48, protect: true } }),
    ...gone("returns"),
    ...lab("expires", { spec: { ttlHours: 5 } }),
  });
  await w.store.cancel("tombstone", "octocat");
  await w.work();
  w.later(5.5);
  w.commit({
    ...lab("created"),
    ...lab("edited", { owner: "hubot", spec: { workers: 3, tags: { purpose: "test" } } }),
    ...gone("removed", "protected", "moved", "tombstone", "leaves"),
    ...lab("moved", { ending: "yml", spec: { ttlHours: 48 } }),
    ...lab("replaced", { spec: { ttlHours: 48, version: "4.20.2" } }),
    ...lab("quota-2", { team: "team-b" }),
    ...lab("returns", GRACEFUL),
    [labPath("broken")]: "metadata: {name: broken",
  });
  return w;
}

test("the plan of a dry run is the plan that is carried out, word by word", async () => {
  await using w = await everything();
  const [before, files] = [await w.dump(), onDisk(w)];
  const first = await w.dryRun();
  const second = await w.dryRun();
  expect(await w.dump()).toBe(before);
  expect(onDisk(w)).toEqual(files);
  expect(first.applied).toBeNull();

  const real = await w.reconcile();
  for (const { plan } of [first, second]) {
    expect(plan.hash).toBe(real.plan.hash);
    expect(planToJson(plan, { all: true })).toEqual(planToJson(real.plan, { all: true }));
    expect(planText(plan)).toBe(planText(real.plan));
    expect(planMarkdown(plan)).toBe(planMarkdown(real.plan));
  }
  // Guards against a plan that is the same because it is empty.
  expect(real.plan.summary).toMatchObject({ create: 2, problems: 1 });
  expect(new Set(real.plan.changes.map(({ operation }) => operation.kind))).toEqual(
    new Set(["destroy", "forget", "leave", "none", "provision", "replace", "return", "update"]),
  );
  expect(new Set(real.plan.changes.map(({ held }) => held?.guard ?? null))).toEqual(
    new Set([null, "immutable-change", "protected", "quota"]),
  );
  expect(await w.dump()).not.toBe(before);
});

test("what was planned is what happens", async () => {
  await using w = await everything();
  const { plan } = await w.dryRun();
  const before = await w.existing();
  await w.reconcile();
  await w.work();
  const after = await w.existing();
  const names = (action: string): string[] =>
    plan.changes.filter((change) => change.action === action && change.held === null).map(({ lab: name }) => name);
  expect(after.filter((name) => !before.includes(name))).toEqual(names("create"));
  const goes = plan.changes.filter(({ held, operation }) => held === null && operation.kind === "destroy");
  expect(before.filter((name) => !after.includes(name))).toEqual(goes.map(({ lab: name }) => name).sort());
  const updated = (await w.cloud.journal()).filter(({ event }) => event === "updated").map(({ lab: name }) => name);
  expect(updated).toEqual(["edited"]);
});

test("a dry run leaves a catalog alone that it may not even read", async () => {
  await using w = await world();
  await w.turn(lab("one"));
  w.commit({ "catalog.yaml": "spec: [", ...gone("one") });
  const [before, files] = [await w.dump(), onDisk(w)];
  const dry = await w.dryRun();
  expect(await w.dump()).toBe(before);
  expect(onDisk(w)).toEqual(files);
  const real = await w.reconcile();
  expect(planToJson(dry.plan, { all: true })).toEqual(planToJson(real.plan, { all: true }));
  expect(await w.dump()).toBe(before);
});

test("a dry run works where nothing can be written, and a real one is refused there", async () => {
  await using w = await everything();
  const { plan } = await w.dryRun();
  await using readOnly = await openStore({
    ...w.database.connection,
    options: "-c default_transaction_read_only=on",
  });
  expect((await w.dryRun(readOnly)).plan.hash).toBe(plan.hash);
  const before = await w.dump();
  await expect(w.reconcile(readOnly)).rejects.toMatchObject({ code: expect.stringMatching(/^LK400/) });
  expect(await w.dump()).toBe(before);
});

test("what a plan reads it reads in a transaction that can only read", async () => {
  await using w = await everything();
  await w.sql("alter table desired_labs rename to desired_labs_table");
  await w.sql(`create function require_read_only() returns boolean language plpgsql volatile as $$
    begin
      if current_setting('transaction_read_only') <> 'on' then raise exception 'this transaction can write'; end if;
      return true;
    end $$`);
  await w.sql("create view desired_labs as select * from desired_labs_table where require_read_only()");
  await expect(w.sql("select * from desired_labs")).rejects.toThrow("this transaction can write");
  expect((await w.dryRun()).plan.changes).not.toEqual([]);
});

test("an edit between the dry run and the real run gives another plan", async () => {
  await using w = await world();
  w.commit(lab("one"));
  const dry = await w.dryRun();
  w.commit(lab("one", { spec: { workers: 1 } }));
  expect((await w.reconcile()).plan.hash).not.toBe(dry.plan.hash);
  w.commit({ "catalog.yaml": catalogFile(undefined, { maxDestroys: 0 }), "profiles/quick.yaml": profileFile("quick") });
  w.commit(lab("two"));
  const [again, once] = [await w.dryRun(), await w.dryRun()];
  expect(again.plan.hash).toBe(once.plan.hash);
});
