/** What befalls a soak's processes besides their cloud: each fault at its own beat, until the soak says that it is enough. */

import { setTimeout as delay } from "node:timers/promises";
import type { SoakProcess } from "./soak-processes.ts";
import { OBSERVER, type SoakWorld } from "./soak-world.ts";

export type Fault = "worker killed" | "worker paused" | "connection cut" | "reconciler killed";

/** Who is there; `replace` kills one and starts another in its place. */
export interface Staff {
  readonly paused: SoakProcess;
  replace(kind: SoakProcess["kind"]): Promise<void>;
}

/** In kills of a worker: how long until the fault comes again. */
const BEATS: Readonly<Record<Fault, number>> = {
  "worker killed": 1,
  "connection cut": 0.75,
  "reconciler killed": 1.25,
  "worker paused": 1.5,
};
/** How much longer than a lease a pause takes: others need to notice, too. Milliseconds. */
const AND_A_BIT = 3_000;

/** Jobs that get done between two faults of a kind, however slow the machine is: nothing is shown by never getting anywhere. */
const LEAST_PROGRESS = 10;
const LOOK_MS = 250;

export interface Faults {
  readonly met: ReadonlyMap<Fault, number>;
  /** Resolves when nothing befalls anybody any more and everybody is awake. */
  stop(): Promise<void>;
}

export function beginFaults(world: SoakWorld, staff: Staff, everyMs: number, leaseSeconds: number): Faults {
  const met = new Map<Fault, number>(Object.keys(BEATS).map((fault) => [fault as Fault, 0]));
  const stopping = new AbortController();
  const { signal } = stopping;
  const count = (fault: Fault, times = 1): void => {
    met.set(fault, (met.get(fault) ?? 0) + times);
  };
  const acts: Readonly<Record<Fault, () => Promise<void>>> = {
    "worker killed": async () => {
      await staff.replace("worker");
      count("worker killed");
    },
    "reconciler killed": async () => {
      await staff.replace("reconciler");
      count("reconciler killed");
    },
    "connection cut": async () => {
      const cut = await world.sql(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and backend_type = 'client backend' and application_name <> $1`,
        [OBSERVER],
      );
      count("connection cut", cut.length);
    },
    "worker paused": async () => {
      staff.paused.pause();
      count("worker paused");
      await delay(leaseSeconds * 1_000 + AND_A_BIT, undefined, { signal }).catch(() => undefined);
      staff.paused.resume();
    },
  };
  const done = async (): Promise<number> =>
    (await world.sql<{ n: number }>("select count(*)::int as n from jobs where state = 'succeeded'"))[0]?.n ?? 0;
  const go = async (fault: Fault): Promise<void> => {
    while (true) {
      const before = await done();
      await delay(everyMs * BEATS[fault], undefined, { signal });
      while ((await done()) < before + LEAST_PROGRESS) await delay(LOOK_MS, undefined, { signal });
      await acts[fault]();
    }
  };
  const going = (Object.keys(BEATS) as Fault[]).map((fault) =>
    go(fault).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    }),
  );
  // Heard of when it stops, not as an unhandled rejection meanwhile.
  const ended = Promise.allSettled(going);
  return {
    met,
    async stop() {
      stopping.abort();
      await ended;
      await Promise.all(going);
    },
  };
}
