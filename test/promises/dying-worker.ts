/** A worker in a process of its own that kills itself, as a lost machine would, at the point that DIES_AT names. */

import { join } from "node:path";
import { folderArtifacts } from "../../src/local/artifacts.ts";
import { folderSecrets } from "../../src/local/secrets.ts";
import { folderWorkspace } from "../../src/local/workspace.ts";
import { simulatedProvisioner } from "../../src/provisioners/simulated.ts";
import { folderCloud } from "../../src/provisioners/simulated-cloud.ts";
import { openStore } from "../../src/store/open.ts";
import { startWorker } from "../../src/worker.ts";

const { DATABASE = "{}", FOLDER = "", DIES_AT = "" } = process.env;

const dieAt = async (point: string): Promise<void> => {
  if (point !== DIES_AT) return;
  process.kill(process.pid, "SIGKILL");
  await new Promise(() => undefined);
};

const store = await openStore(JSON.parse(DATABASE));
const cloud = folderCloud(FOLDER);
const real = simulatedProvisioner({
  seed: "promises",
  cloud: {
    ...cloud,
    note: async (entry) => {
      await cloud.note(entry);
      await dieAt(entry.event);
    },
  },
});
const nothing = (): void => undefined;

await startWorker(
  {
    store: {
      ...store,
      recordIntent: async (job, intent) => {
        await dieAt("recordIntent");
        await store.recordIntent(job, intent);
      },
    },
    provisioners: new Map([
      [
        "simulated",
        {
          ...real,
          prepare: async (...call) => {
            await dieAt("prepare");
            return await real.prepare(...call);
          },
          install: async (...call) => {
            await dieAt("install");
            return await real.install(...call);
          },
          verify: async (...call) => {
            await dieAt("verify");
            return await real.verify(...call);
          },
        },
      ],
    ]),
    artifacts: folderArtifacts(join(FOLDER, "artifacts")),
    secrets: folderSecrets({ root: join(FOLDER, "secrets"), keyFile: join(FOLDER, "secrets.key") }),
    workspace: folderWorkspace(join(FOLDER, "work")),
    clock: { now: () => new Date(), monotonic: () => performance.now() },
    reporter: { planned: nothing, jobStarted: nothing, step: nothing, progress: nothing, jobEnded: nothing },
    observationGapMs: 0,
    random: () => 0.5,
    onError: (error) => {
      throw error;
    },
  },
  {
    name: "dying",
    concurrency: 1,
    destroyConcurrency: 0,
    leaseSeconds: 0.3,
    heartbeatSeconds: 0.1,
    pollMs: 20,
    drainMs: 1_000,
    limits: { jobs: 9, creates: 9, createsPerTeam: 9, createsPerAccountRegion: 9 },
  },
);
