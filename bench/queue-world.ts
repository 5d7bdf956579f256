import pg from "pg";
import type { Provisioner } from "../src/ports.ts";
import { openStore, type Store } from "../src/store/open.ts";
import { startWorker, type Worker } from "../src/worker.ts";
import { readyLabs } from "./ready-labs.ts";
import type { BenchDatabase, Workplace } from "./workplace.ts";

export const CONCURRENCY = 10;
const UNLIMITED = { jobs: 1_000, creates: 1_000, createsPerTeam: 1_000, createsPerAccountRegion: 1_000 };
const TEAMS = 50;

/** Ready labs, a client that enqueues updates for them, and a worker whose provisioner does `work` and nothing else. */
export interface QueueWorld extends AsyncDisposable {
  readonly client: pg.Client;
  readonly database: BenchDatabase;
  /** An update for each of the first labs, in one transaction; answers how many. */
  enqueue(most: number): Promise<number>;
  startWorker(work: () => Promise<void>): Promise<Worker>;
}

export async function queueWorld(workplace: Workplace, labs: number): Promise<QueueWorld> {
  const database = await workplace.database("labkeeper");
  await readyLabs(database, labs, TEAMS);
  const store = await openStore(database.connection);
  const client = new pg.Client(database.connection);
  await client.connect();
  return {
    client,
    database,
    async enqueue(most) {
      const { rowCount } = await client.query(
        `insert into jobs (lab_id, kind, team, account_region, max_attempts, cause, correlation_id)
         select id, 'update', team, account_region, 3, '{"kind": "commit"}', gen_random_uuid() from labs limit $1`,
        [most],
      );
      return rowCount ?? 0;
    },
    startWorker: (work) => worker(store, work),
    async [Symbol.asyncDispose]() {
      await store.close();
      await client.end();
      await database.drop();
    },
  };
}

function worker(store: Store, work: () => Promise<void>): Promise<Worker> {
  const refuse = () => Promise.reject(new Error("only updates are measured"));
  const provisioner: Provisioner = {
    prepare: refuse,
    install: refuse,
    verify: refuse,
    destroy: refuse,
    observe: refuse,
    update: async () => {
      await work();
      return { outputs: {} };
    },
  };
  const nothing = (): void => undefined;
  const nowhere = async (): Promise<void> => undefined;
  return startWorker(
    {
      store,
      provisioners: new Map([["noop", provisioner]]),
      artifacts: { put: nowhere, get: async () => null, append: nowhere, list: async () => [], remove: nowhere },
      secrets: { put: nowhere, get: async () => null, remove: nowhere },
      workspace: { open: async () => "/nonexistent", remove: nowhere },
      clock: { now: () => new Date(), monotonic: () => performance.now() },
      reporter: { planned: nothing, jobStarted: nothing, step: nothing, progress: nothing, jobEnded: nothing },
      observationGapMs: 0,
      random: Math.random,
      onError: (error) => console.error(error),
    },
    {
      name: "bench",
      concurrency: CONCURRENCY,
      destroyConcurrency: 0,
      leaseSeconds: 60,
      heartbeatSeconds: 15,
      pollMs: 1_000,
      drainMs: 1_000,
      limits: UNLIMITED,
    },
  );
}
