import { setImmediate as nextTurn } from "node:timers/promises";
import type { ArtifactStore, Clock } from "../ports.ts";

/** Characters of a line that are kept. */
const LONGEST_LINE = 4_096;

/**
 * A lab's log: lines in order, written behind the work's back, never failing it. Redaction has happened before, so that
 * cutting a long line leaves no half of a secret; a store that cannot be written loses lines, not labs.
 */
export function labLog(
  artifacts: ArtifactStore,
  key: string,
  clock: Clock,
): { line(text: string): void; flushed(): Promise<void> } {
  let waiting = "";
  let writing: Promise<void> | null = null;

  const write = async (): Promise<void> => {
    while (waiting !== "") {
      // Lines of one turn go together.
      await nextTurn();
      const text = waiting;
      waiting = "";
      await artifacts.append(key, text).catch(() => undefined);
    }
    writing = null;
  };
  return {
    line(text) {
      const line = text.length > LONGEST_LINE ? `${text.slice(0, LONGEST_LINE)}… (cut)` : text;
      waiting += `${clock.now().toISOString()} ${line.replaceAll(/[\r\n]+/g, " ")}\n`;
      writing ??= write();
    },
    async flushed() {
      while (writing !== null) await writing;
    },
  };
}
