/**
 * A folder's files kept as artifacts: `<prefix>/objects/<sha256>`, then `<prefix>/manifests/<number>` as the last thing
 * written. Without its manifest a snapshot does not exist, so a half-written one is never read and the one before stays
 * good. Contents are named by their checksum, so storing again after a crash is safe and costs only what is missing.
 *
 * Whoever may no longer write to Postgres may still write here. So a snapshot that something relies on is recorded there by
 * its reference, and from then on nothing that is stored later counts.
 */

import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { checksumOf, sha256Of } from "../core/checksum.ts";
import { manifestText, parseManifest, pathsProblem, type SnapshotFile } from "../core/snapshot.ts";
import { LabkeeperError } from "../errors.ts";
import type { ArtifactStore } from "../ports.ts";

/** Names one snapshot of a prefix by number and content, for ever: `000002@<sha256 of its manifest>`. */
export type SnapshotRef = string;

/** A file's content, or the absolute path of a plain file that has it. */
export type SnapshotSource = Uint8Array | string;

/** Requests at once: an installer's folder has some hundred small files. */
const PARALLEL = 8;
/** How often somebody else may take the next number before this one gives up. */
const ATTEMPTS = 5;
/** Larger files are not held in memory when the store can stream them. */
const STREAM_FROM = 8 * 1024 * 1024;

/**
 * Stores `files` by their path in the folder (relative, with `/`). Resolves when all of it is durable; from then on it is
 * the newest one under its prefix.
 * Rejects with LK6001 (stop when it has no files or a path is not allowed) or with what the store rejects with.
 */
export async function saveSnapshot(
  artifacts: ArtifactStore,
  prefix: string,
  files: ReadonlyMap<string, SnapshotSource>,
): Promise<SnapshotRef> {
  // An empty one would hide the good one before it.
  const problem = files.size === 0 ? "it has no files" : pathsProblem([...files.keys()]);
  if (problem !== null) {
    throw new LabkeeperError("LK6001", `the snapshot ${prefix} is not stored: ${problem}`, { disposition: "stop" });
  }
  const stored = await inParallel([...files], ([path, source]) => saveFile(artifacts, prefix, path, source));
  const text = new TextEncoder().encode(manifestText(stored));
  for (let attempt = 1; ; attempt++) {
    const number = ((await manifestNumbers(artifacts, prefix)).at(-1) ?? 0) + 1;
    try {
      await artifacts.put(manifestKey(prefix, number), text);
      return refOf(number, text);
    } catch (error) {
      const taken = error instanceof LabkeeperError && error.code === "LK6106";
      if (!taken || attempt === ATTEMPTS) throw error;
    }
  }
}

/** The newest complete snapshot under a prefix; null when there never was one. Rejects as `loadSnapshot`. */
export async function newestSnapshot(artifacts: ArtifactStore, prefix: string): Promise<SnapshotRef | null> {
  const newest = (await manifestNumbers(artifacts, prefix)).at(-1);
  if (newest === undefined) return null;
  const bytes = await artifacts.get(manifestKey(prefix, newest));
  // Listed a moment ago: it was removed with its lab, or the store lost it. Neither is "there never was one".
  if (bytes === null) throw new LabkeeperError("LK6107", `the manifest ${manifestKey(prefix, newest)} is gone`);
  return refOf(newest, bytes);
}

/**
 * The files of exactly this snapshot, by path; null when it is not there.
 * Rejects with LK6107 when it is there but is not what was stored: every path is safe, every content has its checksum.
 */
