/** A soak's figures for people, and what is wrong with them. */

import { grows, type Spread, type Trend, trendOf } from "./soak-figures.ts";
import type { Memory, Soaked } from "./soak-gather.ts";
import type { SoakSettings } from "./soak-settings.ts";
import { starved } from "./soak-waits.ts";

const DEAREST = 12;
const seconds = (value: number): string => `${value.toFixed(value < 10 ? 2 : 0)} s`;
const shown = (spread: Spread): string =>
  `p50 ${seconds(spread.p50)}, p99 ${seconds(spread.p99)}, max ${seconds(spread.max)} (${spread.count})`;

const trends = ({ samples }: Memory): { readonly rss: Trend | null; readonly heap: Trend | null } => ({
  rss: trendOf(samples.map(({ at, rssMiB }) => ({ at: at / 1_000, value: rssMiB }))),
  heap: trendOf(samples.map(({ at, heapMiB }) => ({ at: at / 1_000, value: heapMiB }))),
});

const slope = (trend: Trend | null): string =>
  trend === null
    ? "unknown"
    : `${trend.slope.toFixed(0)} ± ${trend.error.toFixed(0)} MiB/h (${trend.low.toFixed(0)} to ${trend.high.toFixed(0)})`;

/** Everything that fails a soak, each in a line; empty when it passed. */
export function failuresOf(soaked: Soaked, { limit }: SoakSettings): readonly string[] {
  const { lost, leases, ended, waits, memory } = soaked;
  const failures: string[] = [...ended];
  if (lost === null) failures.push("the queue did not drain");
  else failures.push(...lost.map((each) => `lost: ${each}`));
  failures.push(...leases.lost.map((each) => `lease lost: ${each}`));
  if (soaked.jobs.dead > 0) failures.push(`${soaked.jobs.dead} jobs were given up`);
  for (const each of memory) {
    const { rss, heap } = trends(each);
    if (grows(rss, limit)) failures.push(`memory: the RSS of ${each.name} grows by ${slope(rss)}`);
    if (grows(heap, limit)) failures.push(`memory: the heap of ${each.name} grows by ${slope(heap)}`);
  }
  const hungry = starved(waits);
  if (hungry !== null) failures.push(`starved: ${hungry}`);
  return failures;
}

const listed = (counts: ReadonlyMap<string, number>): string =>
  [...counts].map(([what, count]) => `${what} ${count}`).join(", ") || "none";

/** The figures, a line each. */
export function reportOf(soaked: Soaked): readonly string[] {
  const { jobs, seconds: took, leases, memory, cpu, statements } = soaked;
  const working = took.burst + took.churn;
  const perJob = (count: number): string => (count / Math.max(1, jobs.succeeded)).toFixed(2);
  const cpuShare = (ms: number | null): string =>
    ms === null ? "unknown" : `${(ms / 1_000 / working).toFixed(2)} cores`;
  const lines = [
    `jobs done: ${jobs.succeeded} (${(jobs.succeeded / working).toFixed(1)} a second), cancelled by newer ones: ${jobs.cancelled}, given up: ${jobs.dead}`,
    `time: ${took.burst.toFixed(0)} s until all labs were begun, ${took.churn.toFixed(0)} s of churn, drained in ${took.drain === null ? "never" : `${took.drain.toFixed(0)} s`}; ${soaked.cycles} cycles of reconcilers`,
    ...soaked.waits.map(({ phase, kind, spread }) => `start latency, ${phase}, ${kind}: ${shown(spread)}`),
    `faults: ${listed(soaked.faults)}`,
    `faults of the cloud: ${listed(soaked.cloud)}`,
    `errors survived: ${listed(soaked.troubles)}`,
    `leases lost while their process lived and ran: ${leases.lost.length}; taken over from killed workers: ${leases.takenOver.killed}, from paused ones: ${leases.takenOver.paused}, after a claim whose answer was cut off: ${leases.unanswered}; writes refused after a pause: ${leases.refusedAfterPause}; writes taken though their answer was cut off: ${leases.takenAlready}`,
    ...memory.map((each) => {
      const { rss, heap } = trends(each);
      const last = each.samples.at(-1);
      return `memory of ${each.name}: RSS ${last?.rssMiB.toFixed(0)} MiB, ${slope(rss)}; heap ${last?.heapMiB.toFixed(0)} MiB, ${slope(heap)}; ${each.samples.length} samples`;
    }),
    `processor: workers ${cpuShare(cpu.workers)}, reconcilers ${cpuShare(cpu.reconcilers)}, Postgres ${cpuShare(cpu.postgres)}, the soak itself ${cpuShare(cpu.soak)}; a job: ${perJob(cpu.workers)} ms of node, ${cpu.postgres === null ? "unknown" : perJob(cpu.postgres)} ms of Postgres`,
  ];
  if (statements === null) return [...lines, "statements: not counted by this Postgres"];
  const all = statements.reduce((sum, { calls }) => sum + calls, 0);
  return [
    ...lines,
    `statements: ${all} (${perJob(all)} a job); the dearest:`,
    ...statements
      .slice(0, DEAREST)
      .map(
        ({ name, calls, ms }) =>
          `  ${perJob(calls)} a job, ${(ms / 1_000).toFixed(1)} s in all, ${(ms / calls).toFixed(2)} ms each: ${name}`,
      ),
  ];
}
