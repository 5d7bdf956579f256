/** Labs that were made, and that Postgres does not know: it was restored from an older backup. */

import { MEMORY, readRecord, recordPlace } from "../core/lab-record.ts";
import type { Remembered, RememberedLab } from "../core/types.ts";
import { LabkeeperError } from "../errors.ts";
import type { ArtifactStore, ReconcileStore } from "../ports.ts";

/** Read at once: after a whole database was lost there is one for each lab. */
const PARALLEL = 8;

/**
 * What is remembered of labs with these names, without those that the records know in any state. One list, however many
 * names; an artifact is read only for a name that has such a lab. What cannot be read is answered as unreadable for the
 * names that it concerns. @throws what the store throws
 */
export async function recallLabs(
  artifacts: Pick<ArtifactStore, "list" | "get">,
  store: Pick<ReconcileStore, "unknownLabs">,
  names: readonly string[],
): Promise<ReadonlyMap<string, Remembered>> {
  if (names.length === 0) return new Map();
  const keys = await artifacts.list(MEMORY).catch((error: unknown) => unreadable(error));
  if ("why" in keys) return new Map(names.map((name) => [name, keys]));
  const byName = keysByName(keys, new Set(names));
  const ids = [...byName.values()].flatMap(({ latest }) => [...latest.keys()]);
  const unknown = ids.length === 0 ? new Set<string>() : new Set(await store.unknownLabs(ids));
  const found = new Map<string, Remembered>();
  const queue = [...byName];
  const worker = async (): Promise<void> => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const [name, kept] = next;
      const remembered = await recallName(artifacts, kept, unknown);
      if (remembered !== null) found.set(name, remembered);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return found;
}

interface Kept {
  /** The last record of each lab, by lab id. */
  readonly latest: Map<string, string>;
  /** What this version does not understand. */
  foreign: string | null;
}

/** `keys` are sorted, so the last of a lab is its latest. */
function keysByName(keys: readonly string[], names: ReadonlySet<string>): ReadonlyMap<string, Kept> {
  const byName = new Map<string, Kept>();
  for (const key of keys) {
    const name = key.split("/")[1] ?? "";
    if (!names.has(name)) continue;
    const kept = byName.get(name) ?? { latest: new Map(), foreign: null };
    byName.set(name, kept);
    const place = recordPlace(key);
    if (place === null) kept.foreign = key;
    else kept.latest.set(place.labId, key);
  }
  return byName;
}

async function recallName(
  artifacts: Pick<ArtifactStore, "get">,
  { latest, foreign }: Kept,
  unknown: ReadonlySet<string>,
): Promise<Remembered | null> {
  if (foreign !== null) return unreadable(new LabkeeperError("LK6109", foreign));
  // Ids are drawn in the order of time.
  const [id, ...others] = [...latest.keys()]
    .filter((each) => unknown.has(each))
    .sort()
    .reverse();
  const key = id === undefined ? undefined : latest.get(id);
  if (key === undefined) return null;
  try {
    return { kind: "lab", lab: await readRemembered(artifacts, key), others };
  } catch (error) {
    return unreadable(error);
  }
}

interface Finding {
  readonly resource: { readonly labId: string | null };
  readonly lab: string | null;
}

/** Findings with the names of labs that only the artifacts remember. Where they cannot be read, findings stay as they are. */
export async function namedFromMemory<F extends Finding>(
  artifacts: Pick<ArtifactStore, "list">,
  findings: readonly F[],
): Promise<readonly F[]> {
  if (!findings.some(({ resource, lab }) => lab === null && resource.labId !== null)) return findings;
  const keys = await artifacts.list(MEMORY).catch((): readonly string[] => []);
  const names = new Map(
    keys.flatMap((key) => {
      const place = recordPlace(key);
      return place === null ? [] : [[place.labId, place.name] as const];
    }),
  );
  return findings.map((finding) => ({
    ...finding,
    lab: finding.lab ?? names.get(finding.resource.labId ?? "") ?? null,
  }));
}

/** @throws LK6109 for what is not what was put, or is gone since it was listed, which nobody may take for never made */
export async function readRemembered(artifacts: Pick<ArtifactStore, "get">, key: string): Promise<RememberedLab> {
  const bytes = await artifacts.get(key);
  const read = bytes === null ? { problem: "is gone" } : readRecord(key, new TextDecoder().decode(bytes));
  if ("problem" in read) throw new LabkeeperError("LK6109", `${key} ${read.problem}`);
  return read.lab;
}

function unreadable(error: unknown): Extract<Remembered, { kind: "unreadable" }> {
  if (!(error instanceof LabkeeperError)) throw error;
  return { kind: "unreadable", why: `${error.code} ${error.message}`, remedy: error.remedy };
}