export async function loadSnapshot(
  artifacts: ArtifactStore,
  prefix: string,
  ref: SnapshotRef,
): Promise<Map<string, Uint8Array> | null> {
  const key = manifestOf(prefix, ref);
  const bytes = await artifacts.get(key);
  if (bytes === null) return null;
  const exchanged = !ref.endsWith(`@${sha256Of(bytes)}`);
  const parsed = exchanged ? { problem: "is not the one that was recorded" } : parseManifest(textOf(bytes));
  if ("problem" in parsed) throw new LabkeeperError("LK6107", `the manifest ${key} ${parsed.problem}`);
  const loaded = await inParallel(parsed.files, async (file) => {
    const content = await artifacts.get(objectKey(prefix, file.sha256));
    if (content === null || content.length !== file.size || sha256Of(content) !== file.sha256) {
      const what = content === null ? "is missing" : "is not what was stored";
      throw new LabkeeperError("LK6107", `${JSON.stringify(file.path)} of the snapshot ${key} ${what}`);
    }
    return [file.path, content] as const;
  });
  return new Map(loaded);
}

/** The artifact that makes this snapshot one. Throws LK6107 on what is no reference. */
export function manifestOf(prefix: string, ref: SnapshotRef): string {
  const [, number] = REF.exec(ref) ?? [];
  if (number !== undefined) return manifestKey(prefix, Number(number));
  throw new LabkeeperError("LK6107", `${JSON.stringify(ref.slice(0, 100))} names no snapshot`);
}

const REF = /^(\d{6,15})@([0-9a-f]{64})$/;
const refOf = (number: number, manifest: Uint8Array): SnapshotRef => `${padded(number)}@${sha256Of(manifest)}`;
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const padded = (number: number): string => String(number).padStart(6, "0");

const objectKey = (prefix: string, sha256: string): string => `${prefix}/objects/${sha256}`;
const manifestKey = (prefix: string, number: number): string => `${prefix}/manifests/${padded(number)}.json`;

async function manifestNumbers(artifacts: ArtifactStore, prefix: string): Promise<number[]> {
  const keys = await artifacts.list(`${prefix}/manifests`);
  const numbers = keys.map((key) => Number(/\/manifests\/(\d{6,})\.json$/.exec(key)?.[1] ?? Number.NaN));
  return numbers.filter(Number.isSafeInteger).sort((a, b) => a - b);
}

async function saveFile(
  artifacts: ArtifactStore,
  prefix: string,
  path: string,
  source: SnapshotSource,
): Promise<SnapshotFile> {
  if (typeof source !== "string") return await saveBytes(artifacts, prefix, path, source);
  try {
    // Not through a link: it could have been put there to have some other file stored.
    await using file = await open(source, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = await file.stat();
    const { size } = stat;
    if (!stat.isFile()) throw Object.assign(new Error(`${source} is not a plain file`), { code: "EINVAL" });
    if (artifacts.putFile === undefined || size < STREAM_FROM) {
      return await saveBytes(artifacts, prefix, path, await file.readFile());
    }
    // A log that grows meanwhile is stored as it was when this began.
    const expected = await checksumOf(file.createReadStream({ end: size - 1, autoClose: false }));
    await artifacts.putFile(objectKey(prefix, expected.sha256), source, expected);
    return { path, ...expected };
  } catch (error) {
    if (error instanceof LabkeeperError) throw error;
    const why = (error as NodeJS.ErrnoException).code ?? "unknown error";
    throw new LabkeeperError("LK6001", `cannot read ${source} for the snapshot ${prefix} (${why})`, { cause: error });
  }
}

async function saveBytes(
  artifacts: ArtifactStore,
  prefix: string,
  path: string,
  bytes: Uint8Array,
): Promise<SnapshotFile> {
  const sha256 = sha256Of(bytes);
  await artifacts.put(objectKey(prefix, sha256), bytes);
  return { path, sha256, size: bytes.length };
}

/** Some at once, answers in order. After the first failure no more are started, and none is left running. */
async function inParallel<In, Out>(items: readonly In[], work: (item: In) => Promise<Out>): Promise<Out[]> {
  const answers: Out[] = [];
  for (let start = 0; start < items.length; start += PARALLEL) {
    const settled = await Promise.allSettled(items.slice(start, start + PARALLEL).map(work));
    for (const end of settled) {
      if (end.status === "rejected") throw end.reason;
      answers.push(end.value);
    }
  }
  return answers;
}
