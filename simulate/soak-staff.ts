/** Who works in a soak: processes that live throughout, one of them paused at times, and others that are killed. */

import type { Staff } from "./soak-faults.ts";
import { type SoakProcess, startProcess } from "./soak-processes.ts";
import type { SoakSettings } from "./soak-settings.ts";
import type { SoakWorld } from "./soak-world.ts";

export interface Crew extends Staff, AsyncDisposable {
  /** A worker that nothing befalls but what befalls its connections. */
  readonly steady: SoakProcess;
  /** Everybody who lives from the beginning to the end. */
  readonly lasting: readonly SoakProcess[];
  /** Everybody there ever was. */
  readonly processes: readonly SoakProcess[];
}

const RECONCILE_EVERY_MS = 2_000;

export function hireStaff(world: SoakWorld, settings: SoakSettings): Crew {
  const { connection, folder } = world;
  const all: SoakProcess[] = [];
  const mortal: SoakProcess[] = [];
  const common = (name: string) => ({ name, connection, folder, sampleEveryMs: settings.sampleEveryMs });
  const begun = (started: SoakProcess): SoakProcess => {
    all.push(started);
    return started;
  };
  const worker = (name: string): SoakProcess =>
    begun(
      startProcess({
        kind: "worker",
        order: {
          ...common(name),
          concurrency: settings.concurrency,
          leaseSeconds: settings.leaseSeconds,
          seed: settings.seed,
          leaks: name === "worker-steady" && settings.planted.includes("leak"),
        },
      }),
    );
  const reconciler = (name: string): SoakProcess =>
    begun(startProcess({ kind: "reconciler", order: { ...common(name), pauseMs: RECONCILE_EVERY_MS } }));
  let serial = 0;
  const another = (kind: SoakProcess["kind"]): SoakProcess => {
    serial += 1;
    const next = kind === "worker" ? worker(`worker-${serial}`) : reconciler(`reconciler-${serial}`);
    mortal.push(next);
    return next;
  };
  const steady = worker("worker-steady");
  const paused = worker("worker-paused");
  const lasting = [steady, paused, reconciler("reconciler-steady")];
  for (let more = lasting.length - 1; more < settings.workers; more++) another("worker");
  another("reconciler");
  return {
    steady,
    paused,
    lasting,
    processes: all,
    async replace(kind) {
      const at = mortal.findIndex((each) => each.kind === kind);
      const [oldest] = mortal.splice(at, 1);
      await oldest?.kill();
      if (settings.endsLeasesOfKilled && oldest !== undefined)
        await world.sql(
          "update leases set expires_at = clock_timestamp() where holder = $1 and expires_at > clock_timestamp()",
          [oldest.name],
        );
      await another(kind).begun();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map((each) => each.kill()));
    },
  };
}
