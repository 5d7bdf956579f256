import { AsyncLocalStorage } from "node:async_hooks";
import { readFileSync } from "node:fs";
import { folderArtifacts } from "../src/local/artifacts.ts";
import { folderSecrets } from "../src/local/secrets.ts";
import { folderWorkspace } from "../src/local/workspace.ts";
import { packageFile } from "../src/package-root.ts";
import type { Provisioner } from "../src/ports.ts";
import { simulatedProvisioner } from "../src/provisioners/simulated.ts";
import { realSleep } from "../src/provisioners/simulated-call.ts";
import { memoryCloud } from "../src/provisioners/simulated-cloud.ts";
import { startWorker } from "../src/worker.ts";
import type { Report } from "./figures.ts";
import { clock, planWorld, silent } from "./plan-world.ts";
import type { Settings } from "./settings.ts";
import type { Workplace } from "./workplace.ts";

const CONCURRENCY = 50;
const OVERHEAD = 1.05;
/** An install of half a second to one and a half; the same luck in every run. */
const PACE = `  platformConfig:
    simulated:
      latencySeconds: { prepare: 0.02, install: 1, verify: 0.05 }
      jitter: 0.5
`;

/**
 * Simulated labs from a full queue to the last one that is ready: claims, every step recorded, credentials and logs on
 * disk. The ideal loses no time at all: the same labs, in the order in which they were begun, on as many places, each
 * taking only as long as its cloud makes it wait.
 */
export async function benchMakespan(workplace: Workplace, settings: Settings, report: Report): Promise<void> {
  const labs = settings.makespanLabs;
  report.step(`makespan: ${labs} simulated labs on ${CONCURRENCY} places`);
  const profile = readFileSync(packageFile("profiles/simulated.yaml"), "utf8").trimEnd();
  await using world = await planWorld(workplace, labs, { "profiles/simulated.yaml": `${profile}\n${PACE}` });
  await world.cycle(await world.openCatalog(), { dryRun: false });

  const waits = new Map<string, number>();
  const folder = await workplace.folder("makespan");
  const start = performance.now();
  const worker = await startWorker(
    {
      store: world.store,
      provisioners: new Map([["simulated", watched(waits)]]),
      artifacts: folderArtifacts(`${folder}/artifacts`),
      secrets: folderSecrets({ root: `${folder}/secrets`, keyFile: `${folder}/key` }),
      workspace: folderWorkspace(`${folder}/work`),
      clock,
      reporter: silent,
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
      limits: { jobs: labs, creates: labs, createsPerTeam: labs, createsPerAccountRegion: labs },
    },
  );
  const { failed } = await worker.drained();
  const took = performance.now() - start;
  await worker.stop();
  if (failed.length > 0 || waits.size !== labs) throw new Error(`${failed.length} of ${labs} labs failed`);

  const ideal = idealMs([...waits.values()]);
  report.figure({ name: `makespan of ${labs} simulated labs`, value: took / 1_000, unit: "s", samples: 1 });
  report.figure({ name: "its ideal", value: ideal / 1_000, unit: "s", samples: 1 });
  report.figure({
    name: "makespan against its ideal",
    value: took / ideal,
    unit: "times",
    samples: 1,
    target: { atMost: OVERHEAD },
  });
}

/** The simulated provisioner; adds up how long each lab was made to wait, in the order in which labs were begun. */
function watched(waits: Map<string, number>): Provisioner {
  const current = new AsyncLocalStorage<string>();
  const inner = simulatedProvisioner({
    cloud: memoryCloud(),
    seed: "bench",
    sleep: async (ms, signal) => {
      const lab = current.getStore() ?? "";
      waits.set(lab, (waits.get(lab) ?? 0) + ms);
      await realSleep(ms, signal);
    },
  });
  return {
    ...inner,
    prepare: (lab, context) => current.run(lab.id, () => inner.prepare(lab, context)),
    install: (lab, intent, context) => current.run(lab.id, () => inner.install(lab, intent, context)),
    verify: (lab, intent, stored, context) => current.run(lab.id, () => inner.verify(lab, intent, stored, context)),
  };
}

/** Each lab goes to the place that is free first. */
function idealMs(waits: readonly number[]): number {
  const freeAt = Array.from({ length: CONCURRENCY }, () => 0);
  for (const wait of waits) {
    const place = freeAt.indexOf(Math.min(...freeAt));
    freeAt[place] = (freeAt[place] ?? 0) + wait;
  }
  return Math.max(...freeAt);
}
