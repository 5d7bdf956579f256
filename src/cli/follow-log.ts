/** A lab's log while it grows: what was read once is not asked for again. */

import { setTimeout as pause } from "node:timers/promises";
import type { ArtifactStore } from "../ports.ts";

/** Keys of a lab's logs. Job ids are time-ordered, so their order is the order of the jobs. */
export const logKeys = async (artifacts: ArtifactStore, labId: string): Promise<string[]> =>
  (await artifacts.list(`labs/${labId}/`)).filter((key) => key.endsWith("/log")).sort();

export interface Following {
  readonly artifacts: ArtifactStore;
  /** The lab as it is now, and the job that works or waits; null: nothing will be written any more. */
  look(): Promise<{ readonly labId: string; readonly job: string | null }>;
  out(text: string): void;
  readonly stop: AbortSignal;
  /** Between two looks, milliseconds. */
  readonly everyMs: number;
}

/** Hands out what is there and what comes, in whole lines, until nothing works on the lab any more. */
export async function followLog({ artifacts, look, out, stop, everyMs }: Following): Promise<void> {
  const readers = new Map<string, Reader>();
  let recent: readonly string[] = [];
  for (let first = true; ; first = false) {
    // Asked before reading, so that the last lines of a job that just ended are still printed.
    const { labId, job } = await look();
    const now = job === null ? [] : [`labs/${labId}/${job}/log`];
    const last = job === null || stop.aborted;
    // All there are, in the beginning and in the end; in between only those that can grow are asked for.
    const keys = first || last ? await logKeys(artifacts, labId) : new Set([...recent, ...now]);
    for (const key of keys) {
      const reader = readers.get(key) ?? readerOf(artifacts, key);
      readers.set(key, reader);
      const fresh = await reader.fresh(last);
      if (fresh !== "") out(fresh);
    }
    if (last) return;
    recent = now;
    await pause(everyMs, undefined, { signal: stop }).catch(() => undefined);
  }
}

interface Reader {
  /** Whole lines that are new; at the end also a line that nobody finished. */
  fresh(final: boolean): Promise<string>;
}

function readerOf(artifacts: ArtifactStore, key: string): Reader {
  const decoder = new TextDecoder();
  let read = 0;
  let rest = "";
  return {
    async fresh(final) {
      const bytes = await artifacts.get(key, read);
      read += bytes?.length ?? 0;
      rest += decoder.decode(bytes ?? undefined, { stream: !final });
      const end = final ? rest.length : rest.lastIndexOf("\n") + 1;
      const text = rest.slice(0, end);
      rest = rest.slice(end);
      return text;
    },
  };
}
