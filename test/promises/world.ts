/**
 * One labkeeper with everything around it, for the promises' flow tests: a real git catalog, a real Postgres, the real
 * stories, folders for artifacts and secrets, and a simulated cloud whose files are the state of the world.
 */

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { expect, vi } from "vitest";
import type { CatalogSource } from "../../src/catalog-ports.ts";
import type { GuardSettings, JsonObject, Lab, TeamPolicy } from "../../src/core/types.ts";
import { openCatalog } from "../../src/git/open-catalog.ts";
import { folderArtifacts } from "../../src/local/artifacts.ts";
import { profileFolder } from "../../src/local/profiles.ts";
import { folderSecrets } from "../../src/local/secrets.ts";
import { folderWorkspace } from "../../src/local/workspace.ts";
import { packageFile } from "../../src/package-root.ts";
import type {
  ArtifactStore,
  Clock,
  HoldRow,
  LabDetail,
  LabEvent,
  LabOrder,
  Provisioner,
  Reporter,
  SecretStore,
} from "../../src/ports.ts";
import { simulatedProvisioner } from "../../src/provisioners/simulated.ts";
import { folderCloud, type SimulatedCloud, type SimulatedWorld } from "../../src/provisioners/simulated-cloud.ts";
import { type Reconciled, reconcile } from "../../src/reconcile.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import { startWorker, type Worker, type WorkerDeps, type WorkerOptions } from "../../src/worker.ts";
import { type BareRepository, createRepository, type Files, temporaryFolder } from "../../standins/git/repository.ts";
import { expectNoLeak, remembering } from "../canary.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { catalogFile, type ProfileChange, profileFile } from "./files.ts";

export interface WorldOptions {
  readonly teams?: readonly Partial<TeamPolicy>[];
  readonly guards?: Partial<GuardSettings>;
  /** Profiles of the catalog, over a quick simulated one. `quick` itself is always there. */
  readonly profiles?: Readonly<Record<string, ProfileChange>>;
  readonly files?: Files;
  /** More provisioners than `simulated`, which may keep what they need in the world's folder. */
  readonly provisioners?: (folder: string) => Readonly<Record<string, Provisioner>>;
}

export type WorkOptions = Partial<WorkerOptions> & Partial<Pick<WorkerDeps, "store" | "secrets" | "clock">>;

export interface World extends AsyncDisposable {
  readonly repository: BareRepository;
  readonly database: TestDatabase;
  readonly store: Store;
  readonly cloud: SimulatedWorld;
  readonly artifacts: ArtifactStore;
  readonly secrets: SecretStore;
  /** Holds the state of everything that is not in Postgres or git. */
  readonly folder: string;
  /** Replaces verbs of the simulated provisioner while they are set; `real` is what they replace. */
  readonly interfere: { -readonly [Verb in keyof Provisioner]?: Provisioner[Verb] };
  readonly real: Provisioner;
  /** `platformConfig.simulated` of the day: latencies, faults and lies on top of those that a lab has pinned. */
  weather: JsonObject;
  /** Called before anything of the cloud is written; a test may look at the database then. */
  watchCloud: SimulatedCloud["write"];
  /** Where reconciles read from; a test may put another address here. */
  catalog: CatalogSource;
  /** Whether reconciles hold destroys that no merged plan showed; off unless a test is about pull requests. */
  requireReview: boolean;
  /** What workers complained about: failed claims, heartbeats and outcomes. */
  readonly errors: unknown[];
  /** Every word the reporter was told. */
  readonly reported: unknown[];

  commit(files: Files): string;
  reconcile(other?: Store): Promise<Reconciled>;
  dryRun(other?: Store): Promise<Reconciled>;
  /** Starts a worker that the test stops. */
  worker(options?: WorkOptions): Promise<Worker>;
  /** Works until nothing runs and nothing is due; retries that wait for their time go on waiting. */
  work(options?: WorkOptions): Promise<void>;
  /** Commits, reconciles and works. */
  turn(files?: Files): Promise<Reconciled>;
  /** The queue's waiting retries become due, as if their time had come. */
  hurry(): Promise<number>;
  /** Reconciles happen this much later from now on; the database's own clock does not move. */
  later(hours: number): void;

  /** The lab that answers for a name, or answered last. Fails when there never was one. */
  lab(name: string): Promise<Lab>;
  detail(name: string): Promise<LabDetail>;
  /** Name and state of every lab that answers for its name. */
  states(): Promise<Record<string, string>>;
  /** Names of what really exists, sorted; `*` behind one that is not a running cluster. */
  existing(): Promise<string[]>;
  holds(): Promise<readonly HoldRow[]>;
  events(name: string): Promise<readonly LabEvent[]>;
  sql<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Every row of every table, as text. */
  dump(): Promise<string>;
}

