/** What a soak's processes tell about themselves, a line of JSON each. */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

export type Told =
  | {
      readonly tell: "sample";
      /** Milliseconds since 1970, as in the other lines. */
      readonly at: number;
      readonly rssMiB: number;
      /** After a full collection: what is really kept. */
      readonly heapMiB: number;
      /** Of the processor, since the process began. */
      readonly cpuMs: number;
    }
  /** A write that the database refused because its lease is another's, or over. */
  | { readonly tell: "refused"; readonly at: number; readonly lab: string; readonly job: string }
  /** A renewal was answered without these jobs, which were still held. */
  | { readonly tell: "unrenewed"; readonly at: number; readonly labs: readonly string[] }
  /** A claim whose answer never came: whatever it took, the worker does not know. */
  | { readonly tell: "unanswered"; readonly from: number; readonly at: number }
  /** Something failed and was survived. */
  | { readonly tell: "trouble"; readonly at: number; readonly code: string }
  | { readonly tell: "cycle"; readonly at: number };

export const say = (told: Told): void => {
  process.stdout.write(`${JSON.stringify(told)}\n`);
};

/** Null for a line that a process wrote for people. */
export function toldFrom(line: string): Told | null {
  if (!line.startsWith('{"tell":')) return null;
  return JSON.parse(line) as Told;
}

// Without a collection a sample shows how long ago the last one was, not what is kept.
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

export function sample(): Extract<Told, { tell: "sample" }> {
  collect();
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return {
    tell: "sample",
    at: Date.now(),
    rssMiB: rss / 2 ** 20,
    heapMiB: heapUsed / 2 ** 20,
    cpuMs: (user + system) / 1_000,
  };
}

/** An error's code, or what kind it is. */
export const codeOf = (error: unknown): string => {
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  return typeof code === "string" ? code : String(name);
};
