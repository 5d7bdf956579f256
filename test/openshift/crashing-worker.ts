/**
 * A worker in a process of its own, that takes one job and may kill itself on the way:
 * `CRASH_AT="in install" DATABASE_URL=… WORLD=… WORKDIR=… node crashing-worker.ts`. Prints the outcome's kind.
 */

import { join } from "node:path";
import { folderWorkspace } from "../../src/local/workspace.ts";
import type { ArtifactStore } from "../../src/ports.ts";
import { openshiftProvisioner } from "../../src/provisioners/openshift/provisioner.ts";
import { openStore } from "../../src/store/open.ts";
import { work } from "../../src/work.ts";
import { world } from "./world.ts";

const { CRASH_AT = "", DATABASE_URL = "", WORLD = "", HOST = "one" } = process.env;

const point = (name: string): void => {
  if (name === CRASH_AT) process.kill(process.pid, "SIGKILL");
};

await using store = await openStore({ connectionString: DATABASE_URL });
const it = await world({ path: WORLD });

const artifacts: ArtifactStore = {
  ...it.artifacts,
  put: async (key, bytes) => {
    await it.artifacts.put(key, bytes);
    point(`kept ${/(?:stages\/(\w+)|(manifest))/.exec(key)?.slice(1).find(Boolean) ?? ""}`);
  },
};

const unlimited = { jobs: 9, creates: 9, createsPerTeam: 9, createsPerAccountRegion: 9 };
const [job] = await store.claim({
  worker: `host-${HOST}`,
  slots: 1,
  destroySlots: 1,
  leaseSeconds: 60,
  limits: unlimited,
});
if (job === undefined) {
  console.log("nothing to do");
} else {
  const outcome = await work(
    {
      store: {
        ...store,
        beginStep: async (of, step, previous) => {
          point(`before ${step}`);
          await store.beginStep(of, step, previous);
          point(`in ${step}`);
        },
        recordIntent: async (of, intent) => {
          point("before the intent");
          await store.recordIntent(of, intent);
          point("after the intent");
        },
        recordProgress: async (of, phase, percent) => {
          await store.recordProgress(of, phase, percent);
          point(`at ${phase}`);
        },
        finish: async (of, ending) => {
          point("before finish");
          await store.finish(of, ending);
          point("after finish");
        },
      },
      provisioners: new Map([["openshift", openshiftProvisioner({ ...it.deps, artifacts })]]),
      artifacts,
      secrets: it.secrets,
      workspace: folderWorkspace(join(WORLD, `host-${HOST}`)),
      clock: { now: () => new Date(), monotonic: () => performance.now() },
      reporter: {
        planned: () => undefined,
        jobStarted: () => undefined,
        step: (_job, step) => console.error(`step ${step}`),
        progress: (_job, phase, percent) => console.error(`progress ${phase} ${percent}`),
        jobEnded: () => undefined,
      },
      observationGapMs: 0,
      random: () => 0,
    },
    job,
    { signal: new AbortController().signal, leaving: () => false },
  );
  console.log(JSON.stringify(outcome));
}
