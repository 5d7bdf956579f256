/** What is kept of a cluster among the artifacts: its install state, how far it came, and why it failed. */

import { createHash } from "node:crypto";
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import type { FailureFound } from "../../core/openshift/failures.ts";
import { laterStage, type Stage } from "../../core/openshift/progress.ts";
import type { ArtifactStore } from "../../ports.ts";
import { manifestOf } from "../snapshot.ts";
import { folderFiles } from "../snapshot-folder.ts";
import type { ClusterRecord } from "./intent.ts";

/** Every cluster of a lab has a number of its own; what was kept under one is never replaced. */
export const installsPrefix = (labId: string): string => `labs/${labId}/installs`;
export const snapshotPrefix = (labId: string, number: number): string =>
  `${installsPrefix(labId)}/${String(number).padStart(3, "0")}`;

/** Numbers in use, whether what is kept under them is whole or not. */
export async function usedNumbers(artifacts: ArtifactStore, labId: string): Promise<readonly number[]> {
  const prefix = installsPrefix(labId);
  const found = (await artifacts.list(prefix)).map((key) => Number(key.slice(prefix.length + 1).split("/")[0]));
  return [...new Set(found.filter(Number.isSafeInteger))].sort((a, b) => a - b);
}

export interface History {
  readonly kept: boolean;
  readonly stage: Stage | null;
  readonly failures: number;
  readonly mayFinish: boolean;
}

const STAGES: readonly Stage[] = ["infrastructure", "bootstrap", "initialize", "complete"];
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Durable when it resolves. The same stage twice is the same bytes. */
export const keepStage = (artifacts: ArtifactStore, snapshot: string, stage: Stage): Promise<void> =>
  artifacts.put(`${snapshot}/stages/${stage}`, encode(`${stage}\n`));

export async function readHistory(
  artifacts: ArtifactStore,
  { snapshot, snapshotRef }: Pick<ClusterRecord, "snapshot" | "snapshotRef">,
): Promise<History> {
  const [manifests, stages, failures] = await Promise.all([
    artifacts.list(`${snapshot}/manifests`),
    artifacts.list(`${snapshot}/stages`),
    artifacts.list(`${snapshot}/failures`),
  ]);
  const reached = STAGES.filter((stage) => stages.includes(`${snapshot}/stages/${stage}`));
  const last = [...failures].sort().at(-1);
  const bytes = last === undefined ? null : await artifacts.get(last);
  return {
    kept: snapshotRef === null ? manifests.length > 0 : manifests.includes(manifestOf(snapshot, snapshotRef)),
    stage: reached.length === 0 ? null : reached.reduce(laterStage),
    failures: failures.length,
    mayFinish: bytes !== null && new TextDecoder().decode(bytes).includes('"mayFinish":true'),
  };
}

export async function keepFailure(
  artifacts: ArtifactStore,
  snapshot: string,
  found: FailureFound,
  what: { readonly command: string; readonly exitCode: number | null; readonly at: Date },
): Promise<void> {
  const number = (await artifacts.list(`${snapshot}/failures`)).length + 1;
  const { kind } = found;
  const text = JSON.stringify({ ...what, at: what.at.toISOString(), class: kind.class, mayFinish: kind.mayFinish });
  await artifacts.put(`${snapshot}/failures/${String(number).padStart(3, "0")}.json`, encode(`${text}\n`));
}

const shortHash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex").slice(0, 12);

/** Of the installer's own log, what is kept of a failure: its end. Bytes. */
const LOG_END = 4 * 1024 ** 2;

/** The log bundle and the end of the installer's own log. Answers their keys. */
export async function keepEvidence(
  artifacts: ArtifactStore,
  snapshot: string,
  folder: string,
  redact: (text: string) => string,
): Promise<readonly string[]> {
  const keys: string[] = [];
  const bundles = await folderFiles(folder, (path) => /^log-bundle-[\w-]+\.tar\.gz$/.test(path));
  for (const [name, path] of bundles) {
    const bytes = await readEnd(path, Number.MAX_SAFE_INTEGER);
    keys.push(`${snapshot}/evidence/${shortHash(bytes)}-${name}`);
    await artifacts.put(keys.at(-1) ?? "", bytes);
  }
  const log = await readEnd(join(folder, ".openshift_install.log"), LOG_END).catch(() => null);
  if (log !== null) {
    const bytes = encode(redact(wholeLines(log)));
    keys.push(`${snapshot}/evidence/${shortHash(bytes)}-openshift_install.log`);
    await artifacts.put(keys.at(-1) ?? "", bytes);
  }
  return keys;
}

/** Where the end of a log begins in the middle of a line, there may be half a secret, which nobody recognises. */
const wholeLines = (bytes: Uint8Array): string => {
  const text = new TextDecoder().decode(bytes);
  return bytes.length < LOG_END ? text : text.slice(text.indexOf("\n") + 1 || text.length);
};

async function readEnd(path: string, most: number): Promise<Uint8Array> {
  const { size } = await stat(path);
  await using file = await open(path, "r");
  const bytes = Buffer.alloc(Math.min(size, most));
  const { bytesRead } = await file.read(bytes, 0, bytes.length, Math.max(0, size - most));
  return bytes.subarray(0, bytesRead);
}
