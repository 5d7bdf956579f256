import type { PeerQueue } from "./peer.ts";

interface Client {
  query(sql: string, values: readonly unknown[]): Promise<unknown>;
}
/** What is used of https://worker.graphile.org/docs/library/run and …/add-job */
interface GraphileWorker {
  makeWorkerUtils(options: object): Promise<{
    migrate(): Promise<void>;
    withPgClient(work: (client: Client) => Promise<unknown>): Promise<unknown>;
  }>;
  run(options: object): Promise<unknown>;
  readonly Logger: new (factory: () => () => void) => object;
}

/** graphile-worker with one queue a lab, which is how it keeps a lab's jobs apart. */
export async function graphileWorker(module: unknown, url: string): Promise<PeerQueue> {
  const { makeWorkerUtils, run, Logger } = module as GraphileWorker;
  const logger = new Logger(() => () => undefined);
  const utils = await makeWorkerUtils({ connectionString: url, logger });
  await utils.migrate();
  return {
    async enqueue(labs) {
      const add =
        "select graphile_worker.add_job('noop', '{}'::json, queue_name => lab) from unnest($1::text[]) as labs(lab)";
      await utils.withPgClient((client) => client.query(add, [labs]));
    },
    async start(concurrency, done) {
      const taskList = { noop: async () => done() };
      const options = { connectionString: url, concurrency, taskList, logger, noHandleSignals: true };
      await run({ ...options, maxPoolSize: concurrency + 2 });
    },
  };
}
