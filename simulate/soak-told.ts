/** What a soak's processes tell about themselves, a line of JSON each. */

import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
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
      /** The longest that it stood still since the sample before: on a machine that has more to do, or for its own work. */
      readonly stallMs: number;
    }
  /** It has what it needs and begins. */
  | { readonly tell: "ready"; readonly at: number }
  /** A renewal of leases took so long. */
  | { readonly tell: "slow"; readonly at: number; readonly ms: number }
  /** A write that the database refused because its lease is another's, or over. */
  | { readonly tell: "refused"; readonly at: number; readonly lab: string; readonly job: string }
  /** A renewal was answered without these jobs, which were still held. */
  | { readonly tell: "unrenewed"; readonly at: number; readonly labs: readonly string[] }
  /** A claim whose answer never came: whatever it took, the worker does not know. */
  | { readonly tell: "unanswered"; readonly from: number; readonly at: number }
  /** Something failed and was survived. */
  | { readonly tell: "trouble"; readonly at: number; readonly code: string }
  | { readonly tell: "cycle"; readonly at: number };

const TRIES = 5;
const PAUSE_MS = 200;

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
const stalls = monitorEventLoopDelay({ resolution: 20 });
stalls.enable();
const NS_PER_MS = 1e6;

export function sample(): Extract<Told, { tell: "sample" }> {
  collect();
  const stallMs = stalls.max / NS_PER_MS;
  stalls.reset();
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return {
    tell: "sample",
    at: Date.now(),
    rssMiB: rss / 2 ** 20,
    heapMiB: heapUsed / 2 ** 20,
    cpuMs: (user + system) / 1_000,
    stallMs,
  };
}

/** Connections may be cut while a process begins, too; who supervises it would start it again. */
export async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (let left = TRIES; ; left--) {
    try {
      return await work();
    } catch (error) {
      if (left === 0) throw error;
      await delay(PAUSE_MS);
    }
  }
}

/** At most this share of a process's time is spent on looking at itself: collections are slow where all processors are busy. */
const SHARE = 0.2;

/** A sample now and then, until it is told to stop. */
export function sampling(everyMs: number, hear: (told: ReturnType<typeof sample>) => void): () => void {
  let timer: NodeJS.Timeout;
  const next = (pauseMs: number): void => {
    timer = setTimeout(() => {
      const from = performance.now();
      hear(sample());
      next(Math.max(everyMs, (performance.now() - from) / SHARE));
    }, pauseMs);
  };
  next(everyMs);
  return () => clearTimeout(timer);
}

/** Who loses the soak that watches it has nothing to work for. */
export const endWithSoak = (): void => {
  process.stdin.once("end", () => process.exit(1)).resume();
};

/** An error's code, or what kind it is. */
export const codeOf = (error: unknown): string => {
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  return typeof code === "string" ? code : String(name);
};
