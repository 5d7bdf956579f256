import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { median, type Report } from "./figures.ts";
import type { OpenPeer, PeerQueue } from "./peer.ts";
import { graphileWorker } from "./peer-graphile-worker.ts";
import { pgBoss } from "./peer-pg-boss.ts";
import { CONCURRENCY } from "./queue-world.ts";
import { sample } from "./sampling.ts";
import type { Settings } from "./settings.ts";
import type { Workplace } from "./workplace.ts";

const PEERS: Readonly<Record<string, OpenPeer>> = { "graphile-worker": graphileWorker, "pg-boss": pgBoss };
const DRAIN_TIMEOUT_MS = 180_000;

/** Other queues on the same server in the same run, from a folder where somebody installed them. */
export async function benchPeerQueues(workplace: Workplace, settings: Settings, report: Report): Promise<void> {
  for (const [name, open] of Object.entries(PEERS)) {
    const packages = settings.peers === null ? null : importFrom(settings.peers);
    if (
      packages === null ||
      !(await packages(name).then(
        () => true,
        () => false,
      ))
    ) {
      report.skip(name, settings.peers === null ? "no --peers folder" : `not installed in ${settings.peers}`);
      continue;
    }
    for (const labs of settings.labs) {
      report.step(`queue: ${name}, ${labs} labs`);
      // Left where it is: a peer's pool may outlive its worker, and the server goes at the end.
      const { url } = await workplace.database("none");
      await using peer = await open(await packages(name), url);
      const names = Array.from({ length: Math.min(labs, settings.jobs) }, (_, lab) => `lab-${lab}`);
      const limits = { runs: Math.min(3, settings.runs), budgetMs: settings.budgetMs };
      const rates = await sample(limits, () => drain(peer, names));
      report.figure({
        name: `${name}, no-op jobs at concurrency ${CONCURRENCY}, ${labs} labs`,
        value: median(rates),
        unit: "per s",
        samples: rates.length,
      });
    }
  }
}

async function drain(peer: PeerQueue, labs: readonly string[]): Promise<number> {
  await peer.enqueue(labs);
  const start = performance.now();
  await new Promise<void>((resolve, reject) => {
    let left = labs.length;
    setTimeout(() => reject(new Error(`${left} jobs are left`)), DRAIN_TIMEOUT_MS).unref();
    const done = (): void => {
      left -= 1;
      if (left === 0) resolve();
    };
    peer.start(CONCURRENCY, done).catch(reject);
  });
  const seconds = (performance.now() - start) / 1_000;
  await peer.stop();
  return labs.length / seconds;
}

function importFrom(folder: string): (name: string) => Promise<unknown> {
  const { resolve: locate } = createRequire(pathToFileURL(resolve(folder, "package.json")));
  return async (name) => await import(pathToFileURL(locate(name)).href);
}
