/** P3 as a process sees it that stood still past its leases: none of what it then writes is taken. */

import type { Lease } from "../src/ports.ts";
import type { Store } from "../src/store/open.ts";
import type { Mortal } from "./fate.ts";
import { FENCED, type Fenced } from "./faults.ts";
import type { Simulation } from "./simulation.ts";
import { Violation } from "./violation.ts";

export interface WatchedStore {
  /** What reaches it has been sent. */
  readonly store: Store;
  /** Leases that the process knows it holds. */
  readonly held: Map<string, number>;
}

type Write = (...args: unknown[]) => Promise<unknown>;

const leaseOf = (args: readonly unknown[]): Lease | undefined =>
  args
    .filter((each): each is Lease | { readonly lease: Lease } => typeof each === "object" && each !== null)
    .flatMap((each) => ("lease" in each ? [each.lease] : "token" in each && "resource" in each ? [each] : []))[0];

const isRefusal = (error: unknown): boolean => /^LK(4004|3005)$/.test((error as { code?: string }).code ?? "");

export function watchedStore(sim: Simulation, process: Mortal, real: Store): WatchedStore {
  const held = new Map<string, number>();
  const stale = new Set<string>();
  const key = ({ resource, token }: Pick<Lease, "resource" | "token">): string => `${resource} ${token}`;
  void process.stopped.then(() => {
    for (const [resource, token] of held) stale.add(key({ resource, token }));
  });
  const fenced = (kind: Fenced): readonly [Fenced, Write] => {
    const write = real[kind] as Write;
    return [
      kind,
      async (...args) => {
        const lease = leaseOf(args);
        const isLate = lease !== undefined && stale.has(key(lease));
        try {
          const answer = await write(...args);
          if (isLate)
            sim.wrong.push(new Violation("P3", `${process.name}'s ${kind} was taken after its lease was over`));
          return answer;
        } catch (error) {
          if (isLate && isRefusal(error)) sim.fault(`late write refused: ${kind}`);
          throw error;
        } finally {
          if (kind === "finish" && lease !== undefined && process.state === "alive") held.delete(lease.resource);
        }
      },
    ];
  };
  return {
    held,
    store: {
      ...real,
      ...(Object.fromEntries(FENCED.map(fenced)) as Pick<Store, Fenced>),
      claim: async (request) => {
        const jobs = await real.claim(request);
        for (const { lease } of jobs) held.set(lease.resource, lease.token);
        return jobs;
      },
      acquire: async (...wanted) => {
        const lease = await real.acquire(...wanted);
        if (lease !== null) held.set(lease.resource, lease.token);
        return lease;
      },
    },
  };
}
