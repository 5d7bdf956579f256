/**
 * The install state of exactly one cluster. A worker that was given up for dead may store another one beside it, of its own
 * infraID even, so what is read is what the intent in Postgres names, where only the lab's lease lets anybody write.
 */

import { idsFromState, parseMetadata } from "../../core/openshift/metadata.ts";
import { LabkeeperError } from "../../errors.ts";
import type { ArtifactStore } from "../../ports.ts";
import { loadSnapshot, newestSnapshot } from "../snapshot.ts";
import { restoreFolder } from "../snapshot-folder.ts";
import { emptyFolder } from "./folders.ts";
import type { ClusterRecord } from "./intent.ts";

export const STATE = ".openshift_install_state.json";

/** Null when none is kept. Throws LK5203 when what is kept is of another cluster or of none, LK6107 when it is damaged. */
export async function keptState(
  artifacts: ArtifactStore,
  { infraId, snapshot, snapshotRef }: ClusterRecord,
): Promise<ReadonlyMap<string, Uint8Array> | null> {
  const ref = snapshotRef ?? (await newestSnapshot(artifacts, snapshot));
  const files = ref === null ? null : await loadSnapshot(artifacts, snapshot, ref);
  if (files === null) return null;
  const found = infraIdIn(files);
  if (found === infraId) return files;
  throw new LabkeeperError(
    "LK5203",
    `what is kept under ${snapshot} is of ${found ?? "no cluster"}, not of ${infraId}`,
  );
}

function infraIdIn(files: ReadonlyMap<string, Uint8Array>): string | null {
  const text = (name: string): string | null => {
    const bytes = files.get(name);
    return bytes === undefined ? null : new TextDecoder().decode(bytes);
  };
  const [metadata, state] = [text("metadata.json"), text(STATE)];
  if (metadata !== null) {
    const parsed = parseMetadata(metadata);
    return "problem" in parsed ? null : parsed.metadata.infraID;
  }
  return state === null ? null : (idsFromState(state)?.infraId ?? null);
}

/** Puts it into a folder that has nothing else. Throws LK5203 when none is kept. */
export async function restore(artifacts: ArtifactStore, record: ClusterRecord, folder: string): Promise<void> {
  const files = await keptState(artifacts, record);
  if (files === null) throw new LabkeeperError("LK5203", `no install state is kept under ${record.snapshot}`);
  await emptyFolder(folder);
  await restoreFolder(folder, files);
}
