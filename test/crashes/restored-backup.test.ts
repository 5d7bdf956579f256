/** An older backup is restored: the records are behind the world. What they do not know is told, never destroyed. */

import { expect, test } from "vitest";
import type { CloudResource } from "../../src/cloud-ports.ts";
import { sweep } from "../../src/janitor.ts";
import { folderWorkspace } from "../../src/local/workspace.ts";
import { gone, lab, labs } from "../promises/files.ts";
import { type World, world } from "../promises/world.ts";

interface Table {
  readonly name: string;
  /** Without those that Postgres computes. */
  readonly columns: string;
}

/** All rows of all tables, as a logical backup has them. */
async function backUp(w: World): Promise<readonly Table[]> {
  const tables = await w.sql<Table>(`select table_name as name, string_agg(quote_ident(column_name), ', ') as columns
    from information_schema.columns join information_schema.tables using (table_schema, table_name)
    where table_schema = 'public' and table_type = 'BASE TABLE' and is_generated = 'NEVER' group by table_name`);
  await w.sql("create schema backup");
  for (const { name } of tables) await w.sql(`create table backup.${name} as select * from public.${name}`);
  return tables;
}

/** Puts them back as `pg_restore` does: past the triggers, for they hold labkeeper to its promises and not a restore. */
async function restore(w: World, tables: readonly Table[]): Promise<void> {
  const put = tables.map(
    ({ name, columns }) =>
      `insert into public.${name} (${columns}) overriding system value select ${columns} from backup.${name};`,
  );
  await w.sql(`begin; set local session_replication_role = replica;
    truncate ${tables.map(({ name }) => `public.${name}`).join(", ")} cascade; ${put.join("\n")} commit`);
  await w.sql("drop schema backup cascade");
}

/** Tags say whose a thing is, whatever the records have forgotten: lab ids by infraID, as they were when it was made. */
const tags = new Map<string, string>();
const remember = async (w: World): Promise<void> => {
  for (const { id, made } of await w.sql<{ id: string; made: string }>(
    "select id, intent ->> 'infraID' as made from labs where intent is not null",
  ))
    tags.set(made, id);
};

/** What the simulated cloud shows an inventory. */
const resources = async (w: World): Promise<CloudResource[]> =>
  (await w.cloud.clusters()).map(({ infraID }) => ({
    id: `arn:aws:ec2:us-east-1:123456789012:instance/${infraID}`,
    type: "ec2:instance",
    account: "123456789012",
    region: "us-east-1",
    infraId: infraID,
    labId: tags.get(infraID) ?? null,
    createdAt: new Date(Date.now() - 86_400_000),
    dailyCost: 10,
  }));

const sweptBy = (w: World) =>
  sweep({
    store: w.store,
    provisioners: new Map([["simulated", w.real]]),
    inventory: {
      observe: () => Promise.reject(new Error("only swept")),
      sweep: async () => ({ resources: await resources(w), unseen: [] }),
    },
    workspace: folderWorkspace(w.folder),
    artifacts: w.artifacts,
    artifactRetentionDays: 30,
    clock: { now: () => new Date(), monotonic: () => performance.now() },
    holder: "janitor-1",
  });

const infraIdsOf = async (w: World, name: string): Promise<string[]> =>
  (await w.cloud.clusters()).filter((cluster) => cluster.name === name).map(({ infraID }) => infraID);

test("labs of both are recognised, labs of the world alone are orphans, and none of either is destroyed", async () => {
  await using w = await world();
  await w.turn(labs(["kept", "edited", "destroyed-since"]));
  const kept = await infraIdsOf(w, "kept");
  const edited = await infraIdsOf(w, "edited");
  const tables = await backUp(w);

  await w.turn({ ...labs(["made-since", "gone-since"]), ...lab("edited", { spec: { workers: 4 } }) });
  await w.turn(gone("destroyed-since"));
  // Made since the backup, and its file went since: nobody but the cloud knows of it any more.
  w.weather = { permanentFailureRate: { destroy: 1 } };
  await w.turn(gone("gone-since"));
  w.weather = {};
  const since = await infraIdsOf(w, "made-since");
  const lost = await infraIdsOf(w, "gone-since");
  expect([since.length, lost.length]).toEqual([1, 1]);
  await remember(w);
  await restore(w, tables);
  expect(await w.states()).toEqual({ "destroyed-since": "ready", edited: "ready", kept: "ready" });

  // First of all the janitor tells what nobody answers for, with a catalog that makes nothing yet.
  const told = await sweptBy(w);
  expect(told.orphans.map(({ resource }) => resource.infraId).sort()).toEqual([...since, ...lost].sort());
  expect(told.residue).toEqual([]);

  const before = (await w.cloud.journal()).length;
  await w.turn();
  await w.work();
  const journal = (await w.cloud.journal()).slice(before);
  expect(journal.filter(({ event }) => event === "deleted")).toEqual([]);
  expect(journal.filter(({ lab: name, event }) => event === "creating" && name !== "made-since")).toEqual([]);
  expect(await infraIdsOf(w, "kept")).toEqual(kept);
  expect(await infraIdsOf(w, "edited")).toEqual(edited);
  expect((await w.cloud.clusters()).find(({ name }) => name === "edited")).toMatchObject({ workers: 4 });
  // The cluster that the records forgot is still there, and still told; its file has one that is recorded.
  expect(await infraIdsOf(w, "made-since")).toEqual(expect.arrayContaining(since));
  expect(await infraIdsOf(w, "gone-since")).toEqual(lost);
  await remember(w);
  await sweptBy(w);
  const listed = (await w.store.orphans(false)).map(({ resource }) => resource.infraId);
  expect(listed.sort()).toEqual([...since, ...lost].sort());
  // What was destroyed since is taken for live until its file's absence is seen; then two looks prove it gone.
  expect(await w.detail("destroyed-since")).toMatchObject({
    lab: { state: "destroyed", destroyCause: { kind: "commit" } },
    receipt: expect.anything(),
  });
  expect(await w.states()).toMatchObject({ kept: "ready", edited: "ready", "made-since": "ready" });
  expect(w.errors).toEqual([]);
});

