/**
 * A log in a store that cannot append: chunks named by where they begin, `<name>~/<byte, 16 digits>`. A chunk is created
 * and never replaced, so of two writers who want the same place one has to look again, and no line is lost. Readers know
 * from the names alone what is new to them, and whether something is missing. Many chunks that one process wrote in a row
 * are written once more as a whole, `<name>~/<first byte>-<end>`, so that a long log does not take a request for each.
 */

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { LabkeeperError } from "../../errors.ts";
import { type Bucket, checksumOfBytes, type StoredObject } from "./s3-bucket.ts";

/** No chunk is longer, so a reader who wants byte n need not look further back than this. */
const MOST_BYTES = 4 * 1024 * 1024;
/** So many chunks, or so many bytes of them, are worth a whole. */
const WHOLE_CHUNKS = 64;
const WHOLE_BYTES = 1024 * 1024;
/** Chunks read at once. */
const PARALLEL = 8;
/** Writers that take each other's place this often are not two workers but a defect. */
const ATTEMPTS = 50;
/** Logs whose end is remembered. */
const REMEMBERED = 500;
/** Logs whose latest chunks are kept in memory until they are worth a whole. */
const GATHERED = 50;

export const chunkFolder = (name: string): string => `${name}~/`;
const chunkName = (name: string, start: number): string => `${chunkFolder(name)}${String(start).padStart(16, "0")}`;
const wholeName = (name: string, start: number, end: number): string =>
  `${chunkName(name, start)}-${String(end).padStart(16, "0")}`;
/** Of the name of any object of a log. */
export const CHUNK = /~\/(\d{16})(-\d{16})?$/;
const startOf = (chunk: StoredObject): number => Number(CHUNK.exec(chunk.name)?.[1] ?? Number.NaN);
const endOf = (chunk: StoredObject): number => startOf(chunk) + chunk.size;

export interface ChunkedLogs {
  append(name: string, bytes: Buffer): Promise<void>;
  /** From byte `from` on; null when nothing was ever appended. */
  read(name: string, from: number): Promise<Buffer | null>;
  /** Whether it was read up to there before, and exactly: then it is a log, and only what is new need be looked for. */
  follows(name: string, from: number): boolean;
}

/** What this process wrote in a row since its latest whole. */
interface Gathered {
  readonly start: number;
  readonly parts: readonly Buffer[];
  readonly size: number;
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
  const readUntil = new Map<string, number>();
  const gathered = new Map<string, Gathered>();
  const queues = new Map<string, Waiting[]>();

  const findEnd = async (name: string): Promise<number> =>
    (await bucket.list(chunkFolder(name))).reduce((end, chunk) => Math.max(end, endOf(chunk)), 0);

  const gather = (name: string, start: number, bytes: Buffer): void => {
    const before = gathered.get(name);
    const goesOn = before !== undefined && before.start + before.size === start;
    const { parts = [], size = 0 } = goesOn ? before : {};
    const now = { start: goesOn ? before.start : start, parts: [...parts, bytes], size: size + bytes.length };
    // Alone it is as good as a whole, and it may be as long as one may be.
    if (now.size > MOST_BYTES) gathered.delete(name);
    else remember(gathered, name, now, GATHERED);
  };

  const writeWhole = async (name: string): Promise<void> => {
    const found = gathered.get(name);
    if (found === undefined || (found.parts.length < WHOLE_CHUNKS && found.size < WHOLE_BYTES)) return;
    gathered.delete(name);
    if (found.parts.length === 1) return;
    const bytes = Buffer.concat(found.parts);
    const whole = wholeName(name, found.start, found.start + found.size);
    // Only readers are faster by it.
    await bucket.create(whole, bytes, checksumOfBytes(bytes)).catch(() => undefined);
  };

  const write = async (name: string, bytes: Buffer): Promise<void> => {
    const writer = randomUUID();
    const checksum = checksumOfBytes(bytes);
    let start = ends.get(name) ?? (await findEnd(name));
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      if ((await bucket.create(chunkName(name, start), bytes, checksum, writer)) === "created") {
        remember(ends, name, start + bytes.length, REMEMBERED);
        gather(name, start, bytes);
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
      await writeWhole(name);
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

    follows: (name, from) => from > 0 && readUntil.get(name) === from,

    read: async (name, from) => {
      const goesOn = from > 0 && readUntil.get(name) === from;
      const after = goesOn ? from - 1 : from - MOST_BYTES;
      let chunks = await bucket.list(chunkFolder(name), after > 0 ? chunkName(name, after) : undefined);
      if (goesOn && chunks.length === 0) return Buffer.alloc(0);
      // Nothing near there: the log is shorter, or there is none.
      if (chunks.length === 0 && after > 0) chunks = await bucket.list(chunkFolder(name));
      if (chunks.length === 0) return null;
      const wanted = fewest(name, chunks, from);
      const [first] = wanted;
      if (first === undefined) return Buffer.alloc(0);
      const bytes = Buffer.concat(await contentsOf(bucket, wanted)).subarray(from - startOf(first));
      remember(readUntil, name, from + bytes.length, REMEMBERED);
      return bytes;
    },
  };
}

/** The longest object at each place, from the one that has byte `from` to the end. Rejects when something is missing. */
function fewest(name: string, chunks: readonly StoredObject[], from: number): readonly StoredObject[] {
  const chosen: StoredObject[] = [];
  const left = chunks.filter((chunk) => endOf(chunk) > from).sort((a, b) => startOf(a) - startOf(b));
  let at = from;
  let best: StoredObject | undefined;
  const take = (): void => {
    if (best === undefined || endOf(best) <= at) return;
    chosen.push(best);
    at = endOf(best);
  };
  for (const chunk of left) {
    // Nothing that begins later can be of use before the best one so far is.
    if (startOf(chunk) > at) take();
    if (startOf(chunk) > at) throw new LabkeeperError("LK6107", `${name} has a gap before byte ${startOf(chunk)}`);
    if (best === undefined || endOf(chunk) > endOf(best)) best = chunk;
  }
  take();
  return chosen;
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

/** The newest ones stay. */
function remember<T>(map: Map<string, T>, name: string, value: T, most: number): void {
  map.delete(name);
  map.set(name, value);
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
}
