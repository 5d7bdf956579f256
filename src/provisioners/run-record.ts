/**
 * `run.json` in a lab's work folder: the process that works on the lab now. A worker that crashes leaves its program
 * running; the next run on this host finds it here and stops it before it starts another.
 */

import { readFile, realpath, rm } from "node:fs/promises";
import { join, sep } from "node:path";
import { LabkeeperError } from "../errors.ts";
import { writeAtomically } from "./atomic-file.ts";
import {
  bootId,
  groupMembers,
  groupTarget,
  inspectProcess,
  type ProcessEntry,
  signalProcess,
  stop,
  type Target,
  workingDirectory,
} from "./process-group.ts";

interface RunRecord {
  readonly pid: number;
  readonly startTime: string;
  readonly bootId: string;
  readonly verb: string;
}

const recordPath = (workdir: string): string => join(workdir, "run.json");

/** Records a process that was just started. Where there is no /proc it could never be identified, so nothing is kept. */
export async function recordRun(workdir: string, verb: string, pid: number): Promise<void> {
  const [entry, boot] = await Promise.all([inspectProcess(pid), bootId()]);
  if (entry === null || boot === null) return;
  const record: RunRecord = { pid, startTime: entry.startTime, bootId: boot, verb };
  await writeAtomically(recordPath(workdir), `${JSON.stringify(record)}\n`);
}

export const clearRun = (workdir: string): Promise<void> => rm(recordPath(workdir), { force: true });

/**
 * Stops what an earlier, crashed run left behind. A process is touched only when it is certainly ours: same boot, same
 * pid and same start time; or, when only its children are left, in its session and inside the lab's work folder.
 * Throws LK5002 when it cannot be ended.
 */
export async function stopStray(
  workdir: string,
  graceMs: number,
  log: (line: string) => void,
  signal: NodeJS.Signals = "SIGTERM",
): Promise<void> {
  const record = await readRecord(workdir);
  if (record !== null && record.bootId === (await bootId())) {
    const target = await strayTarget(record, workdir);
    if (target !== null && (await target.alive())) {
      log(`stopping process ${record.pid}, left by an earlier run of ${record.verb}`);
      if (!(await stop(target, graceMs, signal))) {
        throw new LabkeeperError("LK5002", `process ${record.pid} of an earlier run cannot be stopped`);
      }
    }
  }
  await clearRun(workdir);
}

async function strayTarget(record: RunRecord, workdir: string): Promise<Target | null> {
  const leader = await inspectProcess(record.pid);
  if (leader !== null) return leader.startTime === record.startTime ? groupTarget(record.pid, () => false) : null;
  const folder = await realpath(workdir);
  const orphans = async (): Promise<readonly ProcessEntry[]> => {
    const members = (await groupMembers(record.pid)) ?? [];
    const ours = await Promise.all(members.map((member) => isOrphan(member, record, folder)));
    return members.filter((_, index) => ours[index]);
  };
  return {
    alive: async () => (await orphans()).length > 0,
    signal: async (signal) => {
      for (const { pid } of await orphans()) signalProcess(pid, signal);
    },
  };
}

async function isOrphan(member: ProcessEntry, record: RunRecord, folder: string): Promise<boolean> {
  if (member.session !== record.pid || BigInt(member.startTime) < BigInt(record.startTime)) return false;
  const cwd = await workingDirectory(member.pid);
  return cwd !== null && (cwd === folder || cwd.startsWith(folder + sep));
}

async function readRecord(workdir: string): Promise<RunRecord | null> {
  try {
    const found: unknown = JSON.parse(await readFile(recordPath(workdir), "utf8"));
    return isRecord(found) ? found : null;
  } catch (error) {
    // A record that cannot be parsed identifies nobody; one that cannot be read might.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new LabkeeperError("LK5002", `${recordPath(workdir)} cannot be read`, { cause: error });
  }
}

function isRecord(value: unknown): value is RunRecord {
  if (typeof value !== "object" || value === null) return false;
  const { pid, startTime, bootId: boot, verb } = value as Partial<Record<keyof RunRecord, unknown>>;
  const known = typeof boot === "string" && typeof verb === "string";
  // Pid 1 and below would turn a signal to a group into one to everybody.
  return known && typeof startTime === "string" && /^\d+$/.test(startTime) && Number.isInteger(pid) && Number(pid) > 1;
}