const LIMITS = { jobs: 100, creates: 100, createsPerTeam: 100, createsPerAccountRegion: 100 };
const DEADLINE = 15_000;

export async function world(options: WorldOptions = {}): Promise<World> {
  const folder = temporaryFolder();
  const database = await createDatabase();
  const store = await openStore(database.connection, { max: 8 });
  const pool = new pg.Pool({ ...database.connection, max: 2 });
  pool.on("error", () => undefined);
  const repository = createRepository(join(folder.path, "catalog.git"));
  const shippedProfiles = await profileFolder(packageFile("profiles"));
  const cloud = folderCloud(folder.path);
  await cloud.open();
  const artifacts = folderArtifacts(join(folder.path, "artifacts"));
  const canaries = new Set<string>();
  const secrets = remembering(
    folderSecrets({ root: join(folder.path, "secrets"), keyFile: join(folder.path, "secrets.key") }),
    canaries,
  );
  const errors: unknown[] = [];
  const reported: unknown[] = [];
  const reporter = listener(reported);
  const interfere: World["interfere"] = {};
  let hours = 0;
  const clock: Clock = {
    now: () => new Date(Date.now() + hours * 3_600_000),
    monotonic: () => performance.now(),
  };
  const watched: SimulatedCloud = {
    ...cloud,
    write: async (cluster) => {
      await self.watchCloud(cluster);
      await cloud.write(cluster);
    },
  };
  const real = underWeather(simulatedProvisioner({ cloud: watched, seed: "promises" }), () => self.weather);
  let workers = 0;

  const deps = (other: Store = store) => ({
    catalog: self.catalog,
    store: other,
    shippedProfiles,
    clock,
    reporter,
    holder: "test",
    requireReview: self.requireReview,
  });
  const sql: World["sql"] = async <Row extends object>(text: string, values: readonly unknown[] = []) =>
    (await pool.query<Row>(text, [...values])).rows;

  const self: World = {
    repository,
    database,
    store,
    cloud,
    artifacts,
    secrets,
    folder: folder.path,
    interfere,
    real,
    weather: {},
    watchCloud: () => Promise.resolve(),
    catalog: openCatalog({ url: repository.path, stateDir: folder.path }),
    requireReview: false,
    errors,
    reported,
    sql,

    commit: (files) => repository.commit(files),
    reconcile: (other) => reconcile(deps(other), { dryRun: false }),
    dryRun: (other) => reconcile(deps(other), { dryRun: true }),
    worker: ({ store: otherStore, secrets: otherSecrets, clock: otherClock, ...changes } = {}) =>
      startWorker(
        {
          store: otherStore ?? store,
          provisioners: new Map(
            Object.entries({ ...options.provisioners?.(folder.path), simulated: interfered(real, interfere) }),
          ),
          artifacts,
          secrets: otherSecrets ?? secrets,
          workspace: folderWorkspace(join(folder.path, "work")),
          clock: otherClock ?? { ...clock, now: () => new Date() },
          reporter,
          observationGapMs: 0,
          random: () => 0.5,
          onError: (error) => errors.push(error),
        },
        {
          name: `worker-${++workers}`,
          concurrency: 8,
          destroyConcurrency: 2,
          leaseSeconds: 60,
          heartbeatSeconds: 15,
          pollMs: 50,
          drainMs: 5_000,
          limits: LIMITS,
          ...changes,
        },
      ),
    work: async (changes) => {
      const worker = await self.worker(changes);
      try {
        await vi.waitFor(
          async () => expect({ busy: await busy(sql), errors }).toEqual({ busy: [], errors: expect.anything() }),
          { interval: 10, timeout: DEADLINE },
        );
      } finally {
        await worker.stop();
      }
    },
    turn: async (files) => {
      if (files) self.commit(files);
      const reconciled = await self.reconcile();
      await self.work();
      return reconciled;
    },
    hurry: async () => {
      const rows = await sql(
        "update jobs set run_at = clock_timestamp() where state = 'queued' and run_at > clock_timestamp() returning id",
      );
      return rows.length;
    },
    later: (more) => {
      hours += more;
    },

    lab: async (name) => (await self.detail(name)).lab,
    detail: async (name) => {
      const found = await store.lab(name);
      if (!found) throw new Error(`there never was a lab ${name}`);
      return found;
    },
    states: async () => Object.fromEntries((await store.labs(false)).map(({ lab }) => [lab.name, lab.state])),
    existing: async () =>
      (await cloud.clusters()).map(({ name, state }) => (state === "running" ? name : `${name}*`)).sort(),
    holds: () => store.holds(),
    events: (name) => store.events(name),
    dump: () => dump(sql),
    async [Symbol.asyncDispose]() {
      try {
        // Other processes put some there, too. Asking for those of every lab that there ever was would cost more than a test.
        const sealed = await readdir(join(folder.path, "secrets", "labs")).catch(() => []);
        for (const name of sealed) await secrets.get(`labs/${name.replace(/\.sealed$/, "")}`);
        await expectNoLeak(canaries, {
          database: pool,
          folders: ["artifacts", "secrets"].map((name) => join(folder.path, name)),
          said: { errors, reported },
        });
      } finally {
        await store.close();
        await pool.end();
        await database.drop();
        folder.remove();
      }
    },
  };
  self.commit({
    "catalog.yaml": catalogFile(options.teams, options.guards),
    "profiles/quick.yaml": profileFile("quick"),
    ...Object.fromEntries(
      Object.entries(options.profiles ?? {}).map(([name, spec]) => [`profiles/${name}.yaml`, profileFile(name, spec)]),
    ),
    ...options.files,
  });
  return self;
}

