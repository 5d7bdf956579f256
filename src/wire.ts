import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import type { CatalogHistory, CatalogSource, ChangesSince, Checkout } from "./catalog-ports.ts";
import type { Config } from "./config.ts";
import type { Conversation } from "./conversation.ts";
import type { CatalogEntry } from "./core/types.ts";
import { LabkeeperError } from "./errors.ts";
import type { JanitorDeps } from "./janitor.ts";
import type { EditorSchemas } from "./local/editor-files.ts";
import { madeFolder } from "./made-folder.ts";
import { once } from "./once.ts";
import { packageFile } from "./package-root.ts";
import type { ArtifactStore, Clock, Provisioner, Reporter, SecretStore } from "./ports.ts";
import type { ReconcileDeps } from "./reconcile.ts";
import type { Connection } from "./store/connection.ts";
import type { SchemaStatus } from "./store/migrate.ts";
import type { Store } from "./store/open.ts";
import { type CloudEdges, wireCloud } from "./wire-cloud.ts";
import type { ReviewableCatalog } from "./wire-conversation.ts";
import { type GithubEdges, wireGithub } from "./wire-github.ts";
import type { WorkerDeps, WorkerOptions } from "./worker.ts";

export type { SchemaStatus, Store };

/** Everything outside the process, each built when first asked for. Disposing closes what was built, last first. */
export interface Edges extends AsyncDisposable {
  readonly config: Config;
  /** The database, with its schema known to fit. The embedded one is migrated first; a server is not. */
  store(): Promise<Store>;
  /** Brings the schema up to this version. */
  migrate(): Promise<{ readonly applied: readonly string[] }>;
  schemaStatus(): Promise<SchemaStatus>;
  /** @throws LK7001 when nothing says which catalog. */
  catalog(): Promise<CatalogSource>;
  /** A repository by path or URL, whatever is configured; null: its default branch. */
  catalogAt(url: string, ref: string | null): Promise<CatalogSource & CatalogHistory>;
  /** The catalog checked out in a folder. */
  checkout(folder: string): Promise<Checkout>;
  /** Writes schemas and editor settings into a catalog's folder; answers the paths that changed. */
  writeEditorFiles(folder: string, schemas: EditorSchemas): Promise<readonly string[]>;
  changesSince(folder: string, base: string): Promise<ChangesSince>;
  /** Profiles that come with labkeeper, then those of the operator's own folder. */
  profileFiles(): Promise<readonly CatalogEntry[]>;
  /** Names that a profile may use, built-in ones included. */
  provisionerNames(): readonly string[];
  readonly cloud: CloudEdges;
  readonly github: GithubEdges;
  /** What is said on pull requests; null where nothing is. `onError` is told what harms no more than one of them. */
  conversation(onError: (error: unknown, pullRequest: number | null) => void): Promise<Conversation | null>;
  artifacts(): Promise<ArtifactStore>;
  secrets(): Promise<SecretStore>;
  reconcileDeps(reporter: Reporter): Promise<ReconcileDeps>;
  workerDeps(reporter: Reporter, onError: (error: unknown) => void): Promise<WorkerDeps>;
  workerOptions(): WorkerOptions;
  janitorDeps(): Promise<JanitorDeps>;
}

/** As root, the embedded Postgres runs as another user, who has to pass (and cannot list): ADR 0005. */
const stateMode = (): number => (process.getuid?.() === 0 ? 0o711 : 0o700);

/** What must be closed, in the order in which it was opened. (AsyncDisposableStack is not in Node 20.) */
interface Closers {
  add(close: () => Promise<void>): void;
  closeAll(): Promise<void>;
}

const closers = (): Closers => {
  const list: (() => Promise<void>)[] = [];
  return {
    add: (close) => {
      list.push(close);
    },
    closeAll: async () => {
      const failures: unknown[] = [];
      for (let close = list.pop(); close !== undefined; close = list.pop()) {
        await close().catch((error: unknown) => failures.push(error));
      }
      if (failures.length > 0) throw failures[0];
    },
  };
};

