/** One simulated world: real Postgres, real git, real stories, folders, and a simulated cloud whose files are the truth. */

import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import type { CatalogSource } from "../src/catalog-ports.ts";
import type { CatalogEntry, JsonObject } from "../src/core/types.ts";
import { openCatalog } from "../src/git/open-catalog.ts";
import { folderArtifacts } from "../src/local/artifacts.ts";
import { profileFolder } from "../src/local/profiles.ts";
import { folderSecrets } from "../src/local/secrets.ts";
import { packageFile } from "../src/package-root.ts";
import type { ArtifactStore, Reporter, SecretStore } from "../src/ports.ts";
import { folderCloud, type SimulatedWorld } from "../src/provisioners/simulated-cloud.ts";
import { openStore, type Store } from "../src/store/open.ts";
import { createRepository, type Files, temporaryFolder } from "../standins/git/repository.ts";
import { expectNoLeak, remembering } from "../test/canary.ts";
import { catalogFile, profileFile } from "../test/promises/files.ts";
import { type ModelCatalog, modelCatalog } from "./catalog.ts";
import type { Fate, Mortal, Occupation } from "./fate.ts";
import type { FaultKind, Restart } from "./faults.ts";
import { type Hosting, hosting } from "./hosting.ts";
import type { NewDatabase } from "./server.ts";

export interface Simulation extends AsyncDisposable {
  readonly seed: number;
  readonly folder: string;
  readonly connection: pg.PoolConfig;
  /** Where the catalog is, and what it is read with. */
  readonly place: { readonly url: string; readonly token: string | null };
  readonly model: ModelCatalog;
  /** Commits other files than those of labs. */
  commitPolicy(text: string): void;
  /** Commits past the model, for those who keep their own. */
  commitFiles(files: Files): void;
  readonly catalog: CatalogSource;
  /** Null where nobody opens pull requests. */
  readonly hosted: Hosting | null;
  readonly shippedProfiles: readonly CatalogEntry[];
  readonly cloud: SimulatedWorld;
  readonly artifacts: ArtifactStore;
  readonly secrets: SecretStore;
  /** For looking at it and for commands: no fault reaches it. */
  readonly store: Store;
  readonly reporter: Reporter;
  /** What the provisioner suffers today. */
  weather: JsonObject;
  /** How much later than the real time it is for reconcilers. */
  hours: number;
  /** How far the hosts' own clocks are off. */
  skewHours: number;
  policyIsBroken: boolean;
  /** Somebody did something that the next plan may show. */
  mayDiffer: boolean;
  /** What somebody said yes to, and which labs somebody cancelled. */
  readonly approved: Set<string>;
  readonly cancelled: Set<string>;
  /** Provisioner calls under way, by lab. */
  readonly running: Map<string, Set<{ readonly process: Mortal; readonly verb: string }>>;
  /** What was seen to be wrong while something ran. */
  readonly wrong: Error[];
  /** Faults that came about, by kind. */
  readonly faults: Map<FaultKind, number>;
  readonly said: unknown[];
  /** Nothing fails any more that does not fail by labkeeper's own doing. */
  mended: boolean;
  processes: number;
  /** What did not come about because its process had too little to do waits for the next one of its kind. */
  readonly unmet: Map<Occupation, Fate[]>;
  /** Which incarnation of a name an id is: luck goes by that, so that it is the same in each run. */
  readonly incarnations: Map<string, string[]>;
  now(): Date;
  fault(kind: FaultKind, count?: number): void;
  /** Moves the hosts' own clocks; counted when one of them is used. */
  jump(hours: number): void;
  clockIsUsed(): void;
  /** Asked again where a fault kept it from being answered: write only what may be done twice. */
  sql<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  cutConnections(): Promise<void>;
  /** Where the database's server is others' too, all connections end instead. */
  restart(how: Restart): Promise<void>;
}

/** The people's own view, which no fault reaches. */
const OBSERVER = "observer";

/** A connection that ended, or a server that is not there yet. */
const isBroken = (error: unknown): boolean => {
  const { code = "", message = "" } = error as { code?: string; message?: string };
  return /^(08|57P0)|^E(CONN|NOENT|PIPE)/.test(code) || /connection/i.test(message);
};

export const GUARDS = { maxDestroys: 4 } as const;

