import { readFileSync, writeFileSync } from "node:fs";

/** Which parts of a process's memory a core dump holds, one bit a kind: core(5). Linux only. */
const FILTER = "/proc/self/coredump_filter";

/**
 * Leaves all memory out of this process's core dumps and of those of every process that it starts: credentials pass through
 * all of them, and a dump is a file that nobody seals. Inherited over fork and exec, and also heeded where dumps go to a
 * program instead of a file, which a limit of zero is not. Silent where the system has no such switch; `doctor` looks.
 */
export const keepMemoryOutOfCoreDumps = (): void => {
  try {
    writeFileSync(FILTER, "0");
  } catch {
    // No Linux, or /proc is read-only.
  }
};

export interface CoreDumps {
  /** False when this process's memory stays out of its dumps. Null: the system does not say. */
  readonly withMemory: boolean | null;
  /** The largest dump that may be written, bytes, as the system words it: `0`, `unlimited`. Null: it does not say. */
  readonly limit: string | null;
}

const readOrNull = (path: string): string | null => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
};

/** What would happen if this process crashed now. */
export const coreDumps = (): CoreDumps => {
  const filter = readOrNull(FILTER);
  const limits = readOrNull("/proc/self/limits") ?? "";
  return {
    withMemory: filter === null ? null : Number.parseInt(filter, 16) !== 0,
    limit: /^Max core file size\s+(\S+)/m.exec(limits)?.[1] ?? null,
  };
};
