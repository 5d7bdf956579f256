import { performance } from "node:perf_hooks";

/** Milliseconds that some work takes, and what it answers. */
export async function timed<T>(work: () => Promise<T> | T): Promise<{ readonly ms: number; readonly result: T }> {
  const start = performance.now();
  const result = await work();
  return { ms: performance.now() - start, result };
}

/**
 * Runs work again and again and collects what it answers: at most `runs` times, and no new run once `budgetMs` has
 * passed; one run in any case.
 */
export async function sample<T>(
  { runs, budgetMs }: { readonly runs: number; readonly budgetMs: number },
  work: (run: number) => Promise<T>,
): Promise<T[]> {
  const end = performance.now() + budgetMs;
  const found: T[] = [];
  for (let run = 0; run < runs && (run === 0 || performance.now() < end); run++) found.push(await work(run));
  return found;
}

/** The same in milliseconds a run. */
export const sampleMs = async (
  limits: { readonly runs: number; readonly budgetMs: number },
  work: (run: number) => Promise<unknown>,
): Promise<number[]> => sample(limits, async (run) => (await timed(() => work(run))).ms);
