/** Workers of a step: they start, suffer, are replaced, and come to rest. */

import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { folderWorkspace } from "../src/local/workspace.ts";
import type { ClaimedJob } from "../src/ports.ts";
import { openStore, type Store } from "../src/store/open.ts";
import { startWorker, type Worker } from "../src/worker.ts";
import { type Fate, type Mortal, mortal } from "./fate.ts";
import type { Simulation } from "./simulation.ts";
import { tolerated } from "./tolerated.ts";
import { Violation } from "./violation.ts";
import { provisionerOf } from "./weather.ts";

const UNLIMITED = { jobs: 100, creates: 100, createsPerTeam: 100, createsPerAccountRegion: 100 };

interface Hand {
  readonly process: Mortal;
  readonly store: Store;
  readonly starting: Promise<Worker | null>;
  /** Leases that it knows it holds. */
  readonly held: Map<string, number>;
  claiming(): boolean;
}

/** A process with a store of its own, as another machine would have. */
export async function newProcess(
  sim: Simulation,
  kind: string,
  fates: readonly Fate[],
): Promise<{ readonly process: Mortal; readonly store: Store }> {
  sim.processes += 1;
  const process = mortal(`${kind}-${sim.processes}`, fates, sim);
  const options = { max: process.has("one-connection") ? 1 : 4 };
  // Another's fault may cut this connection too; who starts it would start it again.
  const store = await openStore(sim.connection, options).catch(() => openStore(sim.connection, options));
  return { process, store };
}

async function hire(sim: Simulation, fates: readonly Fate[]): Promise<Hand> {
  const { process, store: real } = await newProcess(sim, "worker", fates);
  const held = new Map<string, number>();
  let claims = 0;
  const store = { ...process.port("store", real) };
  const known: Store = {
    ...store,
    claim: async (request) => {
      claims += 1;
      try {
        const jobs = await store.claim(request);
        for (const { lease } of jobs) held.set(lease.resource, lease.token);
        return jobs;
      } finally {
        claims -= 1;
      }
    },
    finish: async (job: ClaimedJob, outcome) => {
      try {
        await store.finish(job, outcome);
      } finally {
        if (process.state === "alive") held.delete(job.lease.resource);
      }
    },
  };
  const starting = startWorker(
    {
      store: known,
      provisioners: new Map([["simulated", provisionerOf(sim, process)]]),
      artifacts: process.port("artifacts", sim.artifacts),
      secrets: process.port("secrets", sim.secrets),
      workspace: process.port("workspace", folderWorkspace(join(sim.folder, "work", process.name))),
      clock: {
        now: () => new Date(Date.now() + sim.skewHours * 3_600_000),
        monotonic: () => performance.now(),
      },
      reporter: sim.reporter,
      observationGapMs: 0,
      random: () => 0.5,
      onError: (error) => tolerated(sim, error),
    },
    {
      name: process.name,
      concurrency: 4,
      destroyConcurrency: 2,
      leaseSeconds: 120,
      heartbeatSeconds: 30,
      pollMs: 20,
      drainMs: 20,
      limits: UNLIMITED,
    },
  ).catch((error: unknown) => {
    tolerated(sim, error);
    return null;
  });
  return { process, store: real, starting, held, claiming: () => claims > 0 };
}

/** What nobody alive knows of ends, as it would when its time ran out. */
async function leasesRunOut(sim: Simulation, hands: readonly Hand[]): Promise<void> {
  const alive = hands.filter(({ process }) => process.state === "alive");
  if (alive.some((hand) => hand.claiming())) return;
  const held = alive.flatMap((hand) => [...hand.held].map(([resource, token]) => ({ resource, token })));
  await sim.sql(
    `update leases l set expires_at = clock_timestamp()
     where l.resource like 'lab:%' and l.expires_at > clock_timestamp() and not exists (
       select 1 from jsonb_to_recordset($1::jsonb) as h(resource text, token bigint)
       where h.resource = l.resource and h.token = l.token)`,
    [JSON.stringify(held)],
  );
}

const busy = (sim: Simulation): Promise<{ lab: string }[]> =>
  sim.sql(`select l.name as lab, j.kind, j.state, j.attempt, j.recoveries, j.token from jobs j join labs l on l.id = j.lab_id
    where j.state = 'running' or (j.state = 'queued' and j.run_at <= clock_timestamp()) order by 1, 2, 3`);

/** Its calls end one way or the other; a dead one's all fail, a thawed one's are refused where it counts. */
async function dismiss(sim: Simulation, { process, store, starting }: Hand): Promise<void> {
  for (const kind of process.met) sim.fault(kind);
  const comeToAnEnd = (): void => {
    if (process.state === "dead") process.bury();
    process.thaw();
  };
  comeToAnEnd();
  // It may also die, or stand still, on its way out.
  void process.stopped.then(comeToAnEnd);
  const stopped = (async () => (await starting)?.stop())();
  if (await Promise.race([stopped.then(() => false), delay(30_000, true, { ref: false })]))
    throw new Violation("P6", `${process.name} cannot be stopped`);
  await store.close();
}

/** Nothing moved for so long that only a hang can be the reason. Milliseconds. */
const STILL = 600;
const DEADLINE = 90_000;

/** Until nothing runs and nothing is due. Where all are dead, another takes over, as a supervisor would see to. */
export async function labour(sim: Simulation, processes: readonly (readonly Fate[])[]): Promise<void> {
  const hands = await Promise.all(processes.map((fates) => hire(sim, fates)));
  const deadline = performance.now() + DEADLINE;
  let seen = "";
  let movedAt = performance.now();
  try {
    for (;;) {
      await delay(5);
      if (sim.wrong.length > 0) return;
      await leasesRunOut(sim, hands);
      const rows = await busy(sim);
      if (rows.length === 0) return;
      if (hands.every(({ process }) => process.state !== "alive")) hands.push(await hire(sim, []));
      const now = performance.now();
      if (JSON.stringify(rows) !== seen) {
        seen = JSON.stringify(rows);
        movedAt = now;
      } else if (now - movedAt > STILL && sim.weather["hangRate"] !== undefined) {
        // Somebody rolls the deployment: what hangs is interrupted, handed back, and tried in better weather.
        sim.fault("hang", rows.length);
        sim.weather = {};
        for (const hand of hands.splice(0)) await dismiss(sim, hand);
        movedAt = now;
      }
      if (now > deadline) throw new Violation("P6", `work never comes to rest: ${seen}`);
    }
  } finally {
    for (const hand of hands) await dismiss(sim, hand);
  }
}
