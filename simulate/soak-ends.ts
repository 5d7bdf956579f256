/** The end of a soak: everything comes to rest, and what is there is held against what the files say. */

import { setTimeout as delay } from "node:timers/promises";
import type { SimulatedCluster } from "../src/provisioners/simulated-cloud.ts";
import { hashOf } from "../src/provisioners/simulated-cluster.ts";
import type { SoakWorld } from "./soak-world.ts";

const LOOK_MS = 500;
/** A lab whose file came back while it was destroyed is made by the cycle after that: at rest for longer, it never will. */
const REST_MS = 60_000;

/**
 * Seconds until nothing is queued or runs, the newest commit is planned and all labs are as their files say, or nothing
 * comes of it any more; null when that takes too long.
 */
export async function drained(
  world: SoakWorld,
  wanted: ReadonlyMap<string, number>,
  patienceMs: number,
): Promise<number | null> {
  const startedAt = performance.now();
  let restsSince: number | null = null;
  while (performance.now() - startedAt < patienceMs) {
    await world.approveHolds();
    const planned = await world.isPlanned();
    const [row] = await world.sql<{ left: number }>(
      `select (select count(*) from jobs where state in ('queued', 'running'))::int
         + (select count(*) from holds where state in ('open', 'approved'))::int as left`,
    );
    const now = performance.now();
    restsSince = planned && row?.left === 0 ? (restsSince ?? now) : null;
    if (restsSince !== null && (now - restsSince > REST_MS || (await disagreements(world, wanted)).length === 0))
      return (restsSince - startedAt) / 1_000;
    // Those that wait for their next attempt would wait for up to a quarter of an hour.
    await world.sql("update jobs set run_at = clock_timestamp() where state = 'queued' and run_at > clock_timestamp()");
    await delay(LOOK_MS);
  }
  return null;
}

/** Labs whose file, record, cluster and credentials do not agree, and how. */
export async function disagreements(world: SoakWorld, wanted: ReadonlyMap<string, number>): Promise<readonly string[]> {
  const clusters = new Map<string, SimulatedCluster[]>();
  for (const cluster of await world.cloud.clusters())
    clusters.set(cluster.name, [...(clusters.get(cluster.name) ?? []), cluster]);
  const rows = await world.sql<{ id: string; name: string; state: string }>(
    "select id, name, state from labs where live",
  );
  const live = new Map(rows.map((row) => [row.name, row]));
  const found: string[] = [];
  for (const name of new Set([...wanted.keys(), ...clusters.keys(), ...live.keys()])) {
    const [cluster, ...more] = clusters.get(name) ?? [];
    const row = live.get(name);
    const what = `${row?.state ?? "no lab"}, ${cluster?.state ?? "no cluster"} with ${cluster?.workers} workers`;
    if (more.length > 0) found.push(`${name}: ${1 + more.length} clusters`);
    else if (!wanted.has(name)) {
      if (row !== undefined || cluster !== undefined) found.push(`${name}: no file, ${what}`);
    } else if (row?.state !== "ready" || cluster?.state !== "running" || cluster.workers !== wanted.get(name))
      found.push(`${name}: ${wanted.get(name)} workers are wanted, ${what}`);
    else {
      const stored = await world.secrets.get(`labs/${row.id}`);
      if (stored === null || hashOf(stored) !== cluster.credentialsHash)
        found.push(`${name}: its credentials do not open it`);
    }
  }
  return found;
}
