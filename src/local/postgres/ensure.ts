/** The Postgres that labkeeper brings along: one server for a state folder, shared by every labkeeper that uses it. */

import { access, chmod, constants, mkdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { LabkeeperError } from "../../errors.ts";
import { madeFolder } from "../../made-folder.ts";
import { type Account, postgresAccount } from "./account.ts";
import { findPostgresBinaries } from "./binaries.ts";
import { clusterMajor, initCluster } from "./cluster.ts";
import { withLock } from "./lock.ts";
import { forgetInitialized, markInitialized, requireNeverInitialized } from "./marker.ts";
import { findPlace, type Place, readOrMakePassword, removeSocketFolder, socketFolder } from "./place.ts";
import { findPostmaster, type PidFile, startPostmaster, stopPostmaster, waitReady } from "./postmaster.ts";
import { type Connection, connectionOf, joinServer, type Presence, urlOf } from "./presence.ts";

export interface EnsureOptions {
  readonly stateDir: string;
  /** False trades safety for speed: for tests, whose data may be lost. Default true. */
  readonly durable?: boolean;
  /** Where binaries and data go when Postgres cannot reach the checkout or the state folder; see `sharedFolder`. */
  readonly sharedDir?: string;
}

export interface EmbeddedPostgres {
  /** For pg and libpq; holds the password, so it is never logged. */
  readonly url: string;
  readonly connection: Connection;
  /** Leaves the server; the last labkeeper to leave stops it. End your own connections before. Safe to repeat. */
  stop(): Promise<void>;
}

/**
 * Finds or starts the server of a state folder; initdb runs once. Rejects with LK7002.
 * When the server dies while this process uses it, it is started again; connections made meanwhile fail.
 */
export async function ensurePostgres(options: EnsureOptions): Promise<EmbeddedPostgres> {
  const home = await openHome(options.stateDir);
  const account = postgresAccount();
  let joined: { readonly place: Place; readonly connection: Connection; readonly presence: Presence } | null = null;
  const stopping = new AbortController();
  let revival: Promise<void> = Promise.resolve();

  const join = async (): Promise<Connection> =>
    await withLock(home, async () => {
      const place = await findPlace(home, account, options.sharedDir);
      const dataIsThere = (await clusterMajor(place.dataDir)) !== null;
      if (!dataIsThere) await requireNeverInitialized(home, place.dataDir);
      const password = await readOrMakePassword(home, dataIsThere);
      const server = (await running(place)) ?? (await start(place, account, password, options));
      await markInitialized(home, place.dataDir);
      const connection = connectionOf(server, password);
      joined = { place, connection, presence: await joinServer(connection, lost) };
      return connection;
    });
  const lost = (): void => {
    revival = revive(join, stopping.signal);
  };
  const leave = async (): Promise<void> => {
    if (joined === null) return;
    const last = await isLast(joined);
    await joined.presence.leave();
    if (last) await stopPostmaster(joined.place.dataDir);
  };

  const connection = await join();
  return {
    url: urlOf(connection),
    connection,
    stop: async () => {
      if (stopping.signal.aborted) return;
      stopping.abort();
      await revival;
      await withLock(home, leave);
    },
  };
}

/** Tries until the server is back or not wanted any more. What fails meanwhile shows at the queries. */
async function revive(join: () => Promise<unknown>, stopping: AbortSignal): Promise<void> {
  for (let pause = 250; !stopping.aborted; pause = Math.min(pause * 2, 30_000)) {
    try {
      await join();
      return;
    } catch {
      await delay(pause, undefined, { signal: stopping, ref: false }).catch(() => undefined);
    }
  }
}

/** A server that answers nobody is left alone: who uses it cannot be told. */
async function isLast({ presence, connection }: { presence: Presence; connection: Connection }): Promise<boolean> {
  try {
    return !(await presence.othersAreThere());
  } catch {
    const again = await joinServer(connection, () => undefined).catch(() => null);
    const others = (await again?.othersAreThere().catch(() => true)) ?? true;
    await again?.leave();
    return !others;
  }
}

/** Stops the server of a state folder and removes all its data, wherever it is. For folders that are thrown away. */
export async function removePostgres(options: Pick<EnsureOptions, "stateDir" | "sharedDir">): Promise<void> {
  const home = await openHome(options.stateDir);
  await withLock(home, async () => {
    await forgetInitialized(home);
    const place = await findPlace(home, postgresAccount(), options.sharedDir);
    await stopPostmaster(place.dataDir, false);
    await removeSocketFolder(place);
    await rm(place.root, { recursive: true, force: true });
    await mkdir(home, { recursive: true });
  });
  await rm(home, { recursive: true, force: true });
}

async function openHome(stateDir: string): Promise<string> {
  const home = join(resolve(stateDir), "postgres");
  try {
    // Others may pass, because Postgres may have to run as another user; what is inside is closed one by one.
    if (await madeFolder(home, 0o711)) await chmod(home, 0o711);
    await access(home, constants.R_OK | constants.W_OK | constants.X_OK);
    return home;
  } catch (error) {
    throw new LabkeeperError("LK7002", `${home} cannot be used: ${(error as Error).message}`, {
      cause: error,
      remedy: "Use a state folder that this user may write to, or set LABKEEPER_DATABASE_URL.",
    });
  }
}

/** A server that is there already, once it is ready: its owner may have crashed or just be starting it. */
async function running(place: Place): Promise<PidFile | null> {
  return (await findPostmaster(place.dataDir)) === null ? null : await waitReady(place.dataDir);
}

async function start(place: Place, account: Account, password: string, options: EnsureOptions): Promise<PidFile> {
  const major = await clusterMajor(place.dataDir);
  const binaries = await findPostgresBinaries({
    ...(major !== null && { major }),
    ...(options.sharedDir !== undefined && { sharedDir: options.sharedDir }),
  });
  const durable = options.durable ?? true;
  if (major === null)
    await initCluster({ binaries, account, dataDir: place.dataDir, user: "labkeeper", password, durable });
  const socketDir = await socketFolder(place, account);
  return await startPostmaster({
    binaries,
    account,
    dataDir: place.dataDir,
    logFile: place.logFile,
    settings: {
      listen_addresses: "",
      // The setting is a list: quotes keep spaces and commas of a path together.
      unix_socket_directories: `"${socketDir.replaceAll('"', '""')}"`,
      port: 5432,
      max_connections: 200,
      ...(!durable && { fsync: "off", synchronous_commit: "off", full_page_writes: "off" }),
    },
  });
}
