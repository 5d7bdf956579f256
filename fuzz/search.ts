import { prng } from "../src/core/prng.ts";
import type { Coverage } from "./coverage.ts";
import { minimised } from "./minimise.ts";
import { mutate } from "./mutate.ts";
import type { Target } from "./target.ts";

/** When a search ends: whichever comes first. */
export interface Effort {
  readonly inputs: number;
  readonly seconds: number;
  readonly seed: number;
}

export interface Failure {
  /** What went wrong, on one line. */
  readonly why: string;
  readonly input: Uint8Array;
}

export interface Figures {
  readonly target: string;
  readonly inputs: number;
  /** Inputs kept because they reached something new. */
  readonly kept: number;
  readonly blocks: { readonly covered: number; readonly known: number };
  readonly slowestMs: number;
  readonly failures: readonly Failure[];
}

/** Asking V8 what ran costs more than most inputs, so it is asked once for many, and for each only when there is news. */
const BATCH = 64;
const SLOW_MS = 1_000;
const MOST_FAILURES = 20;
/** More than the largest input, its copies and everything read from it could ever need. */
const MOST_BYTES = 512 * 1024 * 1024;

interface Attempt {
  readonly why: string | null;
  readonly ms: number;
}

/** Processor time of this thread: what else the machine does meanwhile is not the reader's fault. */
const processorMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
};

async function attempt(target: Target, input: Uint8Array): Promise<Attempt> {
  const before = processorMs();
  const memory = process.memoryUsage().heapUsed;
  let why: string | null = null;
  try {
    await target.run(input);
  } catch (error) {
    why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
  const ms = processorMs() - before;
  if (why === null && ms > SLOW_MS) why = `more than ${SLOW_MS} ms of processor time`;
  if (why === null && process.memoryUsage().heapUsed - memory > MOST_BYTES) why = `more than ${MOST_BYTES} bytes`;
  return { why, ms };
}

/** The kind of a failure: its words without what changes from input to input. */
const kindOf = (why: string): string => why.replace(/\d+|"[^"]*"/g, "…").slice(0, 200);

/** Looks for an input that breaks the target, led by what the inputs reach. The same seed looks at the same inputs. */
export async function search(target: Target, effort: Effort, coverage: Coverage): Promise<Figures> {
  const encode = (text: string | Uint8Array): Uint8Array => (typeof text === "string" ? Buffer.from(text) : text);
  const corpus = target.seeds.map(encode);
  const dictionary = target.dictionary.map(encode);
  const random = prng("fuzz", target.name, effort.seed);
  const failures = new Map<string, Failure>();
  const deadline = performance.now() + effort.seconds * 1_000;
  let inputs = 0;
  let kept = 0;
  let slowestMs = 0;

  const tried = async (input: Uint8Array): Promise<void> => {
    const { why, ms } = await attempt(target, input);
    inputs++;
    slowestMs = Math.max(slowestMs, ms);
    if (why === null || failures.has(kindOf(why)) || failures.size >= MOST_FAILURES) return;
    const same = async (candidate: Uint8Array): Promise<boolean> =>
      kindOf((await attempt(target, candidate)).why ?? "") === kindOf(why);
    failures.set(kindOf(why), { why, input: await minimised(input, same) });
  };

  coverage.reset();
  for (const seed of [...corpus, new Uint8Array()]) await tried(seed);
  coverage.isNew(true);
  while (inputs < effort.inputs && performance.now() < deadline) {
    const batch = Array.from({ length: BATCH }, () => mutate({ random, corpus, dictionary }));
    coverage.reset();
    for (const input of batch) await tried(input);
    if (!coverage.isNew(false)) continue;
    for (const input of batch) {
      coverage.reset();
      await attempt(target, input);
      if (!coverage.isNew(true)) continue;
      corpus.push(input);
      kept++;
    }
  }
  return { target: target.name, inputs, kept, blocks: coverage.blocks(), slowestMs, failures: [...failures.values()] };
}
