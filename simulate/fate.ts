/**
 * What happens to a process that lives inside this one: each call that it makes to the outside is a point at which it
 * may die, stand still, or lose its database. A dead process's calls change nothing and never come back.
 */

import { LabkeeperError } from "../src/errors.ts";

/** What a call of a process ends with when the process is no more. It never outlives its burial. */
export class Crash extends Error {
  override readonly name = "Crash";
}

export interface Fate {
  readonly kind:
    | "crash-before"
    /** Done, but nobody hears of it. */
    | "crash-after"
    /** Stands still past its leases, then goes on. */
    | "freeze"
    /** Every connection to the database is ended by the server. */
    | "cut"
    /** From here on, nothing can be written to its disk. */
    | "disk-full"
    /** From the start: all its queries share one connection. */
    | "one-connection"
    | "slow"
    /** From here on, its catalog cannot be read. */
    | "unreadable";
  /** The how-manieth call to any port, from 1. */
  readonly at: number;
}

export interface Mortal {
  readonly name: string;
  readonly state: "alive" | "frozen" | "dead" | "buried";
  /** Faults that have come over it. */
  readonly met: readonly Fate["kind"][];
  /** Resolves when it dies or stands still. */
  readonly stopped: Promise<void>;
  /** Calls that have begun and not ended, by `port.method`. */
  readonly calling: ReadonlyMap<string, number>;
  has(kind: Fate["kind"]): boolean;
  /** Its view of something outside. */
  port<T extends object>(name: string, port: T): T;
  thaw(): void;
  /** Ends every call that a dead process still waits for. */
  bury(): void;
}

export interface MortalEdge {
  /** Ends all connections of the database under test. */
  cutConnections(): Promise<void>;
}

/** What only a process on the host can do: after a pause that outlasted its lease, its children are gone. */
const HOST_PORTS = new Set(["provisioner", "cloud"]);

const LASTING: ReadonlySet<Fate["kind"]> = new Set(["disk-full", "unreadable", "one-connection"]);

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export function mortal(name: string, fates: readonly Fate[], edge: MortalEdge): Mortal {
  let state: Mortal["state"] = "alive";
  let calls = 0;
  const met: Fate["kind"][] = [];
  const calling = new Map<string, number>();
  const waiting: (() => void)[] = [];
  let stop = (): void => undefined;
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const become = (next: Mortal["state"]): void => {
    state = next;
    stop();
  };
  /** It changes while somebody waits. */
  const now = (): Mortal["state"] => state;
  /** Stands still while the process does; throws once it is buried. */
  const live = async (port: string): Promise<void> => {
    if (state === "alive") return;
    if (state !== "buried")
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
      });
    if (now() !== "alive") throw new Crash(`${name} is dead`);
    if (HOST_PORTS.has(port)) throw new Crash(`${name}'s installer was stopped while it stood still`);
  };
  const diskFull = (port: string): Error =>
    new LabkeeperError(port === "secrets" ? "LK6002" : "LK6001", `${port}: no space left on device`, {
      cause: Object.assign(new Error("ENOSPC"), { code: "ENOSPC" }),
    });
  /** What lasts from its time on: no disk, no catalog. */
  const lacking = (port: string, method: string, count: number): void => {
    for (const { kind, at } of fates) {
      if (at > count || method === "get") continue;
      const noDisk = kind === "disk-full" && /^(artifacts|secrets|workspace)$/.test(port);
      const noCatalog = kind === "unreadable" && port === "catalog";
      if (!noDisk && !noCatalog) continue;
      if (!met.includes(kind)) met.push(kind);
      throw noDisk ? diskFull(port) : new LabkeeperError("LK1004", "the disk failed");
    }
  };
  /** What happens once; answers whether the process dies of what it is about to do. */
  const suffer = async (count: number): Promise<boolean> => {
    let dies = false;
    for (const { kind, at } of fates) {
      if (at !== count || LASTING.has(kind)) continue;
      met.push(kind);
      if (kind === "crash-before") become("dead");
      if (kind === "crash-after") dies = true;
      if (kind === "freeze") become("frozen");
      if (kind === "cut") await edge.cutConnections();
      if (kind === "slow") await after(30);
    }
    return dies;
  };

  const call = async (port: string, method: string, work: () => unknown): Promise<unknown> => {
    const key = `${port}.${method}`;
    calling.set(key, (calling.get(key) ?? 0) + 1);
    try {
      await live(port);
      calls += 1;
      lacking(port, method, calls);
      const lost = await suffer(calls);
      await live(port);
      try {
        return await work();
      } finally {
        if (lost) become("dead");
        // Also when it died meanwhile: nobody hears of what came of the call.
        if (now() === "dead" || now() === "buried") await live(port);
      }
    } finally {
      calling.set(key, (calling.get(key) ?? 1) - 1);
    }
  };

  if (fates.some(({ kind }) => kind === "one-connection")) met.push("one-connection");
  return {
    name,
    get state() {
      return state;
    },
    met,
    stopped,
    calling,
    has: (kind) => fates.some((fate) => fate.kind === kind),
    port: <T extends object>(port: string, real: T): T =>
      new Proxy(real, {
        get(target, method) {
          const value: unknown = Reflect.get(target, method);
          // Listening is a connection of its own, which mends itself; a broken one costs a poll interval.
          if (typeof value !== "function" || typeof method !== "string" || method === "onWork") return value;
          return (...args: unknown[]) => call(port, method, () => Reflect.apply(value, target, args));
        },
      }),
    thaw() {
      if (state !== "frozen") return;
      state = "alive";
      for (const resolve of waiting.splice(0)) resolve();
    },
    bury() {
      if (state === "buried") return;
      become("buried");
      for (const resolve of waiting.splice(0)) resolve();
    },
  };
}
