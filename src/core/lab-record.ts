/**
 * What the artifacts remember of labs: enough to put a lab's row back when Postgres is restored from an older backup.
 * `labs-by-name/<lab>/<lab-id>/<number>-<job-id>-<token>.json`, one more each time its intent is replaced.
 */

import { digestOf } from "./canonical.ts";
import type { JsonObject, Lab, RememberedLab } from "./types.ts";

export const MEMORY = "labs-by-name";

/** Everything that is remembered of one lab. */
export const memoryOf = ({ id, name }: Pick<Lab, "id" | "name">): string => `${MEMORY}/${name}/${id}`;

const padded = (number: number, digits: number): string => String(number).padStart(digits, "0");

/**
 * Keys of one lab sort by number. Who lost its lease may write what its successor writes as well, under the same number:
 * then the greater fencing token counts.
 */
export const recordKey = (
  lab: Pick<Lab, "id" | "name">,
  { number, job, token }: { readonly number: number; readonly job: string; readonly token: number },
): string => `${memoryOf(lab)}/${padded(number, 6)}-${job}-${padded(token, 16)}.json`;

export interface RecordPlace {
  readonly name: string;
  readonly labId: string;
  readonly number: number;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Tokens are microseconds since 1970, and have sixteen digits until the year 2286. */
const FILE = /^(\d{6,12})-[0-9a-f-]{36}-\d{16}\.json$/;

/** Null for a key of `labs-by-name` that this version does not write: nobody knows what it says. */
export function recordPlace(key: string): RecordPlace | null {
  const [folder, name = "", labId = "", file = "", ...more] = key.split("/");
  const number = FILE.exec(file)?.[1];
  if (folder !== MEMORY || number === undefined || more.length > 0 || !UUID.test(labId)) return null;
  return { name, labId, number: Number(number) };
}

const content = ({ id, name, team, path, commit, documentDigest, spec, policy, intent, createdAt }: RememberedLab) => ({
  id,
  name,
  team,
  path,
  commit,
  documentDigest,
  spec,
  policy: { name: policy.name, digest: policy.digest, spec: policy.spec },
  intent,
  createdAt: createdAt.toISOString(),
});

/** Holds no secret: neither has an intent. */
export function recordText(remembered: RememberedLab): string {
  const lab = content(remembered);
  return `${JSON.stringify({ kind: "LabRecord", version: 1, digest: digestOf(lab), lab }, null, 1)}\n`;
}

export type ReadRecord = { readonly lab: RememberedLab } | { readonly problem: string };

/** Reads what `recordText` wrote under this key, and nothing else. */
export function readRecord(key: string, text: string): ReadRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: "is not JSON" };
  }
  const { kind, version, digest, lab } = (value ?? {}) as Record<string, unknown>;
  if (kind !== "LabRecord") return { problem: "is no record of a lab" };
  if (version !== 1) return { problem: "was written by another version of labkeeper" };
  if (!isContent(lab) || digest !== digestOf(lab)) return { problem: "does not have its own checksum" };
  const createdAt = new Date(lab.createdAt);
  const place = recordPlace(key);
  if (place?.labId !== lab.id || place.name !== lab.name) return { problem: "is of another lab than its key says" };
  if (Number.isNaN(createdAt.getTime())) return { problem: "says no time of creation" };
  return { lab: { ...lab, createdAt } };
}

type Content = Omit<RememberedLab, "createdAt"> & { readonly createdAt: string };

/** The checksum vouches for the rest: whoever computed it wrote all of it. */
const isContent = (value: unknown): value is Content =>
  isObject(value) &&
  ["id", "name", "team", "path", "commit", "documentDigest", "createdAt"].every(
    (field) => typeof value[field] === "string",
  ) &&
  ["spec", "policy", "intent"].every((field) => isObject(value[field]));

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
