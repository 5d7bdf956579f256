/** How far a soak is, for whoever waits. */

import { loadavg } from "node:os";
import type { SoakProcess } from "./soak-processes.ts";
import type { SoakWorld } from "./soak-world.ts";

const TELL_EVERY_MS = 30_000;

export const done = async (world: SoakWorld): Promise<number> =>
  (await world.sql<{ n: number }>("select count(*)::int as n from jobs where state = 'succeeded'"))[0]?.n ?? 0;

async function queueNow(world: SoakWorld): Promise<string> {
  const rows = await world.sql<{ state: string; kind: string; n: number }>(
    "select state, kind, count(*)::int as n from jobs where state in ('queued', 'running') group by state, kind order by state, kind",
  );
  return `${await done(world)} jobs done, ${rows.map(({ state, kind, n }) => `${state} ${kind} ${n}`).join(", ") || "none left"}`;
}

/** Of the last half minute. */
function stalls({ name, told }: SoakProcess): string {
  const last = told.filter(({ at }) => at > Date.now() - TELL_EVERY_MS);
  const longest = Math.max(0, ...last.map((line) => (line.tell === "sample" ? line.stallMs : 0)));
  const renewal = Math.max(0, ...last.map((line) => (line.tell === "slow" ? line.ms : 0)));
  return `${name} stood still for ${longest.toFixed(0)} ms${renewal > 0 ? ` and renewed in ${renewal.toFixed(0)} ms` : ""}`;
}

/** A line now and then, until it is told to stop. */
export function telling(world: SoakWorld, steady: SoakProcess, tell: (text: string) => void): () => void {
  const startedAt = Date.now();
  const line = async (): Promise<void> => {
    const second = ((Date.now() - startedAt) / 1_000).toFixed(0);
    tell(`${second} s: ${await queueNow(world)}; load ${loadavg()[0]?.toFixed(1)}, ${stalls(steady)}`);
  };
  const timer = setInterval(() => void line().catch(() => undefined), TELL_EVERY_MS);
  return () => clearInterval(timer);
}
