import { readdir, readFile } from "node:fs/promises";

/** Linux counts CPU time in hundredths of a second: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
const MS_PER_TICK = 10;
const USER_TICKS = 11;
const SYSTEM_TICKS = 12;

/** CPU time that the connections to a database which are open now have used, in milliseconds; NaN without /proc. */
export async function cpuMsOf(database: string): Promise<number> {
  const pids = (await readdir("/proc").catch(() => null))?.filter((name) => /^\d+$/.test(name));
  if (pids === undefined) return Number.NaN;
  let ticks = 0;
  for (const pid of pids) {
    // A process may end between the listing and the reading.
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (!command.startsWith("postgres:") || !command.split(" ").includes(database)) continue;
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    ticks += Number(fields[USER_TICKS] ?? 0) + Number(fields[SYSTEM_TICKS] ?? 0);
  }
  return ticks * MS_PER_TICK;
}
