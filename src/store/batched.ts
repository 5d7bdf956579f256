import { setImmediate as nextTurn } from "node:timers/promises";

/**
 * Writes that arrive while one is under way go together in the next: one round trip and one commit for all of them.
 * When a batch fails each of its writes is tried alone, so that one lost lease harms only its own job.
 */
export function batched<Args extends unknown[], Item>(
  write: (items: readonly Item[]) => Promise<void>,
  toItem: (...args: Args) => Item,
): (...args: Args) => Promise<void> {
  interface Waiting {
    readonly item: Item;
    readonly resolve: () => void;
    readonly reject: (error: unknown) => void;
  }
  let waiting: Waiting[] = [];
  let writing = false;

  const alone = ({ item, resolve, reject }: Waiting): Promise<void> => write([item]).then(resolve, reject);

  const flush = async (): Promise<void> => {
    writing = true;
    while (waiting.length > 0) {
      // What starts together comes in the same turn: it shares the first write instead of waiting for it.
      await nextTurn();
      const batch = waiting;
      waiting = [];
      try {
        await write(batch.map(({ item }) => item));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        if (batch.length === 1) for (const { reject } of batch) reject(error);
        else for (const entry of batch) await alone(entry);
      }
    }
    writing = false;
  };

  return (...args) =>
    new Promise((resolve, reject) => {
      waiting.push({ item: toItem(...args), resolve, reject });
      if (!writing) void flush();
    });
}
