/** One thing at a time, in the order in which it was asked for. */

export type Turns = <T>(work: () => Promise<T>) => Promise<T>;

/** GitHub asks that writes come one after another, or its secondary limit answers. */
export const createTurns = (): Turns => {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => null);
    return mine;
  };
};

/** Answers as `work` does, or fails at once when `signal` says so; `work` ends by itself. */
export const orStopped = async <T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> => {
  if (signal === undefined) return await work;
  let stop = (): void => undefined;
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(Object.assign(new Error("it was interrupted"), { name: "AbortError" }));
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
};
