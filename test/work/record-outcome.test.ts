/** What a worker that lives has done is recorded, also when the database was away for a moment. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { expect, test } from "vitest";
import { LabkeeperError } from "../../src/errors.ts";
import { untilRecorded } from "../../src/execute/persist.ts";
import { folderArtifacts } from "../../src/local/artifacts.ts";
import { folderSecrets } from "../../src/local/secrets.ts";
import { folderWorkspace } from "../../src/local/workspace.ts";
import { simulatedProvisioner } from "../../src/provisioners/simulated.ts";
import { memoryCloud } from "../../src/provisioners/simulated-cloud.ts";
import { openStore } from "../../src/store/open.ts";
import { startWorker } from "../../src/worker.ts";
import { createDatabase } from "../database.ts";
import { aLabFile } from "../fixtures.ts";
import { applyCatalog, UNLIMITED } from "../store/seed.ts";

const away = new LabkeeperError("LK4001", "the connection was cut");
const held = new AbortController().signal;

/** Fails in turn with each of these, then records. */
function failing(...errors: readonly unknown[]) {
  const left = [...errors];
  const store = {
    recorded: 0,
    finish: async (): Promise<void> => {
      if (left.length > 0) throw left.shift();
      store.recorded += 1;
    },
  };
  return store;
}

test("an outcome is recorded once the database is back", async () => {
  const store = failing(away, away);
  await untilRecorded(store.finish, held);
  expect(store.recorded).toBe(1);
});

test.each([
  ["the lease is another's", new LabkeeperError("LK4004", "lost")],
  ["the database refuses it", new LabkeeperError("LK4005", "refused")],
  ["it is a defect", new RangeError("no such thing")],
])("it is not tried again when %s", async (_, error) => {
  const store = failing(error);
  await expect(untilRecorded(store.finish, held)).rejects.toBe(error);
  expect(store.recorded).toBe(0);
});

test("it is given up when the lease is lost meanwhile, at once", async () => {
  const lost = new AbortController();
  const recording = untilRecorded(() => Promise.reject(away), lost.signal);
  lost.abort();
  await expect(recording).rejects.toBe(away);
});

test("a worker whose connection is cut as it records its outcome keeps the job, and nobody does it again", async () => {
  const database = await createDatabase();
  const folder = await mkdtemp(join(tmpdir(), "labkeeper-outcome-"));
  const admin = new pg.Client({ ...database.connection, application_name: "observer" });
  await admin.connect();
  const store = await openStore(database.connection);
  let cuts = 0;
  const waiting = async (): Promise<number> => {
    await admin.query("select pg_stat_clear_snapshot()");
    const { rows } = await admin.query(
      "select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock' and query like '%lk_finish_jobs%'",
    );
    return rows[0].n;
  };
  const nothing = (): void => undefined;
  try {
    await applyCatalog(store, [aLabFile("one")]);
    const worker = await startWorker(
      {
        store: {
          ...store,
          finish: async (...ended) => {
            if (cuts++ > 0) return await store.finish(...ended);
            // Its connections end in the midst of the write, as those of a server that restarts.
            await admin.query("begin");
            await admin.query("lock table jobs in access exclusive mode");
            const write = store.finish(...ended);
            write.catch(nothing);
            await expect.poll(waiting).toBeGreaterThan(0);
            await admin.query(
              "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name <> 'observer'",
            );
            await admin.query("commit");
            await write;
          },
        },
        provisioners: new Map([["simulated", simulatedProvisioner({ cloud: memoryCloud(), seed: "outcome" })]]),
        artifacts: folderArtifacts(join(folder, "artifacts")),
        secrets: folderSecrets({ root: join(folder, "secrets"), keyFile: join(folder, "key") }),
        workspace: folderWorkspace(join(folder, "work")),
        clock: { now: () => new Date(), monotonic: () => performance.now() },
        reporter: { planned: nothing, jobStarted: nothing, step: nothing, progress: nothing, jobEnded: nothing },
        observationGapMs: 0,
        random: () => 0.5,
        onError: nothing,
      },
      {
        name: "cut-off",
        concurrency: 2,
        destroyConcurrency: 0,
        leaseSeconds: 60,
        heartbeatSeconds: 5,
        pollMs: 50,
        drainMs: 1_000,
        limits: UNLIMITED,
      },
    );
    await expect
      .poll(async () => (await admin.query("select state, recoveries from jobs")).rows)
      .toEqual([{ state: "succeeded", recoveries: 0 }]);
    expect(cuts).toBeGreaterThan(1);
    await worker.stop();
  } finally {
    await store.close();
    await admin.end();
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  }
});
