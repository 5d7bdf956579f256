/** The oldest server that is promised to work, where the host has one: Debian's postgresql-15. */

import { chmod, chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { postgresAccount } from "../../src/local/postgres/account.ts";
import { findPostgresBinaries, MINIMUM_MAJOR } from "../../src/local/postgres/binaries.ts";
import { initCluster } from "../../src/local/postgres/cluster.ts";
import { startPostmaster, stopPostmaster } from "../../src/local/postgres/postmaster.ts";
import { migrate } from "../../src/store/migrate.ts";
import { openStore } from "../../src/store/open.ts";
import { aLabFile } from "../fixtures.ts";
import { aChange, aPullRequest, idOf, mergeReviewed } from "./pull-request-seed.ts";
import { absences, applyCatalog, claimOne, makeReady } from "./seed.ts";

const binaries = await findPostgresBinaries({
  major: MINIMUM_MAJOR,
  places: { native: null, system: "/usr/lib/postgresql" },
}).catch(() => null);

let folder: string;
const account = postgresAccount();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "labkeeper-oldest-"));
  await chmod(folder, 0o755);
  if (account) await chown(folder, account.uid, account.gid);
});
afterAll(async () => {
  await stopPostmaster(join(folder, "data"));
  await rm(folder, { recursive: true, force: true });
});

test.skipIf(binaries === null)(`a whole life on Postgres ${MINIMUM_MAJOR}`, async () => {
  if (binaries === null) throw new Error("skipped above");
  const dataDir = join(folder, "data");
  await initCluster({ binaries, account, dataDir, user: "postgres", password: "for-this-test", durable: false });
  const settings = { listen_addresses: "", unix_socket_directories: folder, port: 5432 };
  const server = await startPostmaster({ binaries, account, dataDir, logFile: join(folder, "log"), settings });
  const connection = {
    host: folder,
    port: server.port,
    user: "postgres",
    password: "for-this-test",
    database: "postgres",
  };
  await migrate(connection);
  const store = await openStore(connection);
  try {
    await applyCatalog(store, [aLabFile("a"), aLabFile("b")]);
    await makeReady(store);
    await mergeReviewed(store, aPullRequest(1), [
      aChange("a", { action: "update", labId: await idOf(store, "a") }),
      aChange("b", { action: "destroy", labId: await idOf(store, "b") }),
    ]);
    await store.noteEvents();
    await applyCatalog(store, [aLabFile("a", { spec: { workers: 2 } })]);
    const destroy = await claimOne(store);
    await store.finish(destroy, { kind: "destroyed", receipt: absences() });
    const update = await claimOne(store);
    await store.finish(update, { kind: "updated", outputs: {} });
    expect([destroy.kind, update.kind]).toEqual(["destroy", "update"]);
    expect((await store.labs(true)).map(({ lab }) => [lab.name, lab.state])).toEqual([
      ["a", "ready"],
      ["b", "destroyed"],
    ]);
    expect((await store.events("b")).map(({ type }) => type)).toContain("destroy.completed");
    await store.noteEvents();
    expect((await store.dueReports(new Date(), 30, 10)).map(({ kind, subject }) => `${kind} ${subject}`)).toEqual([
      "comment ",
      "status a",
      "status b",
    ]);
    expect((await store.board(1)).map(({ name, state }) => [name, state])).toEqual([
      ["a", "ready"],
      ["b", "destroyed"],
    ]);
    expect(await store.expiringWithoutRequest()).toEqual([]);
    expect(await store.obsoleteRequests()).toEqual([]);
    expect(await store.holdOrigin("hold-none")).toBeNull();
  } finally {
    await store.close();
  }
});