/** What connects to the database: the configured server, or the embedded one, started when nobody else did. */
const connectionSource = (config: Config, open: Closers): (() => Promise<Connection>) =>
  once(async () => {
    if (config.databaseUrl !== null) return { connectionString: config.databaseUrl };
    await madeFolder(config.stateDir, stateMode());
    const { ensurePostgres } = await import("./local/postgres/ensure.ts");
    const server = await ensurePostgres({ stateDir: config.stateDir });
    open.add(() => server.stop());
    return server.connection;
  });

const storeSource = (config: Config, open: Closers, connection: () => Promise<Connection>): (() => Promise<Store>) =>
  once(async () => {
    // The code is read while the server is looked for.
    const [where, { openStore }] = await Promise.all([connection(), import("./store/open.ts")]);
    // Twice the jobs: each may write its progress while it waits for something else.
    const options = { max: Math.min(50, 4 + 2 * config.worker.concurrency) };
    const opened = await openStore(where, options).catch(async (error: unknown) => {
      const behind = error instanceof LabkeeperError && error.code === "LK4007";
      if (config.databaseUrl !== null || !behind) throw error;
      const { migrate } = await import("./store/migrate.ts");
      await migrate(where);
      return await openStore(where, options);
    });
    open.add(() => opened.close());
    return opened;
  });

type Build = () => Promise<Provisioner>;

const provisionerBuilds = (config: Config, cloud: CloudEdges): ReadonlyMap<string, Build> => {
  const builds = new Map<string, Build>();
  const exec = (
    name: string,
    command: readonly string[],
    allowed: readonly string[],
    minutes: Readonly<Record<string, number>>,
  ): Build =>
    once(async () => {
      const { execProvisioner } = await import("./provisioners/exec.ts");
      const timeoutSeconds = Object.fromEntries(Object.entries(minutes).map(([verb, count]) => [verb, count * 60]));
      return execProvisioner({
        name,
        command,
        environment: config.environment,
        allowEnvironment: allowed,
        timeoutSeconds,
      });
    });
  const simulated: Build = async () => {
    const [{ simulatedProvisioner }, { folderCloud }] = await Promise.all([
      import("./provisioners/simulated.ts"),
      import("./provisioners/simulated-cloud.ts"),
    ]);
    return simulatedProvisioner({ cloud: folderCloud(config.stateDir), seed: "labkeeper" });
  };
  builds.set("simulated", once(simulated));
  builds.set("openshift", cloud.openshift);
  builds.set(
    "local-postgres",
    once(async () => {
      const { localPostgresCommand } = await import("./local/local-postgres/command.ts");
      return await exec("local-postgres", localPostgresCommand(), [], {})();
    }),
  );
  for (const [name, settings] of Object.entries(config.provisioners)) {
    if (settings.type === "simulated") builds.set(name, once(simulated));
    else builds.set(name, exec(name, settings.command, settings.env ?? [], settings.timeoutMinutes ?? {}));
  }
  return builds;
};

/** Profiles that come with labkeeper, then those of the operator's own folder. */
const profileFiles = async (config: Config): Promise<readonly CatalogEntry[]> => {
  const { profileFolder } = await import("./local/profiles.ts");
  const folders = [packageFile("profiles"), ...(config.profilesFolder === null ? [] : [config.profilesFolder])];
  const byPath = new Map((await Promise.all(folders.map(profileFolder))).flat().map((entry) => [entry.path, entry]));
  return [...byPath.values()];
};

const CLOCK: Clock = { now: () => new Date(), monotonic: () => performance.now() };

/** Labs expire and proofs age by the database's clock, like leases: a host whose own clock is days ahead must not end them all. */
const databaseClock = async (store: Store): Promise<Clock> => {
  const ahead = (await store.databaseTime()).getTime() - Date.now();
  return { ...CLOCK, now: () => new Date(Date.now() + ahead) };
};

/** How long running steps may take to reach a durable point when the process is asked to end, milliseconds. */
const DRAIN_MS = 20_000;

/** A token goes to the host it was made for, and never over a connection that others can read. */
const takesToken = ({ githubHost }: Config, url: string): boolean => {
  const address = URL.canParse(url) ? new URL(url) : null;
  const unread = address?.protocol === "https:" || (address?.protocol === "http:" && isLoopback(address));
  return unread && address.host === githubHost;
};

const isLoopback = ({ hostname: name }: URL): boolean => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(name);

