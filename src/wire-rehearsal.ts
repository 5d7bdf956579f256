import { chmod, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "./config.ts";
import { LabkeeperError } from "./errors.ts";
import type { ArtifactStore, Provisioner, Reporter } from "./ports.ts";
import type { RehearsedFaults } from "./provisioners/rehearsed.ts";
import type { RehearseDeps } from "./rehearse.ts";
import { rehearsedTime } from "./rehearsed-time.ts";
import { wire } from "./wire.ts";

export interface RehearsalOptions {
  readonly since: Date;
  readonly seed: string;
  readonly faults: RehearsedFaults;
  /** Simulated seconds in a real one; null: as fast as it goes. */
  readonly speed: number | null;
  readonly onCommit: RehearseDeps["onCommit"];
}

const nothing = (): void => undefined;
const SILENT: Reporter = {
  planned: nothing,
  jobStarted: nothing,
  step: nothing,
  progress: nothing,
  jobEnded: nothing,
};

const NOTHING_KEPT: ArtifactStore = {
  put: async () => undefined,
  get: async () => null,
  append: async () => undefined,
  list: async () => [],
  remove: async () => undefined,
};

/** Everything that a rehearsal writes to is in a folder of its own, which goes with it: nothing of the operator's is touched. */
export async function withRehearsal<T>(
  config: Config,
  options: RehearsalOptions,
  work: (deps: RehearseDeps) => Promise<T>,
): Promise<T> {
  const { catalog: url, catalogRef } = config;
  if (url === null) throw new LabkeeperError("LK7001", "nothing says which catalog to rehearse");
  const stateDir = await realpath(await mkdtemp(join(tmpdir(), `labkeeper-rehearse-${process.pid}-`)));
  // Postgres runs as another user when this runs as root, and has to pass.
  await chmod(stateDir, 0o711);
  const { ensurePostgres, removePostgres } = await import("./local/postgres/ensure.ts");
  try {
    const server = await ensurePostgres({ stateDir, durable: false });
    try {
      const { migrate } = await import("./store/migrate.ts");
      const { openStore } = await import("./store/open.ts");
      const { rehearsalStore, takeOverClock } = await import("./store/rehearsal.ts");
      await takeOverClock(server.connection, String(server.connection.database));
      await migrate(server.connection);
      await using edges = wire({ ...config, stateDir, databaseUrl: null });
      await using store = await openStore(server.connection, { max: 8 });
      await using rehearsal = rehearsalStore(server.connection);
      await rehearsal.setTime(options.since);
      const time = rehearsedTime(options.since, options.speed);
      const catalog = await edges.catalogAt(url, catalogRef);
      const shippedProfiles = await edges.profileFiles();
      return await work({
        catalog,
        store,
        rehearsal,
        time,
        reconcile: {
          artifacts: NOTHING_KEPT,
          shippedProfiles,
          reporter: SILENT,
          holder: "rehearsal",
          requireReview: false,
        },
        work: { ...(await rehearsedWork(stateDir, options, time)), reporter: SILENT, observationGapMs: 0 },
        concurrency: config.worker.concurrency,
        destroyConcurrency: config.worker.destroySlots,
        limits: config.limits,
        onCommit: options.onCommit,
      });
    } finally {
      await server.stop();
    }
  } finally {
    await removePostgres({ stateDir });
    await rm(stateDir, { recursive: true, force: true });
  }
}

async function rehearsedWork(
  stateDir: string,
  { seed, faults }: RehearsalOptions,
  time: RehearseDeps["time"],
): Promise<Omit<RehearseDeps["work"], "reporter" | "observationGapMs">> {
  const [{ rehearsedProvisioner }, { folderWorkspace }, { prng }] = await Promise.all([
    import("./provisioners/rehearsed.ts"),
    import("./local/workspace.ts"),
    import("./core/prng.ts"),
  ]);
  const provisioner = rehearsedProvisioner({ seed, faults, now: time.clock.now, sleep: time.sleep });
  const secrets = new Map<string, import("./ports.ts").Credentials>();
  return {
    // Whatever a profile names, the simulated one answers.
    provisioners: Object.assign(new Map<string, Provisioner>(), { get: () => provisioner }),
    artifacts: NOTHING_KEPT,
    secrets: {
      put: async (key, credentials) => {
        secrets.set(key, credentials);
      },
      get: async (key) => secrets.get(key) ?? null,
      remove: async (key) => {
        secrets.delete(key);
      },
    },
    workspace: folderWorkspace(join(stateDir, "work")),
    random: prng(seed, "retries"),
  };
}