test("a worker that outlived the restore can write to no lab of the restored records", async () => {
  await using w = await world();
  await w.turn(lab("one"));
  const tables = await backUp(w);
  w.commit(lab("one", { spec: { workers: 3 } }));
  await w.reconcile();
  const limits = { jobs: 9, creates: 9, createsPerTeam: 9, createsPerAccountRegion: 9 };
  const [job] = await w.store.claim({ worker: "survivor", slots: 1, destroySlots: 0, leaseSeconds: 60, limits });
  if (job === undefined) throw new Error("nothing was claimed");
  await restore(w, tables);
  const before = await w.dump();
  for (const late of [
    () => w.store.beginStep(job, "apply", null),
    () => w.store.recordIntent(job, { infraID: "other-aaaaa" }),
    () => w.store.finish(job, { kind: "updated", outputs: {} }),
    () => w.store.finish(job, { kind: "released" }),
  ])
    await expect(late()).rejects.toMatchObject({ code: "LK4004" });
  expect(await w.store.renew([job.lease], 60)).toEqual([]);
  expect(await w.dump()).toBe(before);
  await w.turn();
  expect((await w.cloud.clusters())[0]).toMatchObject({ workers: 3 });
});

test("a token that was given after the backup is never given again, though the worker has the same name", async () => {
  await using w = await world();
  w.commit(lab("one"));
  await w.reconcile();
  const tables = await backUp(w);
  const limits = { jobs: 9, creates: 9, createsPerTeam: 9, createsPerAccountRegion: 9 };
  const claim = async () => {
    const [job] = await w.store.claim({ worker: "worker-1", slots: 1, destroySlots: 0, leaseSeconds: 60, limits });
    if (job === undefined) throw new Error("nothing was claimed");
    return job;
  };
  const lead = async (resource: string) => {
    const lease = await w.store.acquire(resource, "host-1", 60);
    if (lease === null) throw new Error(`the lease on ${resource} is held`);
    return lease;
  };
  const old = { job: await claim(), reconciler: await lead("reconciler"), janitor: await lead("janitor") };
  await w.store.beginStep(old.job, "record-intent", null);
  await restore(w, tables);

  const fresh = { job: await claim(), reconciler: await lead("reconciler"), janitor: await lead("janitor") };
  expect(fresh.job.id).toBe(old.job.id);
  expect(fresh.job.lease.token).toBeGreaterThan(old.job.lease.token);
  for (const which of ["reconciler", "janitor"] as const) expect(fresh[which].token).toBeGreaterThan(old[which].token);

  const { job } = old;
  const before = await w.dump();
  const need = { scope: "here", resource: "cores", need: 1, limit: 9, used: 0 };
  const write = (lease: typeof old.janitor) => w.store.recordSweep([], [], new Date(), lease);
  for (const late of [
    () => w.store.beginStep(job, "install", "record-intent"),
    () => w.store.recordIntent(job, { infraID: "other-aaaaa" }),
    () => w.store.recordOutputs(job, { apiUrl: "https://other.example.com" }),
    () => w.store.reserve(job, [need]),
    () => w.store.finish(job, { kind: "provisioned", outputs: {} }),
    () => w.store.finish(job, { kind: "released" }),
    () => write(old.janitor),
  ])
    await expect(late()).rejects.toMatchObject({ code: "LK4004" });
  await w.store.recordProgress(job, "other", 99);
  expect(await w.store.renew([job.lease, old.reconciler, old.janitor], 60)).toEqual([]);
  for (const lease of [job.lease, old.reconciler, old.janitor]) await w.store.release(lease);
  expect(await w.dump()).toBe(before);

  const all = [fresh.job.lease, fresh.reconciler, fresh.janitor];
  expect(await w.store.renew(all, 60)).toEqual(all);
  await w.store.finish(fresh.job, { kind: "released" });
  for (const lease of [fresh.reconciler, fresh.janitor]) await w.store.release(lease);
  await w.work();
  expect(await w.states()).toEqual({ one: "ready" });
});
