import { createInterface } from "node:readline/promises";

/** Whether there is a person who can be asked. */
export const canAsk = (): boolean => process.stdin.isTTY === true && process.stderr.isTTY === true;

/** Asks on the terminal; everything but `yes` is a no. */
export const confirm = async (question: string, signal: AbortSignal): Promise<boolean> => {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(`${question} Type yes: `, { signal })).trim() === "yes";
  } finally {
    terminal.close();
  }
};
