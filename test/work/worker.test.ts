/** The worker around the story: orderly ends, cancels, lost leases. Real database; the provisioner is a gate. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { credentials } from "../../src/core/credentials.ts";
import { LabkeeperError } from "../../src/errors.ts";
import { folderArtifacts } from "../../src/local/artifacts.ts";
import { folderSecrets } from "../../src/local/secrets.ts";
import type { Provisioner, Reporter } from "../../src/ports.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import { startWorker, type Worker, type WorkerDeps, type WorkerOptions } from "../../src/worker.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { aLabFile } from "../fixtures.ts";
import { applyCatalog, UNLIMITED } from "../store/seed.ts";

let database: TestDatabase;
let store: Store;
let folder: string;
let workers: Worker[];

beforeEach(async () => {
  database = await createDatabase();
  store = await openStore(database.connection);
  folder = await mkdtemp(join(tmpdir(), "labkeeper-worker-"));
  workers = [];
});
afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  await store.close();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

/** A provisioner that stands still in `install` until it is let through or aborted. */
function gate() {
  const inside = new Set<string>();
  const ended: string[] = [];
  let open = false;
  const waiting: (() => void)[] = [];
  const provisioner: Provisioner = {
    prepare: async ({ name }) => ({ infraId: name }),
    install: async ({ name }, _intent, { signal }) => {
      inside.add(name);
      await new Promise<void>((resolve, reject) => {
        if (open) resolve();
        waiting.push(resolve);
        signal.addEventListener("abort", () => reject(new LabkeeperError("LK5009", "aborted")), { once: true });
      }).finally(() => {
        inside.delete(name);
        ended.push(name);
      });
      return { outputs: {}, credentials: credentials({ password: "hunter2-hunter2" }) };
    },
    verify: async () => undefined,
    update: async () => ({ outputs: {} }),
    destroy: async () => undefined,
    observe: async () => ({ verdict: "absent", evidence: ["nothing"] }),
  };
  return {
    provisioner,
    inside,
    ended,
    letThrough: () => {
      open = true;
      for (const resolve of waiting) resolve();
    },
  };
}

const SILENT: Reporter = {
  planned: () => undefined,
  jobStarted: () => undefined,
  step: () => undefined,
  progress: () => undefined,
  jobEnded: () => undefined,
};

async function worker(
  provisioner: Provisioner,
  options: Partial<WorkerOptions> = {},
  change: Partial<WorkerDeps> = {},
): Promise<Worker> {
  const deps: WorkerDeps = {
    store,
    provisioners: new Map([["simulated", provisioner]]),
    artifacts: folderArtifacts(join(folder, "artifacts")),
    secrets: folderSecrets({ root: join(folder, "secrets"), keyFile: join(folder, "key") }),
    workspace: { open: async () => folder, remove: async () => undefined },
    clock: { now: () => new Date(), monotonic: () => performance.now() },
    reporter: SILENT,
    observationGapMs: 0,
    random: () => 0,
    onError: () => undefined,
    ...change,
  };
  const started = await startWorker(deps, {
    name: `worker-${workers.length}`,
    concurrency: 4,
    destroyConcurrency: 1,
    leaseSeconds: 60,
    heartbeatSeconds: 15,
    pollMs: 50,
    drainMs: 60_000,
    limits: UNLIMITED,
    ...options,
  });
  workers.push(started);
  return started;
}

const stateOf = async (name: string): Promise<string | undefined> => (await store.lab(name))?.lab.state;
const poll = { interval: 10, timeout: 10_000 };

describe("orderly shutdown", () => {
  test("waits for the step, stops at the durable point behind it, and hands the job back", async () => {
    const { provisioner, inside, letThrough } = gate();
    await applyCatalog(store, [aLabFile("a")]);
    const first = await worker(provisioner);
    await expect.poll(() => [...inside], poll).toEqual(["a"]);
    const stopping = first.stop();
    letThrough();
    await stopping;
    expect((await store.lab("a"))?.job).toMatchObject({ kind: "provision", state: "queued", attempt: 0 });
    const second = await worker(provisioner);
    expect(await second.drained()).toEqual({ failed: [] });
    expect(await stateOf("a")).toBe("ready");
  });

  test("interrupts what takes too long, and hands it back too", async () => {
    const { provisioner, inside, ended } = gate();
    await applyCatalog(store, [aLabFile("a"), aLabFile("b")]);
    const first = await worker(provisioner, { drainMs: 1 });
    await expect.poll(() => inside.size, poll).toBe(2);
    await first.stop();
    expect(ended.sort()).toEqual(["a", "b"]);
    expect(await store.queue()).toMatchObject({ queued: 2, running: 0 });
  });

  test("claims nothing any more", async () => {
    const { provisioner, inside } = gate();
    const first = await worker(provisioner);
    await first.stop();
    await applyCatalog(store, [aLabFile("a")]);
    expect(inside.size).toBe(0);
    expect(await store.queue()).toMatchObject({ queued: 1, running: 0 });
  });
});

