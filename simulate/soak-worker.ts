/** A worker of a soak: a process that works until it is ended, and tells what became of its leases and its memory. */

import { join } from "node:path";
import { folderArtifacts } from "../src/local/artifacts.ts";
import { folderSecrets } from "../src/local/secrets.ts";
import { folderWorkspace } from "../src/local/workspace.ts";
import type { ClaimedJob } from "../src/ports.ts";
import { simulatedProvisioner } from "../src/provisioners/simulated.ts";
import { openStore } from "../src/store/open.ts";
import { startWorker, type WorkerDeps } from "../src/worker.ts";
import { cloudOfAwake } from "./soak-installer.ts";
import type { WorkerOrder } from "./soak-processes.ts";
import { codeOf, endWithSoak, persistently, sampling, say } from "./soak-told.ts";

endWithSoak();
const order = JSON.parse(process.env["ORDER"] ?? "{}") as WorkerOrder;
const { name, folder, concurrency, leaseSeconds } = order;
const UNLIMITED = { jobs: 10_000, creates: 10_000, createsPerTeam: 10_000, createsPerAccountRegion: 10_000 };

const store = await persistently(() => openStore(order.connection, { max: Math.min(50, 4 + 2 * concurrency), name }));
const SLOW_MS = 1_000;
/** Numbers that are kept so often: about 8 MiB a second. */
const LEAK = 100_000;
const LEAK_EVERY_MS = 100;
/** Tokens of leases that this process holds as far as it knows, by resource. */
const held = new Map<string, number>();

const watched = async <T>(job: ClaimedJob, write: Promise<T>): Promise<T> => {
  try {
    return await write;
  } catch (error) {
    if (codeOf(error) === "LK4004") say({ tell: "refused", at: Date.now(), lab: job.lab.name, job: job.id });
    throw error;
  }
};

const watchedStore: WorkerDeps["store"] = {
  ...store,
  claim: async (request) => {
    const from = Date.now();
    try {
      const jobs = await store.claim(request);
      for (const { lease } of jobs) held.set(lease.resource, lease.token);
      return jobs;
    } catch (error) {
      say({ tell: "unanswered", from, at: Date.now() });
      throw error;
    }
  },
  renew: async (leases, seconds) => {
    const from = performance.now();
    const kept = new Set((await store.renew(leases, seconds)).map(({ resource }) => resource));
    const ms = performance.now() - from;
    if (ms > SLOW_MS) say({ tell: "slow", at: Date.now(), ms });
    // One that is being given back meanwhile is not missed.
    const missing = leases.filter(({ resource, token }) => !kept.has(resource) && held.get(resource) === token);
    if (missing.length > 0)
      say({ tell: "unrenewed", at: Date.now(), labs: missing.map(({ resource }) => resource.replace("lab:", "")) });
    return leases.filter(({ resource }) => kept.has(resource));
  },
  beginStep: (job, ...step) => watched(job, store.beginStep(job, ...step)),
  recordIntent: (job, intent) => watched(job, store.recordIntent(job, intent)),
  recordOutputs: (job, outputs) => watched(job, store.recordOutputs(job, outputs)),
  finish: (job, outcome) => {
    held.delete(job.lease.resource);
    return watched(job, store.finish(job, outcome));
  },
};

const nothing = (): void => undefined;
await startWorker(
  {
    store: watchedStore,
    provisioners: new Map([
      [
        "simulated",
        simulatedProvisioner({ cloud: cloudOfAwake(folder, leaseSeconds * 500), seed: `soak-${order.seed}` }),
      ],
    ]),
    artifacts: folderArtifacts(join(folder, "artifacts")),
    secrets: folderSecrets({ root: join(folder, "secrets"), keyFile: join(folder, "secrets.key") }),
    workspace: folderWorkspace(join(folder, "work", name)),
    clock: { now: () => new Date(), monotonic: () => performance.now() },
    reporter: { planned: nothing, jobStarted: nothing, step: nothing, progress: nothing, jobEnded: nothing },
    observationGapMs: 0,
    random: Math.random,
    onError: (error) => say({ tell: "trouble", at: Date.now(), code: codeOf(error) }),
  },
  {
    name,
    concurrency,
    destroyConcurrency: Math.ceil(concurrency / 4),
    leaseSeconds,
    heartbeatSeconds: leaseSeconds / 4,
    pollMs: 500,
    drainMs: 1_000,
    limits: UNLIMITED,
  },
);

say({ tell: "ready", at: Date.now() });
const leaked: unknown[] = [];
let leakedAt = Date.now();
sampling(order.sampleEveryMs, (told) => {
  for (; order.leaks && leakedAt < told.at; leakedAt += LEAK_EVERY_MS)
    leaked.push(new Array<number>(LEAK).fill(leakedAt));
  say(told);
});
