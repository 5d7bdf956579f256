/**
 * The cloud that simulated labs live in: `simulated/<infraID>.json` under the state folder, shared by every process on
 * it, and a journal that tells what happened to it. Tests and rehearsals read it as the state of the world.
 */

import { access, appendFile, mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { JsonObject } from "../core/types.ts";
import { writeAtomically } from "./atomic-file.ts";

export interface SimulatedCluster {
  readonly infraID: string;
  readonly labId: string;
  readonly name: string;
  readonly team: string;
  readonly state: "installing" | "running" | "residue";
  readonly region: string | null;
  readonly version: string | null;
  readonly workers: number;
  readonly tags: Readonly<Record<string, string>>;
  /** What a bill would list. */
  readonly resources: readonly string[];
  /** sha256 over the credentials; the values themselves are only in the secret store. Null until installed. */
  readonly credentialsHash: string | null;
}

export interface JournalEntry {
  readonly at: string;
  readonly lab: string;
  readonly infraID: string;
  readonly event: "creating" | "created" | "updated" | "deleted" | "residue" | "failed" | "lied";
  readonly detail?: JsonObject;
}

/** What the provisioner needs of it. */
export interface SimulatedCloud {
  /** Opens the account. Before that, and when its folder is lost, nothing can be read: that is not an absence. */
  open(): Promise<void>;
  read(infraID: string): Promise<SimulatedCluster | null>;
  write(cluster: SimulatedCluster): Promise<void>;
  remove(infraID: string): Promise<void>;
  note(entry: JournalEntry): Promise<void>;
  /** How many calls there were before this one, over all processes: what makes a repeated call draw anew. */
  count(infraID: string, verb: string): Promise<number>;
}

/** What tests and rehearsals look at. */
export interface SimulatedWorld extends SimulatedCloud {
  clusters(): Promise<readonly SimulatedCluster[]>;
  journal(): Promise<readonly JournalEntry[]>;
}

/** Kept in memory: for load and model tests within one process. */
export function memoryCloud(): SimulatedWorld {
  const clusters = new Map<string, SimulatedCluster>();
  const counts = new Map<string, number>();
  const journal: JournalEntry[] = [];
  return {
    open: () => Promise.resolve(),
    read: async (infraID) => clusters.get(infraID) ?? null,
    write: async (cluster) => {
      clusters.set(cluster.infraID, cluster);
    },
    remove: async (infraID) => {
      clusters.delete(infraID);
    },
    note: async (entry) => {
      journal.push(entry);
    },
    count: async (infraID, verb) => {
      const key = `${infraID} ${verb}`;
      const before = counts.get(key) ?? 0;
      counts.set(key, before + 1);
      return before;
    },
    clusters: async () => [...clusters.values()].sort((a, b) => (a.infraID < b.infraID ? -1 : 1)),
    journal: async () => [...journal],
  };
}

/** Kept in files under `<stateDir>/simulated`. Rejects with the file system's own errors. */
export function folderCloud(stateDir: string): SimulatedWorld {
  const root = join(stateDir, "simulated");
  const calls = join(root, "calls");
  const journalPath = join(root, "journal.jsonl");
  const clusterPath = (infraID: string): string => join(root, `${infraID}.json`);
  const parse = async (path: string): Promise<SimulatedCluster> =>
    JSON.parse(await readFile(path, "utf8")) as SimulatedCluster;
  return {
    open: async () => {
      await mkdir(calls, { recursive: true, mode: 0o700 });
    },
    read: async (infraID) => {
      try {
        return await parse(clusterPath(infraID));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
        // A folder that is not there says nothing about the clusters that were in it: this rejects then.
        await access(root);
        return null;
      }
    },
    write: (cluster) => writeAtomically(clusterPath(cluster.infraID), `${JSON.stringify(cluster, null, 2)}\n`),
    remove: (infraID) => rm(clusterPath(infraID), { force: true }),
    note: (entry) => appendFile(journalPath, `${JSON.stringify(entry)}\n`, { mode: 0o600 }),
    count: async (infraID, verb) => {
      // The file's length is the number: an append is atomic between processes, a counter in a file is not.
      await using file = await open(join(calls, `${infraID}.${verb}`), "a", 0o600);
      await file.write(".");
      return (await file.stat()).size - 1;
    },
    clusters: async () => {
      const names = (await readdir(root)).filter((name) => name.endsWith(".json")).sort();
      return Promise.all(names.map((name) => parse(join(root, name))));
    },
    journal: async () => {
      const text = await readFile(journalPath, "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return "";
        throw error;
      });
      const lines = text.split("\n").filter((line) => line !== "");
      return lines.map((line) => JSON.parse(line) as JournalEntry);
    },
  };
}
