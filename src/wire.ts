import { mkdir } from "node:fs/promises";
import type { Config } from "./config.ts";
import { LabkeeperError } from "./errors.ts";
import type { ArtifactStore, CatalogSource, Provisioner, SecretStore } from "./ports.ts";
import type { Connection } from "./store/connection.ts";
import type { SchemaStatus } from "./store/migrate.ts";
import type { Store } from "./store/open.ts";

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
  /** By the name that a profile uses. @throws LK5001 */
  provisioner(name: string): Promise<Provisioner>;
  /** All registered names, built-in ones included. */
  provisionerNames(): readonly string[];
  artifacts(): Promise<ArtifactStore>;
  secrets(): Promise<SecretStore>;
}

/** Builds at the first call and answers the same afterwards; a failure is not kept, so the next call tries again. */
const once = <T>(build: () => Promise<T>): (() => Promise<T>) => {
  let built: Promise<T> | null = null;
  return () => {
    built ??= build().catch((error: unknown) => {
      built = null;
      throw error;
    });
    return built;
  };
};

const OWNER_ONLY = 0o700;

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
    await mkdir(config.stateDir, { recursive: true, mode: OWNER_ONLY });
    const { ensurePostgres } = await import("./local/postgres/ensure.ts");
    const server = await ensurePostgres({ stateDir: config.stateDir });
    open.add(() => server.stop());
    return server.connection;
  });

const storeSource = (config: Config, open: Closers, connection: () => Promise<Connection>): (() => Promise<Store>) =>
  once(async () => {
    const where = await connection();
    const { openStore } = await import("./store/open.ts");
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

const provisionerBuilds = (config: Config): ReadonlyMap<string, Build> => {
  const builds = new Map<string, Build>();
  const simulated: Build = async () => {
    const [{ simulatedProvisioner }, { folderCloud }] = await Promise.all([
      import("./provisioners/simulated.ts"),
      import("./provisioners/simulated-cloud.ts"),
    ]);
    return simulatedProvisioner({ cloud: folderCloud(config.stateDir), seed: "labkeeper" });
  };
  builds.set("simulated", once(simulated));
  for (const [name, settings] of Object.entries(config.provisioners)) {
    if (settings.type === "simulated") {
      builds.set(name, once(simulated));
      continue;
    }
    const { command, env = [], timeoutMinutes = {} } = settings;
    builds.set(
      name,
      once(async () => {
        const { execProvisioner } = await import("./provisioners/exec.ts");
        const timeoutSeconds = Object.fromEntries(
          Object.entries(timeoutMinutes).map(([verb, minutes]) => [verb, minutes * 60]),
        );
        return execProvisioner({
          name,
          command,
          environment: config.environment,
          allowEnvironment: env,
          timeoutSeconds,
        });
      }),
    );
  }
  return builds;
};

/** Joins the edges that a configuration asks for. Nothing is opened, started or loaded before it is asked for. */
export const wire = (config: Config): Edges => {
  const open = closers();
  const connection = connectionSource(config, open);
  const builds = provisionerBuilds(config);
  return {
    config,
    store: storeSource(config, open, connection),
    migrate: async () => {
      const { migrate } = await import("./store/migrate.ts");
      return await migrate(await connection());
    },
    schemaStatus: async () => {
      const { schemaStatus } = await import("./store/migrate.ts");
      return await schemaStatus(await connection());
    },
    catalog: once(async () => {
      throw new LabkeeperError("LK7001", "not wired yet");
    }),
    provisioner: async (name) => {
      const build = builds.get(name);
      if (build === undefined) throw new LabkeeperError("LK5001", name);
      return await build();
    },
    provisionerNames: () => [...builds.keys()].sort(),
    artifacts: once(async () => {
      const { folderArtifacts } = await import("./local/artifacts.ts");
      return folderArtifacts(config.artifactsFolder);
    }),
    secrets: once(async () => {
      const { folderSecrets } = await import("./local/secrets.ts");
      return folderSecrets({ root: config.secretsFolder, keyFile: config.secretsKeyFile });
    }),
    [Symbol.asyncDispose]: open.closeAll,
  };
};
