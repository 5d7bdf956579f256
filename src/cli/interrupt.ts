import { constants } from "node:os";

export type StopSignal = "SIGINT" | "SIGTERM";

export interface Interrupt extends Disposable {
  readonly signal: AbortSignal;
  /** The signal that asked to stop; null when none did. */
  received(): StopSignal | null;
}

/** Shells report a process ended by a signal as 128 + its number. */
export const exitCodeOf = (signal: StopSignal): number => 128 + constants.signals[signal];

/** The first Ctrl-C (or SIGTERM) asks for an orderly end, the second ends at once. */
export const listenForInterrupt = (note: (text: string) => void): Interrupt => {
  const controller = new AbortController();
  let received: StopSignal | null = null;
  const handle = (signal: StopSignal): void => {
    if (received !== null) process.exit(exitCodeOf(signal));
    received = signal;
    if (signal === "SIGINT") note("\nStopping; press Ctrl-C again to stop at once.");
    controller.abort(new DOMException(`stopped by ${signal}`, "AbortError"));
  };
  process.on("SIGINT", handle);
  process.on("SIGTERM", handle);
  return {
    signal: controller.signal,
    received: () => received,
    [Symbol.dispose]: () => {
      process.off("SIGINT", handle);
      process.off("SIGTERM", handle);
    },
  };
};