export async function simulation(seed: number, newDatabase: NewDatabase, hosted: boolean): Promise<Simulation> {
  const folder = temporaryFolder();
  const database = await newDatabase();
  const admin = new pg.Pool({ ...database.connection, max: 2, application_name: OBSERVER });
  admin.on("error", () => undefined);
  const store = await openStore(database.connection, { max: 3, name: OBSERVER });
  const cloud = folderCloud(folder.path);
  await cloud.open();
  const canaries = new Set<string>();
  const said: unknown[] = [];
  const sql = async <Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> => {
    for (let left = 50; ; left--) {
      await restarting;
      try {
        return (await admin.query<Row>(text, [...values])).rows;
      } catch (error) {
        if (left === 0 || !isBroken(error)) throw error;
        await delay(20);
      }
    }
  };
  let restarting: Promise<void> | null = null;
  let jumps = 0;
  const reporter: Reporter = {
    planned: (plan) => said.push(plan.changes.map(({ reason, held }) => [reason, held])),
    jobStarted: () => undefined,
    step: (...told) => said.push(told[1]),
    progress: (...told) => said.push(told.slice(1)),
    jobEnded: (_, outcome) => said.push(outcome),
  };
  const policy = {
    "catalog.yaml": catalogFile(undefined, GUARDS),
    "profiles/quick.yaml": profileFile("quick"),
    "profiles/graceful.yaml": profileFile("graceful", { lifecycle: { deletionGraceHours: 10 } }),
  };
  const artifacts = folderArtifacts(join(folder.path, "artifacts"));
  const secrets = remembering(
    folderSecrets({ root: join(folder.path, "secrets"), keyFile: join(folder.path, "secrets.key") }),
    canaries,
  );
  const shippedProfiles = await profileFolder(packageFile("profiles"));
  const clock = { now: () => self.now(), monotonic: () => performance.now() };
  // Faults reach it, as they reach any process of labkeeper's.
  const receiver = hosted ? await openStore(database.connection, { max: 1, name: "receiver" }) : null;
  const host = hosted
    ? await hosting({
        folder: folder.path,
        files: policy,
        store,
        artifacts,
        shippedProfiles,
        clock,
        said,
        receiver: receiver ?? store,
        onWrong: (error) => self.wrong.push(error),
      })
    : null;
  const repository = host?.repository ?? createRepository(join(folder.path, "catalog.git"));
  if (host === null) repository.commit(policy);
  const move = (commit: string): void => {
    repository.git(["update-ref", "refs/heads/main", commit]);
  };
  const commit = host?.commit ?? repository.commit;
  const self: Simulation = {
    seed,
    folder: folder.path,
    connection: database.connection,
    place: host?.place ?? { url: repository.path, token: null },
    model: modelCatalog({
      commit,
      move,
      orphan() {
        const tree = repository.git(["rev-parse", "main^{tree}"]);
        const orphan = repository.git(["commit-tree", tree, "-m", "rewritten"]);
        move(orphan);
        return orphan;
      },
    }),
    commitPolicy: (text) => {
      self.model.beside({ "catalog.yaml": text });
    },
    commitFiles: (files) => self.model.beside(files),
    catalog: host?.catalog ?? openCatalog({ url: repository.path, stateDir: folder.path }),
    hosted: host,
    shippedProfiles,
    cloud,
    artifacts,
    secrets,
    store,
    reporter,
    weather: {},
    hours: 0,
    skewHours: 0,
    policyIsBroken: false,
    mayDiffer: true,
    approved: new Set(),
    cancelled: new Set(),
    running: new Map(),
    wrong: [],
    faults: new Map(),
    said,
    mended: false,
    processes: 0,
    unmet: new Map(),
    incarnations: new Map(),
    now: () => new Date(Date.now() + self.hours * 3_600_000),
    fault: (kind, count = 1) => {
      if (count > 0) self.faults.set(kind, (self.faults.get(kind) ?? 0) + count);
    },
    jump(hours) {
      self.skewHours += hours;
      jumps += 1;
    },
    clockIsUsed() {
      self.fault("clock jump", jumps);
      jumps = 0;
    },
    sql,
    async restart(how) {
      if (restarting !== null) return restarting;
      self.fault(database.restart === undefined ? "cut" : `database restart: ${how}`);
      if (database.restart === undefined) return self.cutConnections();
      restarting = database.restart(how).finally(() => {
        restarting = null;
      });
      return restarting;
    },
    async cutConnections() {
      await sql(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name <> $1`,
        [OBSERVER],
      );
    },
    async [Symbol.asyncDispose]() {
      try {
        for (const { id } of await sql<{ id: string }>("select id from labs")) await secrets.get(`labs/${id}`);
        const folders = ["artifacts", "secrets", "work"].map((name) => join(folder.path, name));
        await expectNoLeak(canaries, {
          database: admin,
          folders,
          said: { said, wrong: self.wrong, comments: host?.everyComment() ?? [] },
        });
      } finally {
        await host?.stop();
        await receiver?.close();
        await store.close();
        await admin.end();
        await database.drop();
        folder.remove();
      }
    },
  };
  return self;
}
