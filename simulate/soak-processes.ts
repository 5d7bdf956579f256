/** The processes of a soak, seen from outside: when they lived, when they stood still, what they told. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Connection } from "../src/local/postgres/presence.ts";
import { type Told, toldFrom } from "./soak-told.ts";

interface Order {
  readonly name: string;
  readonly connection: Connection;
  readonly folder: string;
  readonly sampleEveryMs: number;
}

export interface WorkerOrder extends Order {
  readonly concurrency: number;
  readonly leaseSeconds: number;
  readonly seed: number;
  readonly leaks: boolean;
}

export interface ReconcilerOrder extends Order {
  readonly pauseMs: number;
}

/** Milliseconds since 1970, by this host's clock, which is the database's too. */
export interface Pause {
  readonly from: number;
  /** Infinity while it lasts. */
  to: number;
}

export interface SoakProcess {
  readonly name: string;
  readonly kind: "worker" | "reconciler";
  readonly told: readonly Told[];
  readonly pauses: readonly Pause[];
  /** When it was killed; Infinity while it lives. */
  readonly killedAt: number;
  /** Why it ended though nobody killed it; null: it did not. */
  readonly ownEnd: string | null;
  /** Resolves when it has begun, or ended. */
  begun(): Promise<void>;
  kill(): Promise<void>;
  pause(): void;
  resume(): void;
}

type Program =
  | { readonly kind: "worker"; readonly order: WorkerOrder }
  | { readonly kind: "reconciler"; readonly order: ReconcilerOrder };

export function startProcess({ kind, order }: Program): SoakProcess {
  const program = fileURLToPath(new URL(`soak-${kind}.ts`, import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [program], {
    // The password of a database is for no process list.
    env: { PATH: process.env["PATH"], ORDER: JSON.stringify(order) },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const told: Told[] = [];
  const pauses: Pause[] = [];
  let killedAt = Number.POSITIVE_INFINITY;
  let ownEnd: string | null = null;
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const exited = once(child, "exit").then(([code, signal]: (number | string | null)[]) => {
    if (killedAt === Number.POSITIVE_INFINITY) ownEnd = String(signal ?? `exit code ${code}`);
  });
  if (child.stdout)
    createInterface({ input: child.stdout }).on("line", (line) => {
      const heard = toldFrom(line);
      if (heard?.tell === "ready") begin();
      if (heard) told.push(heard);
    });
  return {
    name: order.name,
    kind,
    told,
    pauses,
    get killedAt() {
      return killedAt;
    },
    get ownEnd() {
      return ownEnd;
    },
    begun: () => Promise.race([begun, exited]),
    async kill() {
      if (ownEnd === null) killedAt = Math.min(killedAt, Date.now());
      child.kill("SIGKILL");
      await exited;
    },
    pause() {
      pauses.push({ from: Date.now(), to: Number.POSITIVE_INFINITY });
      child.kill("SIGSTOP");
    },
    resume() {
      const last = pauses.at(-1);
      if (last?.to !== Number.POSITIVE_INFINITY) return;
      child.kill("SIGCONT");
      last.to = Date.now();
    },
  };
}
