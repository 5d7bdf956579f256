/**
 * Processes as /proc shows them, and stopping a whole group of them.
 *
 * A process group keeps its number reserved while any member lives, so signalling it is safe as long as it is known to
 * be ours. Zombies do not count as alive: under a PID 1 that does not reap, they would stay for ever.
 */

import { readdir, readFile, readlink } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

export interface ProcessEntry {
  readonly pid: number;
  /** One letter of proc_pid_stat(5): Z and X are dead. */
  readonly state: string;
  readonly group: number;
  readonly session: number;
  /** Clock ticks after boot; with the boot id it tells a process from a later one with the same pid. */
  readonly startTime: string;
}

/** Fields of /proc/PID/stat after the command name, which may itself hold spaces and parentheses. */
export function parseStat(pid: number, stat: string): ProcessEntry | null {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, , group, session] = fields;
  const startTime = fields[19];
  if (state === undefined || startTime === undefined) return null;
  return { pid, state, group: Number(group), session: Number(session), startTime };
}

/** Null when there is no such process, or no /proc (then nothing can be identified, so nothing is killed by record). */
export async function inspectProcess(pid: number): Promise<ProcessEntry | null> {
  try {
    return parseStat(pid, await readFile(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return null;
  }
}

/** Names this boot of this host; null where there is no /proc. */
export const bootId = (): Promise<string | null> =>
  readFile("/proc/sys/kernel/random/boot_id", "latin1").then(
    (id) => id.trim(),
    () => null,
  );

export const workingDirectory = (pid: number): Promise<string | null> => readlink(`/proc/${pid}/cwd`).catch(() => null);

/** Live members of a group; null where there is no /proc. */
export async function groupMembers(group: number): Promise<readonly ProcessEntry[] | null> {
  const names = await readdir("/proc").catch(() => null);
  const pids = names?.filter((name) => /^\d+$/.test(name)).map(Number) ?? [];
  if (pids.length === 0) return null;
  const members: ProcessEntry[] = [];
  for (const pid of pids) {
    const entry = await inspectProcess(pid);
    if (entry?.group === group && entry.state !== "Z" && entry.state !== "X") members.push(entry);
  }
  return members;
}

/** Sends a signal (0 only asks) to a process, or with a negative number to a group. False when nothing is there. */
export function signalProcess(target: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(target, signal);
    return true;
  } catch (error) {
    // EPERM means that it exists but is somebody else's: it is there.
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** Something to stop: one group, or some processes of it. */
export interface Target {
  alive(): Promise<boolean>;
  signal(signal: NodeJS.Signals): Promise<void>;
}

/**
 * A group that we made. `leaderReaped` tells whether its leader has ended and been waited for: from then on a process
 * whose pid is the group's number can only be a later one, so the group is gone and must not be touched.
 */
export function groupTarget(group: number, leaderReaped: () => boolean): Target {
  const alive = async (): Promise<boolean> => {
    // A member that forks and ends while /proc is read can hide from one look, hardly from two.
    for (let look = 0; look < 2; look++) {
      if (!signalProcess(-group, 0)) return false;
      // Asked before looking: a leader that is reaped meanwhile may still have been seen.
      const reaped = leaderReaped();
      const members = await groupMembers(group);
      if (members === null) return true;
      if (reaped && members.some(({ pid }) => pid === group)) return false;
      if (members.length > 0) return true;
    }
    return false;
  };
  return {
    alive,
    signal: async (signal) => {
      if (await alive()) signalProcess(-group, signal);
    },
  };
}

/** Waits until the target is gone; false when it is still there after `ms` milliseconds, of which there may become fewer. */
export async function waitGone(target: Target, ms: number | (() => number)): Promise<boolean> {
  const began = performance.now();
  for (let pause = 5; await target.alive(); pause = Math.min(pause * 2, 100)) {
    const left = began + (typeof ms === "number" ? ms : ms()) - performance.now();
    if (left <= 0) return false;
    await sleep(Math.min(pause, left));
  }
  return true;
}

/** How long a killed process may take to vanish: the kernel can hold it in an uninterruptible wait. */
const KILL_WAIT_MS = 10_000;

/** A signal, a grace in milliseconds, SIGKILL, and the wait until it is gone. False when even that did not end it. */
export async function stop(
  target: Target,
  graceMs: number | (() => number),
  signal: NodeJS.Signals = "SIGTERM",
): Promise<boolean> {
  await target.signal(signal);
  if (await waitGone(target, graceMs)) return true;
  await target.signal("SIGKILL");
  return waitGone(target, KILL_WAIT_MS);
}
