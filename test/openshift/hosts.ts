/** A database with one lab, and workers on hosts of their own that work on it with the stand-in. */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import type { JsonObject } from "../../src/core/types.ts";
import { folderWorkspace } from "../../src/local/workspace.ts";
import type { ArtifactStore } from "../../src/ports.ts";
import type { OpenshiftDeps } from "../../src/provisioners/openshift/deps.ts";
import { openshiftProvisioner } from "../../src/provisioners/openshift/provisioner.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import type { WorkerDeps } from "../../src/worker.ts";
import { createDatabase } from "../database.ts";
import { aLabFile, aPolicy, aProfile } from "../fixtures.ts";
import { applyCatalog } from "../store/seed.ts";
import { shippedProfile } from "./subjects.ts";
import type { World } from "./world.ts";

const shipped = await shippedProfile("aws-standard");
const lifecycle = { ...shipped.spec.lifecycle, deletionGraceHours: 0 };
const profile = aProfile("aws-standard", { ...shipped.spec, lifecycle });
const policy = aPolicy({ profiles: [profile] });

export interface LabRow {
  readonly id: string;
  readonly state: string;
  readonly intent: JsonObject | null;
}

export interface Records extends AsyncDisposable {
  readonly store: Store;
  readonly raw: pg.Client;
  lab(): Promise<LabRow>;
  /** The catalog has its file no more. */
  removeLab(): Promise<void>;
  /** What a dead worker's lease does by itself within a minute. */
  leaseEnds(): Promise<void>;
  /** Whatever waits for a later attempt is due. */
  due(): Promise<void>;
}

/** Disposing looks for the world's secrets in the database. */
export async function openRecords(it: World, ...names: readonly string[]): Promise<Records> {
  const database = await createDatabase();
  const store = await openStore(database.connection, { max: 4 });
  const raw = new pg.Client(database.connection);
  await raw.connect();
  const files = names.map((name) => aLabFile(name, { spec: { profile: "aws-standard" } }));
  await applyCatalog(store, files, { policy });
  return {
    store,
    raw,
    lab: async () => {
      const { rows } = await raw.query("select id, state, intent from labs");
      return rows[0] as LabRow;
    },
    removeLab: async () => {
      // A lab that moves on between being read and written is left for the next cycle.
      for (let enqueued = 0; enqueued === 0; ) ({ enqueued } = await applyCatalog(store, [], { policy }));
    },
    leaseEnds: async () => {
      await raw.query("update leases set expires_at = clock_timestamp() - interval '1 second'");
    },
    due: async () => {
      await raw.query("update jobs set run_at = now() where state = 'queued'");
    },
    [Symbol.asyncDispose]: async () => {
      try {
        await it.expectNoLeak({ database: raw });
      } finally {
        await raw.end();
        await store.close();
        await database.drop();
      }
    },
  };
}

export interface Changed {
  readonly artifacts?: ArtifactStore;
  readonly store?: Store;
  readonly openshift?: Partial<OpenshiftDeps>;
}

/** What a worker on this host works with. */
export function workerDeps(
  it: World,
  { store }: Pick<Records, "store">,
  host: string,
  changed: Changed = {},
): WorkerDeps {
  const artifacts = changed.artifacts ?? it.artifacts;
  return {
    store: changed.store ?? store,
    provisioners: new Map([["openshift", openshiftProvisioner({ ...it.deps, artifacts, ...changed.openshift })]]),
    artifacts,
    secrets: it.secrets,
    workspace: folderWorkspace(join(it.path, `host-${host}`)),
    clock: { now: () => new Date(), monotonic: () => performance.now() },
    reporter: {
      planned: () => undefined,
      jobStarted: () => undefined,
      step: () => undefined,
      progress: () => undefined,
      jobEnded: () => undefined,
    },
    observationGapMs: 0,
    random: () => 0,
    onError: () => undefined,
  };
}

/** Process ids of the installer, or of what it started, that work in this world now, by what the kernel says. */
export async function processesOf(path: string, what = "standins/openshift-install"): Promise<readonly number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  const ours = (line: string): boolean => line.includes(what) && line.includes(path);
  return pids.filter((_, index) => ours(lines[index] ?? "")).map(Number);
}
