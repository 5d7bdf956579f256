/** A worker in a process of its own, for simulations and soaks. Says `ready`, then works until it is ended. */

import { join } from "node:path";
import { folderArtifacts } from "../src/local/artifacts.ts";
import { folderSecrets } from "../src/local/secrets.ts";
import { folderWorkspace } from "../src/local/workspace.ts";
import { simulatedProvisioner } from "../src/provisioners/simulated.ts";
import { folderCloud } from "../src/provisioners/simulated-cloud.ts";
import { openStore } from "../src/store/open.ts";
import { startWorker } from "../src/worker.ts";
import { deadly } from "./deadly.ts";

const { DATABASE = "{}", FOLDER = "", NAME = "child", CONCURRENCY = "4", LEASE = "60" } = process.env;
const concurrency = Number(CONCURRENCY);
const leaseSeconds = Number(LEASE);

const store = await openStore(JSON.parse(DATABASE), { max: 2 + concurrency, name: NAME });
const nothing = (): void => undefined;
let leasesLost = 0;
const watched = async <T>(write: Promise<T>): Promise<T> =>
  write.catch((error: { readonly code?: string }) => {
    if (error.code === "LK4004") leasesLost += 1;
    throw error;
  });

await startWorker(
  {
    store: deadly({
      ...store,
      beginStep: (...step) => watched(store.beginStep(...step)),
      recordIntent: (...intent) => watched(store.recordIntent(...intent)),
      finish: (...outcome) => watched(store.finish(...outcome)),
    }),
    provisioners: new Map([["simulated", deadly(simulatedProvisioner({ cloud: folderCloud(FOLDER), seed: NAME }))]]),
    artifacts: deadly(folderArtifacts(join(FOLDER, "artifacts"))),
    secrets: deadly(folderSecrets({ root: join(FOLDER, "secrets"), keyFile: join(FOLDER, "secrets.key") })),
    workspace: deadly(folderWorkspace(join(FOLDER, "work", NAME))),
    clock: { now: () => new Date(), monotonic: () => performance.now() },
    reporter: { planned: nothing, jobStarted: nothing, step: nothing, progress: nothing, jobEnded: nothing },
    observationGapMs: 0,
    random: Math.random,
    onError: (error) => console.error(NAME, error),
  },
  {
    name: NAME,
    concurrency,
    destroyConcurrency: Math.ceil(concurrency / 4),
    leaseSeconds,
    heartbeatSeconds: leaseSeconds / 4,
    pollMs: 500,
    drainMs: 1_000,
    limits: { jobs: 1_000, creates: 1_000, createsPerTeam: 1_000, createsPerAccountRegion: 1_000 },
  },
);
process.stdout.write("ready\n");
setInterval(() => process.stdout.write(`${JSON.stringify({ rss: process.memoryUsage.rss(), leasesLost })}\n`), 5_000);
