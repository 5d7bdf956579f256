import type { PeerQueue } from "./peer.ts";

/** What is used of https://timgit.github.io/pg-boss/#/./api/jobs */
interface Boss {
  start(): Promise<unknown>;
  createQueue(name: string, options: object): Promise<unknown>;
  insert(jobs: readonly object[]): Promise<unknown>;
  fetch(name: string): Promise<readonly { readonly id: string }[] | null>;
  complete(name: string, id: string): Promise<unknown>;
  on(event: "error", listener: () => void): unknown;
}
interface PgBoss {
  readonly default: new (options: object) => Boss;
}

const QUEUE = "noop";
const IDLE_MS = 5;

/**
 * pg-boss with the lab as singleton key. Its own worker asks every half second at most, so each of the places fetches
 * and completes one job after the other here, as fast as it can.
 */
export async function pgBoss(module: unknown, url: string): Promise<PeerQueue> {
  const boss = new (module as PgBoss).default({ connectionString: url, supervise: false, schedule: false });
  boss.on("error", () => undefined);
  await boss.start();
  await boss.createQueue(QUEUE, { name: QUEUE, policy: "singleton" });

  const work = async (done: () => void): Promise<never> => {
    for (;;) {
      const jobs = (await boss.fetch(QUEUE)) ?? [];
      for (const { id } of jobs) {
        await boss.complete(QUEUE, id);
        done();
      }
      if (jobs.length === 0) await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    }
  };
  return {
    async enqueue(labs) {
      await boss.insert(labs.map((lab) => ({ name: QUEUE, singletonKey: lab })));
    },
    async start(concurrency, done) {
      await Promise.all(Array.from({ length: concurrency }, () => work(done)));
    },
  };
}
