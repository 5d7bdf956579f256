/** Workers of a step: they start, suffer, are replaced, and come to rest. */

import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { JobKind } from "../src/core/types.ts";
import { folderWorkspace } from "../src/local/workspace.ts";
import type { ClaimedJob } from "../src/ports.ts";
import { openStore, type Store } from "../src/store/open.ts";
import { startWorker, type Worker } from "../src/worker.ts";
import { connectionOf } from "./connections.ts";
import { type Fate, type Mortal, mortal, type Occupation } from "./fate.ts";
import { watchedStore } from "./late-writes.ts";
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
  readonly held: ReadonlyMap<string, number>;
  claiming(): boolean;
}

export interface NewProcess {
  readonly process: Mortal;
  /** Its view of the database. */
  readonly store: Store;
  readonly held: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

/** At the most so much comes over one process. */
const MOST_FATES = 2;

/**
 * What processes of a step suffer: what was drawn for them and what others of their kind were spared, as far as it can
 * come about in what there is to do. The rest waits.
 */
export function sufferings(
  sim: Simulation,
  kind: Occupation,
  processes: readonly (readonly Fate[])[],
  isPossible: (fate: Fate) => boolean = () => true,
): readonly (readonly Fate[])[] {
  if (sim.mended) return processes;
  const waiting = [...(sim.unmet.get(kind) ?? []), ...processes.flat()];
  const chosen = waiting.filter(isPossible).slice(0, MOST_FATES * processes.length);
  sim.unmet.set(
    kind,
    waiting.filter((fate) => !chosen.includes(fate)),
  );
  return processes.map((_, index) => chosen.filter((_fate, at) => at % processes.length === index));
}

/** Calls that only jobs of some kinds make. */
const ONLY: readonly (readonly [call: RegExp, job: JobKind])[] = [
  [/[.](prepare|install|verify|recordIntent|recordOutputs|reserve|put)$|commit reserve/, "provision"],
  [/[.]update$/, "update"],
  [/[.](destroy|observe|remove)$/, "destroy"],
];

/** Whether something can come over a worker that has jobs of these kinds to do. */
const possible =
  (jobs: ReadonlySet<string>) =>
  ({ on = "" }: Fate): boolean => {
    const only = ONLY.find(([call]) => call.test(on))?.[1];
    return only === undefined || jobs.has(only);
  };

/** Keeps what did not come about. */
export function spared(sim: Simulation, kind: Occupation, process: Mortal): void {
  sim.unmet.set(kind, [...(sim.unmet.get(kind) ?? []), ...process.unmet()]);
}

/** A server that was restarted is back by then, milliseconds. */
const BACK_WITHIN = 60_000;

/** A process with a store of its own, as another machine would have. */
export async function newProcess(sim: Simulation, kind: Occupation, fates: readonly Fate[]): Promise<NewProcess> {
  sim.processes += 1;
  const process = mortal(`${kind}-${sim.processes}`, fates, sim);
  const connection = connectionOf(sim, process, kind);
  for (const until = performance.now() + BACK_WITHIN; ; ) {
    try {
      const real = await openStore(connection, { max: 4 });
      const { store, held } = watchedStore(sim, process, real);
      return { process, store: process.port("store", store), held, close: real.close };
    } catch (error) {
      // Another's fault may cut this connection too; who starts it would start it again.
      if (performance.now() > until) throw error;
      await delay(20);
    }
  }
}

/** A minute of a process's is so short that what hangs is over soon. Minutes. */
const SHORT_LIMIT = 0.005;

const hurried = (job: ClaimedJob): ClaimedJob => {
  const { spec } = job.lab.policy;
  const lifecycle = { ...spec.lifecycle, provisionTimeoutMinutes: SHORT_LIMIT };
  return { ...job, lab: { ...job.lab, policy: { ...job.lab.policy, spec: { ...spec, lifecycle } } } };
};

async function hire(sim: Simulation, fates: readonly Fate[]): Promise<Hand> {
  const { process, store: own, held, close } = await newProcess(sim, "worker", fates);
  let claims = 0;
  const store: Store = {
    ...own,
    close,
    claim: async (request) => {
      claims += 1;
      try {
        const jobs = await own.claim(request);
        if (jobs.length > 0) sim.clockIsUsed();
        return process.has("hang-limit") ? jobs.map(hurried) : jobs;
      } finally {
        claims -= 1;
      }
    },
  };
  const starting = startWorker(
    {
      store,
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
  return { process, store, starting, held, claiming: () => claims > 0 };
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

const busy = (sim: Simulation): Promise<{ lab: string; kind: JobKind }[]> =>
  sim.sql(`select l.name as lab, j.kind, j.state, j.attempt, j.recoveries, j.token from jobs j join labs l on l.id = j.lab_id
    where j.state = 'running' or (j.state = 'queued' and j.run_at <= clock_timestamp()) order by 1, 2, 3`);

export const isBusy = async (sim: Simulation): Promise<boolean> => (await busy(sim)).length > 0;

/** Until it is done: on its way out a process may die, or stand still for longer than its leases last, and that again. */
export async function comeToAnEnd(sim: Simulation, process: Mortal, done: Promise<unknown>): Promise<void> {
  const isDone = done.then(() => true);
  do {
    if (process.state === "dead") process.bury();
    if (process.state === "frozen")
      await sim.sql(
        "update leases set expires_at = clock_timestamp() where holder = $1 and expires_at > clock_timestamp()",
        [process.name],
      );
    process.thaw();
  } while (!(await Promise.race([isDone, delay(20, false, { ref: false })])));
}

/** Its calls end one way or the other; a dead one's all fail, a thawed one's are refused where it counts. */
async function dismiss(sim: Simulation, { process, store, starting }: Hand): Promise<void> {
  spared(sim, "worker", process);
  const stopped = comeToAnEnd(sim, process, (async () => (await starting)?.stop())());
  if (await Promise.race([stopped.then(() => false), delay(30_000, true, { ref: false })]))
    throw new Violation("P6", `${process.name} cannot be stopped`);
  await store.close();
}

const DEADLINE = 90_000;
/** A call that hangs until its process leaves does so for this long; it may also be cancelled meanwhile. Milliseconds. */
const HANGS_FOR = 30;

interface Labour {
  /** Work may still come. */
  readonly more: () => boolean;
}

/** Until nothing runs and nothing is due. Where all are dead, another takes over, as a supervisor would see to. */
export async function labour(
  sim: Simulation,
  processes: readonly (readonly Fate[])[],
  { more }: Labour = { more: () => false },
): Promise<void> {
  // Nothing to do: nobody begins, and who would have suffered does so another time.
  const due = await busy(sim);
  if (!more() && due.length === 0) {
    sim.unmet.set("worker", [...(sim.unmet.get("worker") ?? []), ...processes.flat()]);
    return;
  }
  const kinds = new Set(more() ? ["provision", "update", "destroy"] : due.map(({ kind }) => kind));
  const suffering = sufferings(sim, "worker", processes, possible(kinds));
  const hands = await Promise.all(suffering.map((fates) => hire(sim, fates)));
  const deadline = performance.now() + DEADLINE;
  let hung: number | null = null;
  try {
    for (;;) {
      await delay(5);
      if (sim.wrong.length > 0) return;
      const expected = more();
      await leasesRunOut(sim, hands);
      const rows = await busy(sim);
      if (rows.length === 0 && !expected) return;
      if (hands.every(({ process }) => process.state !== "alive")) hands.push(await hire(sim, []));
      const now = performance.now();
      const hanging = hands.filter(
        ({ process }) => process.state === "alive" && process.hanging.includes("hang-drain"),
      );
      if (hanging.length > 0) hung ??= now;
      if (hung !== null && now - hung > HANGS_FOR) {
        // Somebody rolls the deployment: what hangs is interrupted, handed back, and tried in better weather.
        sim.weather = {};
        hung = null;
        for (const hand of hanging) {
          hands.splice(hands.indexOf(hand), 1);
          await dismiss(sim, hand);
        }
      }
      if (now > deadline) throw new Violation("P6", `work never comes to rest: ${JSON.stringify(rows)}`);
    }
  } finally {
    for (const hand of hands) await dismiss(sim, hand);
  }
}
