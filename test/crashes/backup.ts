/** A logical backup of a world's database, its restore, and what a janitor sees of the world after that. */

import { expect } from "vitest";
import type { CloudResource } from "../../src/cloud-ports.ts";
import { type Swept, sweep } from "../../src/janitor.ts";
import { folderWorkspace } from "../../src/local/workspace.ts";
import { lab } from "../promises/files.ts";
import { type World, world } from "../promises/world.ts";

interface Table {
  readonly name: string;
  /** Without those that Postgres computes. */
  readonly columns: string;
}

export type Backup = readonly Table[];

/** All rows of all tables, as a logical backup has them. */
export async function backUp(w: World): Promise<Backup> {
  const tables = await w.sql<Table>(`select table_name as name, string_agg(quote_ident(column_name), ', ') as columns
    from information_schema.columns join information_schema.tables using (table_schema, table_name)
    where table_schema = 'public' and table_type = 'BASE TABLE' and is_generated = 'NEVER' group by table_name`);
  await w.sql("create schema backup");
  for (const { name } of tables) await w.sql(`create table backup.${name} as select * from public.${name}`);
  return tables;
}

/** Puts them back as `pg_restore` does: past the triggers, for they hold labkeeper to its promises and not a restore. */
export async function restore(w: World, tables: Backup): Promise<void> {
  await tagsOf(w);
  const put = tables.map(
    ({ name, columns }) =>
      `insert into public.${name} (${columns}) overriding system value select ${columns} from backup.${name};`,
  );
  await w.sql(`begin; set local session_replication_role = replica;
    truncate ${tables.map(({ name }) => `public.${name}`).join(", ")} cascade; ${put.join("\n")} commit`);
  await w.sql("drop schema backup cascade");
}

const tags = new WeakMap<World, Map<string, string>>();

/** Tags say whose a cluster is, whatever the records have forgotten: lab ids by infraID. For a world's simulated clusters. */
export async function tagsOf(w: World): Promise<ReadonlyMap<string, string>> {
  const known = tags.get(w) ?? new Map<string, string>();
  tags.set(w, known);
  for (const { id, made } of await w.sql<{ id: string; made: string }>(
    "select id, intent ->> 'infraID' as made from labs where intent is not null",
  ))
    known.set(made, id);
  return known;
}

/** What a simulated cloud shows an inventory. */
async function resources(w: World): Promise<CloudResource[]> {
  const labIds = await tagsOf(w);
  return (await w.cloud.clusters()).map(({ infraID }) => ({
    id: `arn:aws:ec2:us-east-1:123456789012:instance/${infraID}`,
    type: "ec2:instance",
    account: "123456789012",
    region: "us-east-1",
    infraId: infraID,
    labId: labIds.get(infraID) ?? null,
    createdAt: new Date(Date.now() - 86_400_000),
    dailyCost: 10,
  }));
}

/** A janitor's round. */
export const sweptBy = (w: World): Promise<Swept> =>
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

export const infraIdsOf = async (w: World, name: string): Promise<string[]> =>
  (await w.cloud.clusters()).filter((cluster) => cluster.name === name).map(({ infraID }) => infraID);

export const orphansOf = async (w: World): Promise<object[]> => {
  await sweptBy(w);
  return (await w.store.orphans(false)).map(({ resource, lab: of }) => ({ infraId: resource.infraId, lab: of }));
};

export const journalSince = async (w: World, before: number) =>
  (await w.cloud.journal()).slice(before).map(({ lab: name, event }) => `${name} ${event}`);

/** Ready, with one cluster, whose id the records have, and credentials that can be read (P5 asked the cluster for them). */
export async function expectWhole(w: World, name: string): Promise<void> {
  const found = await w.lab(name);
  expect(found).toMatchObject({ name, state: "ready", failure: null });
  expect(await infraIdsOf(w, name)).toEqual([found.intent?.["infraID"]]);
  expect((await w.secrets.get(`labs/${found.id}`))?.names).toContain("kubeconfig");
}

/** Beside a lab that goes: a catalog without any file holds everything. */
export const STAYS = lab("stays");

/** A world whose records are those of before the labs that `since` makes. */
export async function restoredWorld(since: (w: World) => Promise<unknown>): Promise<World> {
  const w = await world();
  await w.reconcile();
  const tables = await backUp(w);
  await since(w);
  await restore(w, tables);
  return w;
}
