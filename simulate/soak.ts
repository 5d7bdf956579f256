/** `npm run soak`: labs that come, change and go, on worker processes that are killed. See docs/reliability.md. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpus, loadavg } from "node:os";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { prng } from "../src/core/prng.ts";
import { reconcile } from "../src/reconcile.ts";
import { catalogFile, labs as labFiles, profileFile } from "../test/promises/files.ts";
import { startServer } from "./server.ts";
import { type Simulation, simulation } from "./simulation.ts";
import { type Sample, slopePerHour } from "./soak-figures.ts";

const PROGRAM = fileURLToPath(new URL("child-worker.ts", import.meta.url));
const WORKERS = 3;
const KILL_EVERY_MS = 60_000;
const CHURN_EVERY_MS = 2_000;
const DRAIN_MS = 600_000;
/** Shorter than in production, so that what a killed worker held is taken over within the soak. Seconds. */
const LEASE = 15;

interface Child {
  readonly process: ChildProcess;
  readonly name: string;
  readonly samples: Sample[];
  leasesLost: number;
}

function hire(sim: Simulation, index: number, concurrency: number): Child {
  const name = `soak-${index}`;
  const process_ = spawn(process.execPath, [PROGRAM], {
    env: {
      PATH: process.env["PATH"],
      DATABASE: JSON.stringify(sim.connection),
      FOLDER: sim.folder,
      NAME: name,
      CONCURRENCY: String(concurrency),
      LEASE: String(LEASE),
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const child: Child = { process: process_, name, samples: [], leasesLost: 0 };
  const startedAt = performance.now();
  createInterface({ input: process_.stdout }).on("line", (line) => {
    if (!line.startsWith("{")) return;
    const { rss, leasesLost } = JSON.parse(line) as { rss: number; leasesLost: number };
    child.leasesLost = leasesLost;
    child.samples.push({ at: (performance.now() - startedAt) / 1000, rssMiB: rss / 2 ** 20 });
  });
  return child;
}

async function kill({ process: child }: Child): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

const profile = profileFile("quick", {
  lifecycle: { maxAttempts: 10 },
  platformConfig: {
    simulated: {
      latencySeconds: { install: 0.3, verify: 0.01, update: 0.05, destroy: 0.1, observe: 0.01 },
      jitter: 0.5,
      failureRate: { install: 0.05, update: 0.05, destroy: 0.05 },
      lies: { residue: 0.05, unknown: 0.02 },
    },
  },
});

const cycle = (sim: Simulation) =>
  reconcile(
    {
      catalog: sim.catalog,
      store: sim.store,
      artifacts: sim.artifacts,
      shippedProfiles: sim.shippedProfiles,
      clock: { now: sim.now, monotonic: () => performance.now() },
      reporter: sim.reporter,
      holder: "soak",
      requireReview: false,
    },
    { dryRun: false },
  );

interface Churn {
  readonly wanted: Map<string, number>;
  next(): void;
}

/** A file for each lab that is wanted, by its number of workers. */
function churn(sim: Simulation, count: number): Churn {
  const random = prng("soak", count);
  const wanted = new Map<string, number>();
  const name = (index: number): string => `lab-${String(index).padStart(5, "0")}`;
  const files = (): Record<string, null | string> => {
    const changes: Record<string, null | string> = {};
    const turn = wanted.size === 0 ? count : Math.max(2, Math.round(count / 40));
    for (let made = 0; made < turn; made++) {
      const lab = name(wanted.size === 0 || turn === count ? made : Math.floor(random() * count));
      const path = `labs/team-a/${lab}.yaml`;
      const workers = Math.floor(random() * 5);
      if (turn !== count && wanted.has(lab) && random() < 0.5) {
        wanted.delete(lab);
        changes[path] = null;
      } else {
        wanted.set(lab, workers);
        Object.assign(changes, labFiles([lab], { spec: { workers, ttlHours: 160 } }));
      }
    }
    return changes;
  };
  return { wanted, next: () => sim.commitFiles(files()) };
}

async function drained(sim: Simulation): Promise<number | null> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < DRAIN_MS) {
    await cycle(sim);
    const [row] = await sim.sql<{ left: number }>(
      "select count(*)::int as left from jobs where state in ('queued', 'running')",
    );
    if (row?.left === 0) return (performance.now() - startedAt) / 1000;
    await sim.sql("update jobs set run_at = clock_timestamp() where state = 'queued' and run_at > clock_timestamp()");
    await delay(500);
  }
  return null;
}

/** Labs whose file, record and cluster do not agree. */
async function lost(sim: Simulation, { wanted }: Churn): Promise<readonly string[]> {
  const clusters = new Map((await sim.cloud.clusters()).map((cluster) => [cluster.name, cluster]));
  const live = new Map((await sim.store.labs(false)).map(({ lab }) => [lab.name, lab]));
  const all = new Set([...wanted.keys(), ...clusters.keys(), ...live.keys()]);
  return [...all].filter((name) => {
    const isWanted = wanted.has(name);
    const asWanted = live.get(name)?.state === "ready" && clusters.get(name)?.workers === wanted.get(name);
    return isWanted ? !asWanted : live.has(name) || clusters.has(name);
  });
}

async function tell(sim: Simulation, minutes: number, children: readonly Child[]): Promise<void> {
  const [figures] = await sim.sql<{ jobs: number; p50: number; p99: number }>(`select count(*)::int as jobs,
    percentile_cont(0.5) within group (order by extract(epoch from claimed_at - created_at)) as p50,
    percentile_cont(0.99) within group (order by extract(epoch from claimed_at - created_at)) as p99
    from jobs where state = 'succeeded' and attempt <= 1 and recoveries = 0`);
  const [all] = await sim.sql<{ done: number; recovered: number }>(
    "select count(*) filter (where state = 'succeeded')::int as done, sum(recoveries)::int as recovered from jobs",
  );
  console.log(
    `jobs done: ${all?.done} (${((all?.done ?? 0) / minutes / 60).toFixed(1)} a second), taken over: ${all?.recovered}`,
  );
  console.log(`start latency: p50 ${Number(figures?.p50).toFixed(2)} s, p99 ${Number(figures?.p99).toFixed(2)} s`);
  for (const { name, samples } of children) {
    // What a process loads at its beginning is no leak.
    const warm = samples.filter(({ at }) => at > 20);
    const slope = slopePerHour(warm);
    const rss = samples.at(-1)?.rssMiB ?? 0;
    console.log(
      `${name}: ${Math.round(samples.at(-1)?.at ?? 0)} s, RSS ${rss.toFixed(0)} MiB, slope ${slope === null ? "unknown" : `${slope.toFixed(0)} MiB/h`} over ${warm.length} samples`,
    );
  }
}

async function soak(count: number, minutes: number, concurrency: number): Promise<boolean> {
  const load = (): string => (loadavg()[0] ?? 0).toFixed(1);
  console.log(`${count} labs, ${minutes} minutes, ${WORKERS} workers; ${cpus().length} cores, load ${load()}`);
  await using server = await startServer();
  await using sim = await simulation(1, server.database, false);
  sim.commitFiles({
    "catalog.yaml": catalogFile(undefined, { maxDestroys: 100_000, maxDestroyPercent: 100 }),
    "profiles/quick.yaml": profile,
  });
  const churning = churn(sim, count);
  const all: Child[] = [];
  const here: Child[] = [];
  const another = (): void => {
    const child = hire(sim, all.length + 1, concurrency);
    all.push(child);
    here.push(child);
  };
  let kills = 0;
  try {
    for (let index = 0; index < WORKERS; index++) another();
    const startedAt = performance.now();
    let killedAt = startedAt;
    while (performance.now() - startedAt < minutes * 60_000) {
      churning.next();
      await cycle(sim);
      sim.said.splice(0);
      if (performance.now() - killedAt > KILL_EVERY_MS) {
        killedAt = performance.now();
        const [oldest] = here.splice(0, 1);
        if (oldest) await kill(oldest);
        kills += 1;
        another();
      }
      await delay(CHURN_EVERY_MS);
    }
    const drain = await drained(sim);
    const missing = drain === null ? ["the queue"] : await lost(sim, churning);
    const leases = all.reduce((sum, { leasesLost }) => sum + leasesLost, 0);
    await tell(sim, (performance.now() - startedAt) / 60_000, all);
    console.log(
      `killed -9: ${kills}; leases lost while the process lived: ${leases}; drained in ${drain?.toFixed(0) ?? "never"} s`,
    );
    console.log(
      `lost = ${missing.length}${missing.length > 0 ? `: ${missing.slice(0, 5).join(", ")}` : ""}; load ${load()} at the end`,
    );
    return missing.length === 0 && leases === 0;
  } finally {
    await Promise.all(here.map(kill));
  }
}

const { values } = parseArgs({
  options: {
    labs: { type: "string", default: "2000" },
    minutes: { type: "string", default: "10" },
    concurrency: { type: "string", default: "20" },
  },
});
const isFine = await soak(Number(values.labs), Number(values.minutes), Number(values.concurrency));
console.log(isFine ? "1 passed, 0 failed" : "0 passed, 1 failed");
process.exitCode = isFine ? 0 : 1;
