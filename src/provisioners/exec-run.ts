/** Runs a program once, in a process group of its own, and leaves nothing of that group behind. */

import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { lineReader } from "./log-lines.ts";
import { groupTarget, stop, type Target, waitGone } from "./process-group.ts";

export interface Run {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Written to stdin, which is then closed. */
  readonly input: string;
  readonly timeoutMs: number;
  readonly termGraceMs: number;
  /** What asks it to end; default SIGTERM. */
  readonly stopSignal?: NodeJS.Signals;
  readonly maxOutputBytes: number;
  readonly maxLogChars: number;
  readonly signal: AbortSignal;
  /** From then on there is no time for a grace. */
  readonly lost?: AbortSignal | undefined;
  onLogLine(line: string): void;
  /** Called with the new process before it is given its input, so that nothing unrecorded ever acts. */
  started(pid: number): Promise<void>;
}

export type RunEnd =
  | { readonly kind: "exit"; readonly code: number; readonly stdout: Buffer }
  | { readonly kind: "signal"; readonly signal: string }
  | { readonly kind: Halt }
  | { readonly kind: "not-started"; readonly error: NodeJS.ErrnoException };

/** `gone` is false when something of the group could not be ended, not even by SIGKILL. */
export type RunResult = RunEnd & { readonly gone: boolean };

/** The longest delay a timer takes; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** What a pipeline's last members may take to end by themselves after their leader. */
const SETTLE_MS = 250;
/** A daemon of the lab that kept the pipes must not keep us: all that was written before is read long before this. */
const DRAIN_MS = 1000;

export async function run(order: Run): Promise<RunResult> {
  const [file = "", ...args] = order.command;
  if (order.signal.aborted) return { kind: "aborted", gone: true };
  const child = spawn(file, args, {
    cwd: order.cwd,
    env: { ...order.env },
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    shell: false,
  });
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  const closed = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
  });
  const failure = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
    child.once("spawn", () => resolve(null));
    child.once("error", resolve);
  });
  const { pid } = child;
  if (failure !== null || pid === undefined) {
    return { kind: "not-started", error: failure ?? new Error("no process id"), gone: true };
  }

  const group = groupTarget(pid, () => child.exitCode !== null || child.signalCode !== null);
  using halt = halting(order);
  const stdout = collect(child.stdout, order.maxOutputBytes, halt.flood);
  follow(child.stderr, order);
  child.stdin.on("error", ignore);
  try {
    await order.started(pid);
  } catch (error) {
    await stopGroup(group, order);
    release(child);
    throw error;
  }
  child.stdin.end(order.input);

  const first = await Promise.race([exited, halt.asked]);
  const gone = typeof first === "string" ? await stopGroup(group, order) : await stopRest(group, order);
  await Promise.race([closed, sleep(DRAIN_MS, undefined, { ref: false })]);
  release(child);
  if (typeof first === "string") return { kind: first, gone };
  if (stdout.flooded()) return { kind: "flood", gone };
  if (first.code === null) return { kind: "signal", signal: first.signal ?? "unknown", gone };
  return { kind: "exit", code: first.code, stdout: stdout.bytes(), gone };
}

/** A broken pipe is no news: the program may end without reading its input, and its exit says what there is to say. */
const ignore = (): undefined => undefined;

/** What outlives its leader inside the group is part of the call, and the call is over. */
async function stopRest(group: Target, order: Run): Promise<boolean> {
  if (await waitGone(group, SETTLE_MS)) return true;
  order.onLogLine("stopping processes that outlived the call (a lasting process needs a session of its own)");
  return stopGroup(group, order);
}

/** Another worker may take the lab over as soon as the lease is gone: then there is no time for a grace. */
const LEASE_LOST_GRACE_MS = 5_000;

function stopGroup(group: Target, { signal, lost, termGraceMs, stopSignal }: Run): Promise<boolean> {
  const began = performance.now();
  const isLost = (): boolean => lost?.aborted === true || (signal.aborted && signal.reason === "lease-lost");
  let lostAfter: number | null = null;
  const grace = (): number => {
    if (isLost()) lostAfter ??= performance.now() - began;
    return lostAfter === null ? termGraceMs : Math.min(termGraceMs, lostAfter + LEASE_LOST_GRACE_MS);
  };
  return stop(group, grace, stopSignal);
}

type Halt = "timeout" | "aborted" | "flood";

/** The three reasons to end a program early, whichever comes first. */
function halting(order: Run) {
  let resolve: (why: Halt) => void = ignore;
  const asked = new Promise<Halt>((settle) => {
    resolve = settle;
  });
  const aborted = (): void => resolve("aborted");
  const timer = setTimeout(() => resolve("timeout"), Math.min(order.timeoutMs, MAX_TIMER_MS));
  order.signal.addEventListener("abort", aborted, { once: true });
  if (order.signal.aborted) aborted();
  return {
    asked,
    flood: () => resolve("flood"),
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      order.signal.removeEventListener("abort", aborted);
    },
  };
}

function collect(stream: Readable, maxBytes: number, onFlood: () => void) {
  let chunks: Buffer[] = [];
  let size = 0;
  stream.on("error", ignore);
  stream.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size <= maxBytes) {
      chunks.push(chunk);
    } else {
      // Read on and drop, so that the program can end instead of blocking on a full pipe.
      chunks = [];
      onFlood();
    }
  });
  return { bytes: () => Buffer.concat(chunks), flooded: () => size > maxBytes };
}

function follow(stream: Readable, order: Run): void {
  const reader = lineReader(order.onLogLine, order.maxLogChars);
  stream.setEncoding("utf8");
  stream.on("error", ignore);
  stream.on("data", reader.push);
  stream.on("close", reader.end);
}

function release(child: ChildProcess): void {
  child.stdin?.destroy();
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.unref();
}
