/** Starts labkeeper processes for a world, and ends them: never any other. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Connection } from "../../src/local/postgres/presence.ts";
import type { World } from "../promises/world.ts";

export interface Order {
  readonly role: "reconcile" | "work";
  readonly name: string;
  readonly database: Connection;
  readonly folder: string;
  readonly catalog: string;
  /** `before finish`, `after beginStep install`, `before apply`, … Absent: it lives. */
  readonly diesAt?: string;
  /** Labs whose install or destroy kills the process, `fuseMs` after it began. */
  readonly poison?: readonly string[];
  readonly fuseMs?: number;
  /** Stands for the provisioner `simulated`: a program that answers verbs. */
  readonly program?: readonly string[];
  /** A folder of its own for its work, as another machine has. */
  readonly host?: string;
  readonly concurrency?: number;
  readonly leaseSeconds?: number;
  readonly heartbeatSeconds?: number;
  readonly drainMs?: number;
}

export interface Member {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  /** Every line of its log so far. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
  /** Asks it to leave, and waits. */
  stop(): Promise<number | string>;
  kill(signal: NodeJS.Signals): void;
}

export interface Members extends AsyncDisposable {
  start(order: Partial<Order> & Pick<Order, "role">): Member;
  /** Every line of everybody's log so far. */
  log(): Readonly<Record<string, unknown>>[];
}

const LONGEST_MS = 150_000;

const script = fileURLToPath(new URL("member.ts", import.meta.url));

export function members(w: World): Members {
  const started: Member[] = [];
  return {
    start: (order) => {
      const whole: Order = {
        name: `${order.role}-${started.length + 1}`,
        database: w.database.connection,
        folder: w.folder,
        catalog: w.repository.path,
        ...order,
      };
      const member = follow(
        spawn(process.execPath, [script, JSON.stringify(whole)], { stdio: ["ignore", "inherit", "pipe"] }),
      );
      started.push(member);
      return member;
    },
    log: () => started.flatMap(({ log }) => log),
    [Symbol.asyncDispose]: async () => {
      for (const { child, kill } of started) if (child.exitCode === null && child.signalCode === null) kill("SIGKILL");
      await Promise.all(started.map(({ ended }) => ended));
    },
  };
}

function follow(child: ChildProcess): Member {
  const log: Record<string, unknown>[] = [];
  let rest = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) log.push(parsed(line));
  });
  const ended = once(child, "close").then(([code, signal]) => (code ?? signal) as number | string);
  // What does not end by itself must not outlive the test that waits for it.
  const late = setTimeout(() => child.kill("SIGABRT"), LONGEST_MS);
  child.once("close", () => clearTimeout(late));
  const kill = (signal: NodeJS.Signals): void => {
    child.kill(signal);
  };
  return {
    child,
    pid: child.pid ?? 0,
    ended,
    log,
    kill,
    stop: async () => {
      kill("SIGTERM");
      return await ended;
    },
  };
}

const parsed = (line: string): Record<string, unknown> => {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return { line };
  }
};

/** The leases of dead processes end now, instead of in a minute. */
export const endLeases = async (w: World): Promise<void> => {
  await w.sql("update leases set expires_at = clock_timestamp() where expires_at > clock_timestamp()");
};
