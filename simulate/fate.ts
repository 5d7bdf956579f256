/**
 * What happens to a process that lives inside this one: each call that it makes to the outside is a point at which it
 * may die, stand still, or lose its database. A dead process's calls change nothing and never come back.
 */

import { LabkeeperError } from "../src/errors.ts";
import type { FaultKind, Restart } from "./faults.ts";

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
    /** The connection ends while its transaction is under way: nothing of it is done. */
    | "cut-in"
    /** The connection ends after a transaction was committed and before its answer. */
    | "answer-lost"
    /** The server stops in order, at once, or because one of its processes was killed; it comes back. */
    | "restart-fast"
    | "restart-immediate"
    | "restart-crash"
    /** From here on, nothing can be written to its disk. */
    | "disk-full"
    /** From the start: all its queries share one connection. */
    | "one-connection"
    /** The same, and one query keeps it for longer than the others wait. */
    | "exhausted"
    | "slow"
    /** From here on, its catalog cannot be read. */
    | "unreadable"
    /** A call of the provisioner goes on for ever: until its time is over, its lab is cancelled, its process leaves. */
    | "hang-limit"
    | "hang-cancel"
    | "hang-drain";
  /** Only these calls count: a port, `port.method`, or `sql.TRANSACTION` for those inside of the database. Absent: all. */
  readonly on?: string;
  /** The how-manieth call that counts, from 1. */
  readonly at: number;
}

/** What a process does. */
export type Occupation = "worker" | "reconciler" | "janitor";

export interface Mortal {
  readonly name: string;
  readonly state: "alive" | "frozen" | "dead" | "buried";
  /** Resolves when it dies or stands still. */
  readonly stopped: Promise<void>;
  /** Calls of provisioners that hang now, by what may end them. */
  readonly hanging: Fate["kind"][];
  has(kind: Fate["kind"]): boolean;
  /** Its view of something outside. */
  port<T extends object>(name: string, port: T): T;
  /** What happens inside of a call, of those kinds that happen there. */
  inside(port: "sql" | "provisioner", name: string): Fate["kind"] | null;
  /** What has not come about, for another process to meet. */
  unmet(): readonly Fate[];
  thaw(): void;
  /** Ends every call that a dead process still waits for. */
  bury(): void;
}

export interface MortalEdge {
  /** Counts what came about. */
  fault(kind: FaultKind): void;
  /** Ends all connections of the database under test. */
  cutConnections(): Promise<void>;
  /** Resolves when the server is back. */
  restart(how: Restart): Promise<void>;
}

/** What only a process on the host can do: after a pause that outlasted its lease, its children are gone. */
const HOST_PORTS = new Set(["provisioner", "cloud"]);

const LASTING: ReadonlySet<Fate["kind"]> = new Set(["disk-full", "unreadable"]);
/** Of these the process has to be told at its beginning. */
const INNATE: ReadonlySet<Fate["kind"]> = new Set(["one-connection"]);
const INNER: Readonly<Partial<Record<Fate["kind"], "sql" | "provisioner">>> = {
  "cut-in": "sql",
  "answer-lost": "sql",
  exhausted: "sql",
  "hang-limit": "provisioner",
  "hang-cancel": "provisioner",
  "hang-drain": "provisioner",
};
/** What a full disk keeps from happening; to remove and to read it takes no room. */
const WRITES = /^((artifacts|secrets)\.(put|putFile|append)|workspace\.open)$/;

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const concerns = ({ kind, on }: Fate, port: string, call: string): boolean => {
  if (kind === "disk-full") return WRITES.test(call) && (on === undefined || on === port);
  if (kind === "unreadable") return port === "catalog";
  return on === undefined || on === port || on === call;
};

export function mortal(name: string, fates: readonly Fate[], edge: MortalEdge): Mortal {
  let state: Mortal["state"] = "alive";
  const counts = new Map<Fate, number>();
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
  /** What comes at this call; each call is counted once. */
  const due = (port: string, method: string, inner: boolean): readonly Fate["kind"][] =>
    fates.flatMap((fate) => {
      if (INNATE.has(fate.kind) || (INNER[fate.kind] === undefined) === inner) return [];
      if (inner && INNER[fate.kind] !== port) return [];
      if (!concerns(fate, port, `${port}.${method}`)) return [];
      const count = (counts.get(fate) ?? 0) + 1;
      counts.set(fate, count);
      return count === fate.at || (LASTING.has(fate.kind) && count > fate.at) ? [fate.kind] : [];
    });
  const diskFull = (port: string): Error => {
    edge.fault(`disk full: ${port as "artifacts" | "secrets" | "workspace"}`);
    return new LabkeeperError(port === "secrets" ? "LK6002" : "LK6001", `${port}: no space left on device`, {
      cause: Object.assign(new Error("ENOSPC"), { code: "ENOSPC" }),
    });
  };
  /** Answers whether the process dies of what it is about to do. */
  const suffer = async (port: string, kinds: readonly Fate["kind"][]): Promise<boolean> => {
    let dies = false;
    for (const kind of kinds) {
      switch (kind) {
        case "disk-full":
          throw diskFull(port);
        case "unreadable":
          edge.fault(kind);
          throw new LabkeeperError("LK1004", "the disk failed");
        case "crash-before":
          edge.fault(kind);
          become("dead");
          break;
        case "crash-after":
          edge.fault(kind);
          dies = true;
          break;
        case "freeze":
          edge.fault(kind);
          become("frozen");
          break;
        case "cut":
          edge.fault(kind);
          await edge.cutConnections();
          break;
        case "slow":
          edge.fault(kind);
          await after(30);
          break;
        case "restart-fast":
        case "restart-immediate":
        case "restart-crash":
          await edge.restart(kind.slice("restart-".length) as Restart);
      }
    }
    return dies;
  };

  let asking = 0;
  let isNarrow = fates.some(({ kind }) => INNATE.has(kind));
  /** Two ask at once, and one of them waits. */
  const beNarrow = (): void => {
    if (isNarrow) edge.fault("one-connection");
    isNarrow = false;
  };
  const call = async (port: string, method: string, work: () => unknown): Promise<unknown> => {
    await live(port);
    const dies = await suffer(port, due(port, method, false));
    await live(port);
    const asks = port === "store";
    if (asks && asking > 0) beNarrow();
    if (asks) asking += 1;
    try {
      return await work();
    } catch (error) {
      if (asks && /timeout exceeded when trying to connect/.test(String(error))) edge.fault("pool exhausted");
      throw error;
    } finally {
      if (asks) asking -= 1;
      if (dies) become("dead");
      // Also when it died meanwhile: nobody hears of what came of the call.
      if (now() === "dead" || now() === "buried") await live(port);
    }
  };

  return {
    name,
    get state() {
      return state;
    },
    stopped,
    hanging: [],
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
    inside: (port, method) => due(port, method, true)[0] ?? null,
    unmet: () =>
      fates.flatMap((fate) => {
        const left = fate.at - (counts.get(fate) ?? 0);
        if (INNATE.has(fate.kind)) return isNarrow ? [fate] : [];
        return left <= 0 ? [] : [{ ...fate, at: left }];
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
