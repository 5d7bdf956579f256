/**
 * A log in a store that cannot append: chunks named by where they begin, `<name>~/<byte, 16 digits>`. A chunk is created
 * and never replaced, so of two writers who want the same place one has to look again, and no line is lost. Readers know
 * from the names alone what is new to them, and whether something is missing.
 */

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { LabkeeperError } from "../../errors.ts";
import { type Bucket, checksumOfBytes, type StoredObject } from "./s3-bucket.ts";

/** No chunk is longer, so a reader who wants byte n need not look further back than this. */
const MOST_BYTES = 4 * 1024 * 1024;
/** Chunks read at once. */
const PARALLEL = 8;
/** Writers that take each other's place this often are not two workers but a defect. */
const ATTEMPTS = 50;
/** Logs whose end is remembered. */
const REMEMBERED = 500;

export const chunkFolder = (name: string): string => `${name}~/`;
const chunkName = (name: string, start: number): string => `${chunkFolder(name)}${String(start).padStart(16, "0")}`;
const startOf = (chunk: StoredObject): number => Number(chunk.name.slice(-16));
const endOf = (chunk: StoredObject | undefined): number => (chunk === undefined ? 0 : startOf(chunk) + chunk.size);

export interface ChunkedLogs {
  append(name: string, bytes: Buffer): Promise<void>;
  /** From byte `from` on; null when nothing was ever appended. */
  read(name: string, from: number): Promise<Buffer | null>;
}

interface Waiting {
  readonly bytes: Buffer;
  done(): void;
  failed(error: unknown): void;
}

/**
 * `intervalMs` is the least time between two chunks of one log; what comes meanwhile goes into the next one. It bounds
 * how many objects a log can have: at one second, 2,700 in an install of 45 minutes.
 */
export function chunkedLogs(bucket: Bucket, intervalMs: number): ChunkedLogs {
  const ends = new Map<string, number>();
  const queues = new Map<string, Waiting[]>();

  const findEnd = async (name: string): Promise<number> => endOf((await bucket.list(chunkFolder(name))).at(-1));

  const write = async (name: string, bytes: Buffer): Promise<void> => {
    const writer = randomUUID();
    const checksum = checksumOfBytes(bytes);
    let start = ends.get(name) ?? (await findEnd(name));
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      if ((await bucket.create(chunkName(name, start), bytes, checksum, writer)) === "created") {
        remember(ends, name, start + bytes.length);
        return;
      }
      start = await findEnd(name);
    }
    throw new LabkeeperError("LK6001", `others keep appending to ${name}`);
  };

  const drain = async (name: string, waiting: Waiting[]): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.splice(0);
      const whole = Buffer.concat(batch.map(({ bytes }) => bytes));
      try {
        for (let at = 0; at < whole.length; at += MOST_BYTES) await write(name, whole.subarray(at, at + MOST_BYTES));
        for (const { done } of batch) done();
      } catch (error) {
        // Somebody else may have appended, or a request that failed here may have been carried out there.
        ends.delete(name);
        for (const { failed } of batch) failed(error);
      }
      await pause(intervalMs);
    }
    queues.delete(name);
  };

  return {
    append: (name, bytes) =>
      new Promise((resolve, reject) => {
        const entry: Waiting = { bytes, done: resolve, failed: reject };
        const queue = queues.get(name);
        if (queue !== undefined) {
          queue.push(entry);
          return;
        }
        const started = [entry];
        queues.set(name, started);
        drain(name, started).catch(reject);
      }),

    read: async (name, from) => {
      const after = from > MOST_BYTES ? chunkName(name, from - MOST_BYTES) : undefined;
      let chunks = await bucket.list(chunkFolder(name), after);
      // Nothing near there: the log is shorter, or there is none.
      if (chunks.length === 0 && after !== undefined) chunks = await bucket.list(chunkFolder(name));
      if (chunks.length === 0) return null;
      const wanted = chunks.filter((chunk) => endOf(chunk) > from);
      const [first] = wanted;
      if (first === undefined) return Buffer.alloc(0);
      refuseGaps(name, wanted, from);
      return Buffer.concat(await contentsOf(bucket, wanted)).subarray(from - startOf(first));
    },
  };
}

function refuseGaps(name: string, chunks: readonly StoredObject[], from: number): void {
  const gap = chunks.findIndex((chunk, index) =>
    index === 0 ? startOf(chunk) > from : startOf(chunk) !== endOf(chunks[index - 1]),
  );
  if (gap !== -1)
    throw new LabkeeperError("LK6107", `${name} has a gap before byte ${startOf(chunks[gap] as StoredObject)}`);
}

async function contentsOf(bucket: Bucket, chunks: readonly StoredObject[]): Promise<Buffer[]> {
  const contents: Buffer[] = [];
  for (let start = 0; start < chunks.length; start += PARALLEL) {
    const some = chunks.slice(start, start + PARALLEL);
    contents.push(
      ...(await Promise.all(
        some.map(async ({ name }) => {
          const bytes = await bucket.read(name);
          if (bytes === null) throw new LabkeeperError("LK6001", `${name} was removed while it was read`);
          return bytes;
        }),
      )),
    );
  }
  return contents;
}

function remember(ends: Map<string, number>, name: string, end: number): void {
  ends.delete(name);
  ends.set(name, end);
  const [oldest] = ends.keys();
  if (ends.size > REMEMBERED && oldest !== undefined) ends.delete(oldest);
}