/** Verbs that a test set stand in for the real ones, looked up at each call. */
const interfered = (real: Provisioner, interfere: World["interfere"]): Provisioner => ({
  prepare: (...call) => (interfere.prepare ?? real.prepare)(...call),
  install: (...call) => (interfere.install ?? real.install)(...call),
  verify: (...call) => (interfere.verify ?? real.verify)(...call),
  update: (...call) => (interfere.update ?? real.update)(...call),
  destroy: (...call) => (interfere.destroy ?? real.destroy)(...call),
  observe: (...call) => (interfere.observe ?? real.observe)(...call),
});

/**
 * Faults and lies that come and go with the day rather than with the profile, which a lab keeps for life. Luck goes by
 * name and incarnation instead of the random id, so that a test has the same each time.
 */
function underWeather(real: Provisioner, weather: () => JsonObject): Provisioner {
  const incarnations = new Map<string, string[]>();
  const now = (order: LabOrder): LabOrder => {
    const ids = incarnations.get(order.name) ?? [];
    if (!ids.includes(order.id)) incarnations.set(order.name, [...ids, order.id]);
    const id = `${order.name}-${incarnations.get(order.name)?.indexOf(order.id)}`;
    const { spec } = order.profile;
    const usual = spec.platformConfig?.["simulated"] as JsonObject | undefined;
    const platformConfig = { simulated: { ...usual, ...weather() } };
    return { ...order, id, profile: { ...order.profile, spec: { ...spec, platformConfig } } };
  };
  return {
    prepare: (order, ...rest) => real.prepare(now(order), ...rest),
    install: (order, ...rest) => real.install(now(order), ...rest),
    verify: (order, ...rest) => real.verify(now(order), ...rest),
    update: (order, ...rest) => real.update(now(order), ...rest),
    destroy: (order, ...rest) => real.destroy(now(order), ...rest),
    observe: (order, ...rest) => real.observe(now(order), ...rest),
  };
}

/** What a worker still has to do before it is quiet. */
const busy = (sql: World["sql"]): Promise<{ lab: string; kind: string; state: string }[]> =>
  sql(`select l.name as lab, j.kind, j.state from jobs j join labs l on l.id = j.lab_id
    where j.state = 'running' or (j.state = 'queued' and j.run_at <= clock_timestamp())`);

async function dump(sql: World["sql"]): Promise<string> {
  const tables = await sql<{ name: string }>(
    "select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE' order by 1",
  );
  const parts = await Promise.all(
    tables.map(async ({ name }) => {
      const rows = await sql<{ row: string }>(`select to_jsonb(t)::text as row from ${name} t order by 1`);
      return [`-- ${name}`, ...rows.map(({ row }) => row)].join("\n");
    }),
  );
  return parts.join("\n");
}

const listener = (reported: unknown[]): Reporter => ({
  planned: (...told) => reported.push(told),
  jobStarted: (...told) => reported.push(told),
  step: (...told) => reported.push(told),
  progress: (...told) => reported.push(told),
  jobEnded: (...told) => reported.push(told),
});