/** Joins the edges that a configuration asks for. Nothing is opened, started or loaded before it is asked for. */
export const wire = (config: Config): Edges => {
  const open = closers();
  const connection = connectionSource(config, open);
  const cloud = wireCloud(config, open.add);
  const { artifacts, secrets } = cloud;
  const builds = provisionerBuilds(config, cloud);
  const store = storeSource(config, open, connection);
  const holder = `${hostname()}-${process.pid}-${randomBytes(3).toString("hex")}`;
  const github = wireGithub(config);
  const catalogAt = async (url: string, ref: string | null): Promise<ReviewableCatalog> => {
    const { openCatalog } = await import("./git/open-catalog.ts");
    const token = takesToken(config, url) ? github.gitToken : async () => null;
    return openCatalog({ url, ref: ref ?? undefined, stateDir: config.stateDir, token });
  };
  const catalog = once(async () => {
    if (config.catalog === null) {
      throw new LabkeeperError("LK7001", "nothing says which catalog to use", {
        remedy: "Set LABKEEPER_CATALOG or --catalog to a path or an http(s) URL, or run in a catalog's folder.",
      });
    }
    return await catalogAt(config.catalog, config.catalogRef);
  });
  const workspace = async () => {
    await madeFolder(config.stateDir, stateMode());
    return (await import("./local/workspace.ts")).folderWorkspace(join(config.stateDir, "work"));
  };
  const provisioners = async (): Promise<ReadonlyMap<string, Provisioner>> =>
    new Map(await Promise.all([...builds].map(async ([name, build]) => [name, await build()] as const)));
  return {
    config,
    store,
    migrate: async () => {
      const { migrate } = await import("./store/migrate.ts");
      return await migrate(await connection());
    },
    schemaStatus: async () => {
      const { schemaStatus } = await import("./store/migrate.ts");
      return await schemaStatus(await connection());
    },
    catalog,
    catalogAt,
    checkout: async (folder) => (await import("./local/checkout.ts")).checkout(folder),
    writeEditorFiles: async (folder, schemas) =>
      (await import("./local/editor-files.ts")).writeEditorFiles(folder, schemas),
    changesSince: async (folder, base) => (await import("./git/changes-since.ts")).changesSince(folder, base),
    profileFiles: () => profileFiles(config),
    provisionerNames: () => [...builds.keys()].sort(),
    cloud,
    github,
    conversation: async (onError) => {
      const host = await github.host();
      if (host === null) return null;
      const { wireConversation } = await import("./wire-conversation.ts");
      return await wireConversation({
        config,
        host,
        catalog: await catalog(),
        store: await store(),
        artifacts: await artifacts(),
        shippedProfiles: await profileFiles(config),
        clock: await databaseClock(await store()),
        holder,
        onError,
      });
    },
    artifacts,
    secrets,
    reconcileDeps: async (reporter) => ({
      catalog: await catalog(),
      store: await store(),
      artifacts: await artifacts(),
      shippedProfiles: await profileFiles(config),
      clock: await databaseClock(await store()),
      reporter,
      holder,
      requireReview: config.github !== null,
    }),
    workerDeps: async (reporter, onError) => ({
      store: await store(),
      provisioners: await provisioners(),
      artifacts: await artifacts(),
      secrets: await secrets(),
      workspace: await workspace(),
      clock: CLOCK,
      reporter,
      observationGapMs: config.worker.observationGapSeconds * 1000,
      random: Math.random,
      onError,
    }),
    janitorDeps: async () => ({
      store: await store(),
      provisioners: await provisioners(),
      inventory: cloud.sweeps ? cloud.inventory : null,
      installation: cloud.installation,
      artifacts: await artifacts(),
      artifactRetentionDays: config.janitor.artifactRetentionDays,
      workspace: await workspace(),
      clock: await databaseClock(await store()),
      holder,
    }),
    workerOptions: () => ({
      name: holder,
      concurrency: config.worker.concurrency,
      destroyConcurrency: config.worker.destroySlots,
      leaseSeconds: config.lease.seconds,
      heartbeatSeconds: config.lease.heartbeatSeconds,
      pollMs: config.worker.pollSeconds * 1000,
      drainMs: DRAIN_MS,
      limits: config.limits,
    }),
    [Symbol.asyncDispose]: open.closeAll,
  };
};