test("a cancel stops what runs, waits for its end, and destroys what was made", async () => {
  const { provisioner, inside, ended } = gate();
  await applyCatalog(store, [aLabFile("a")]);
  await worker(provisioner);
  await expect.poll(() => [...inside], poll).toEqual(["a"]);
  await store.cancel("a", "octocat");
  await expect.poll(() => stateOf("a"), poll).toBe("destroyed");
  expect(ended).toEqual(["a"]);
  const types = (await store.events("a")).map(({ type }) => type);
  expect(types.indexOf("provision.cancelled")).toBeLessThan(types.indexOf("destroy.started"));
});

test("a worker whose heartbeats fail stops acting before its leases end, and takes no more", async () => {
  const { provisioner, inside, ended } = gate();
  await applyCatalog(store, [aLabFile("a")]);
  const raw = new pg.Client(database.connection);
  await raw.connect();
  let leaseAtStop: unknown = null;
  const watched: Provisioner = {
    ...provisioner,
    install: (order, intent, context) => {
      const look = async () => {
        leaseAtStop = (
          await raw.query("select expires_at > clock_timestamp() as held from leases where resource like 'lab:%'")
        ).rows;
      };
      context.signal.addEventListener("abort", () => void look(), { once: true });
      return provisioner.install(order, intent, context);
    },
  };
  const deaf = { ...store, renew: () => Promise.reject(new LabkeeperError("LK4001", "no route")) };
  await worker(watched, { leaseSeconds: 6, heartbeatSeconds: 1 }, { store: deaf });
  await expect.poll(() => [...inside], poll).toEqual(["a"]);
  await expect.poll(() => ended, poll).toEqual(["a"]);
  await expect.poll(() => leaseAtStop, poll).toEqual([{ held: true }]);
  await raw.end();
  const { provisioner: open, letThrough } = gate();
  letThrough();
  const other = await worker(open);
  expect(await other.drained()).toEqual({ failed: [] });
  expect(await stateOf("a")).toBe("ready");
  expect((await store.lab("a"))?.steps.every(({ attempt }) => attempt === 1)).toBe(true);
});

test("a provision over its time is not a failure to retry for ever: it is dead as timed_out", async () => {
  const { provisioner } = gate();
  await applyCatalog(store, [aLabFile("a")]);
  const late: Provisioner = {
    ...provisioner,
    install: () => Promise.reject(new LabkeeperError("LK5004", "an hour", { disposition: "stop" })),
  };
  const busy = await worker(late);
  expect(await busy.drained()).toEqual({ failed: ["a"] });
  expect((await store.lab("a"))?.lab).toMatchObject({ state: "timed_out", failure: { code: "LK5004", retryAt: null } });
});

test("an unknown provisioner, and a folder that cannot be opened, are outcomes and not silence", async () => {
  await applyCatalog(store, [aLabFile("a")]);
  const { provisioner } = gate();
  const none = await worker(provisioner, {}, { provisioners: new Map() });
  expect(await none.drained()).toEqual({ failed: ["a"] });
  expect((await store.lab("a"))?.lab).toMatchObject({ state: "failed_permanent", failure: { code: "LK5001" } });
  expect(await store.queue()).toEqual({ queued: 0, running: 0, dead: 1 });
  await none.stop();
  await store.retry("a", "octocat");
  expect(await store.queue()).toEqual({ queued: 1, running: 0, dead: 0 });
  await applyCatalog(store, [aLabFile("a"), aLabFile("b")]);
  await worker(
    provisioner,
    {},
    { workspace: { open: () => Promise.reject(new Error("EACCES")), remove: async () => undefined } },
  );
  await expect.poll(() => stateOf("b"), poll).toBe("failed");
  expect((await store.lab("b"))?.lab.failure).toMatchObject({
    code: "LK5002",
    message: expect.stringContaining("EACCES"),
    remedy: "Read the lab's log: `labkeeper logs b`.",
  });
});
