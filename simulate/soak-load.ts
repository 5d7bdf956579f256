/** What a soak costs: statements a job, and processor time by process. */

import { readdir, readFile } from "node:fs/promises";
import type { SoakProcess } from "./soak-processes.ts";
import { OBSERVER, type SoakWorld } from "./soak-world.ts";

export interface Statement {
  readonly name: string;
  readonly calls: number;
  /** Milliseconds of all calls together, in Postgres. */
  readonly ms: number;
}

/** Most expensive first; null where Postgres does not count them. */
export async function statements(world: SoakWorld): Promise<readonly Statement[] | null> {
  try {
    const rows = await world.sql<{ query: string; calls: number; ms: number }>(
      `select query, calls::float8 as calls, total_exec_time as ms from pg_stat_statements
       where dbid = (select oid from pg_database where datname = current_database()) and query not like '%${OBSERVER}%'
       order by total_exec_time desc`,
    );
    return merged(rows.map(({ query, ...rest }) => ({ name: nameOf(query), ...rest })));
  } catch {
    return null;
  }
}

/** The function that a statement calls, or how it begins. */
export function nameOf(query: string): string {
  const own = /\blk_\w+/.exec(query);
  if (own && /^\s*select lk_/i.test(query)) return own[0];
  return query.replaceAll(/\s+/g, " ").trim().slice(0, 60);
}

function merged(all: readonly Statement[]): Statement[] {
  const byName = new Map<string, Statement>();
  for (const { name, calls, ms } of all) {
    const before = byName.get(name);
    byName.set(name, { name, calls: calls + (before?.calls ?? 0), ms: ms + (before?.ms ?? 0) });
  }
  return [...byName.values()].sort((a, b) => b.ms - a.ms);
}

/** Linux counts CPU time in hundredths of a second: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
const MS_PER_TICK = 10;

/** Fields of a process from its state on; null when it is gone, or where there is no /proc. */
async function statOf(pid: number): Promise<readonly string[] | null> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  return text === null ? null : text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** Of the whole server: the processes that are there, and those that ended, which their parent counts. Milliseconds. */
export async function postgresCpuMs(world: SoakWorld): Promise<number | null> {
  const [row] = await world.sql<{ pid: number }>("select pg_backend_pid() as pid");
  const postmaster = Number((await statOf(row?.pid ?? 0))?.[1] ?? Number.NaN);
  const own = await statOf(postmaster);
  if (own === null) return null;
  const ticks = (fields: readonly string[], from: number, count: number): number =>
    fields.slice(from, from + count).reduce((sum, field) => sum + Number(field), 0);
  let all = ticks(own, 11, 4);
  for (const name of await readdir("/proc")) {
    const fields = /^\d+$/.test(name) ? await statOf(Number(name)) : null;
    if (fields !== null && Number(fields[1]) === postmaster) all += ticks(fields, 11, 2);
  }
  return all * MS_PER_TICK;
}

/** As far as they told it. */
export const nodeCpuMs = (processes: readonly SoakProcess[], kind: SoakProcess["kind"]): number =>
  processes
    .filter((each) => each.kind === kind)
    .reduce((sum, { told }) => {
      const last = told.findLast((line) => line.tell === "sample");
      return sum + (last?.tell === "sample" ? last.cpuMs : 0);
    }, 0);
