import { setTimeout as delay } from "node:timers/promises";
import { median, percentile, type Report } from "./figures.ts";
import { benchPeerQueues } from "./peer-queues.ts";
import { cpuMsOf } from "./postgres-cpu.ts";
import { CONCURRENCY, type QueueWorld, queueWorld } from "./queue-world.ts";
import { sample } from "./sampling.ts";
import type { Settings } from "./settings.ts";
import type { Workplace } from "./workplace.ts";

const STARTS = 300;
const JOB_TIMEOUT_MS = 10_000;
/** Jobs of uneven length: their starts and ends do not fall together. */
const UNEVEN_MS = 20;

interface Throughput {
  readonly perSecond: number;
  readonly nodeMs: number;
  readonly postgresMs: number;
}

/** The durable queue: claim, lease, one recorded step, events, completion, one job a lab. */
export async function benchQueue(workplace: Workplace, settings: Settings, report: Report): Promise<void> {
  for (const labs of settings.labs) {
    report.step(`queue: ${labs} labs`);
    await using world = await queueWorld(workplace, labs);
    const throughput = async (name: string, work: () => Promise<void>, target: { atLeast: number } | null) => {
      const runs = await sample(settings, () => drain(world, settings.jobs, work));
      report.figure({
        name: `queue, ${name}, ${labs} labs`,
        value: median(runs.map((run) => run.perSecond)),
        unit: "per s",
        samples: runs.length,
        note: `CPU a job: node ${median(runs.map((run) => run.nodeMs)).toFixed(2)} ms, Postgres ${median(runs.map((run) => run.postgresMs)).toFixed(2)} ms`,
        ...(target ? { target } : {}),
      });
    };
    await throughput(`no-op jobs at concurrency ${CONCURRENCY}`, async () => undefined, { atLeast: 1_000 });
    await throughput(
      `jobs of 0–${UNEVEN_MS} ms`,
      async () => {
        await delay(Math.random() * UNEVEN_MS);
      },
      null,
    );
    await starts(world, labs, report);
  }
  await benchPeerQueues(workplace, settings, report);
}

/** Enqueues, starts a worker, waits until nothing is left. */
async function drain(world: QueueWorld, most: number, work: () => Promise<void>): Promise<Throughput> {
  const jobs = await world.enqueue(most);
  const postgresBefore = await cpuMsOf(world.database.name);
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const worker = await world.startWorker(work);
  await worker.drained();
  const seconds = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const postgresMs = (await cpuMsOf(world.database.name)) - postgresBefore;
  await worker.stop();
  return { perSecond: jobs / seconds, nodeMs: (user + system) / 1_000 / jobs, postgresMs: postgresMs / jobs };
}

/**
 * From sending the commit of a new job to its work running, on a worker that does nothing else: commit, wake-up, claim,
 * lease and the recorded step.
 */
async function starts(world: QueueWorld, labs: number, report: Report): Promise<void> {
  let started: () => void = () => undefined;
  const worker = await world.startWorker(async () => started());
  const found: number[] = [];
  for (let at = 0; at < STARTS; at++) {
    const running = new Promise<number>((resolve, reject) => {
      started = () => resolve(performance.now());
      setTimeout(() => reject(new Error("a job did not start")), JOB_TIMEOUT_MS).unref();
    });
    await world.client.query("begin");
    await world.enqueue(1);
    await world.client.query("select pg_notify('labkeeper_work', '')");
    const committing = performance.now();
    await world.client.query("commit");
    found.push((await running) - committing);
    await worker.drained();
  }
  await worker.stop();
  report.figure({
    name: `start of a job on an idle worker, ${labs} labs, p50`,
    value: percentile(found, 0.5),
    unit: "ms",
    samples: found.length,
  });
  report.figure({
    name: `start of a job on an idle worker, ${labs} labs, p99`,
    value: percentile(found, 0.99),
    unit: "ms",
    samples: found.length,
    target: { atMost: 10 },
  });
}
