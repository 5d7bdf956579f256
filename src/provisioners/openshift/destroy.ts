/** Back to nothing, cluster by cluster, each by its exact infraID. Proof of it is somebody else's: `observe`. */

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { parseMetadata } from "../../core/openshift/metadata.ts";
import type { JsonObject, Observation } from "../../core/types.ts";
import { LabkeeperError } from "../../errors.ts";
import { restoreFolder } from "../snapshot-folder.ts";
import { clearFolders, emptyFolder, writePrivate } from "./folders.ts";
import { type ClusterRecord, metadataOf, type OpenshiftIntent, targetOf } from "./intent.ts";
import { keptState } from "./kept-state.ts";
import { deleteCredentials } from "./manual.ts";
import { requireAccount, runError, type Session, succeeded } from "./session.ts";

/**
 * All clusters that were ever begun for the lab, the present one first: what an earlier one left, and cannot be removed,
 * keeps nothing else alive. Rejects with LK5221 while one of them needs more time, with LK5302 in another account.
 */
export async function destroyLab(session: Session, intent: OpenshiftIntent): Promise<void> {
  await requireAccount(session, intent).catch((error: LabkeeperError) => {
    if (error.code === "LK5302" || session.context.signal.aborted) throw error;
    // By its exact infraID nothing else can be met, and what is proven is asked for in the right account anyway.
    session.log(`whose account this is cannot be asked: ${error.message}`);
  });
  const failures: unknown[] = [];
  for (const record of [intent, ...intent.former]) {
    if (record !== intent && (await observeOne(session, intent, record)).verdict === "absent") continue;
    try {
      await destroyOne(session, intent, record);
    } catch (error) {
      if (session.context.signal.aborted) throw error;
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  await clearFolders(session.folders);
}

/** One cluster, for at most one slice of time. */
export async function destroyOne(session: Session, intent: OpenshiftIntent, record: ClusterRecord): Promise<void> {
  const { deps, lab } = session;
  const { infraId } = record;
  const installer = await deps.binaries.anyInstaller(intent.version);
  if (installer.version !== intent.version) {
    session.log(`destroying ${infraId} with version ${installer.version}, because ${intent.version} is not at hand`);
  }
  const folder = session.folders.destroy(infraId);
  await emptyFolder(folder);
  const metadata = await keptMetadata(session, record).catch((error: Error) => {
    session.log(`the kept metadata.json of ${infraId} cannot be used: ${error.message}`);
    return null;
  });
  if (metadata === null) session.log(`metadata.json of ${infraId} is made again from what was recorded`);
  await writePrivate(join(folder, "metadata.json"), JSON.stringify(metadata ?? metadataOf(lab, intent, record)));

  const minutes = deps.sliceMinutes ?? 30;
  const name = "openshift-install destroy cluster";
  session.context.progress("destroying the cluster");
  const ended = await session.run({
    name,
    command: [installer.path, "destroy", "cluster", "--dir", folder, "--log-level", "info"],
    timeoutMs: minutes * 60_000,
  });
  if (!succeeded(ended)) throw await unfinished(session, intent, record, runError(session, name, ended), minutes);
  if (intent.manual) {
    await restoreRequests(session, record);
    await deleteCredentials(session, { infraId, region: intent.region, version: intent.version });
  }
  const removed = await session.cloud.account?.removeDnsRecords(targetOf(lab, intent, record), session.context.signal);
  for (const each of removed ?? []) session.log(`removed ${each}, which the installer had left`);
  await rm(folder, { recursive: true, force: true });
}

/** As the installer wrote it; null when none was kept. Throws when it is another cluster's, or nobody's. */
async function keptMetadata({ deps }: Session, record: ClusterRecord): Promise<JsonObject | null> {
  const bytes = (await keptState(deps.artifacts, record))?.get("metadata.json");
  if (bytes === undefined) return null;
  const parsed = parseMetadata(new TextDecoder().decode(bytes));
  if ("problem" in parsed) throw new LabkeeperError("LK5203", `it ${parsed.problem}`);
  return parsed.metadata.document;
}

/** On IBM Cloud the removal needs what the operators had asked for. */
async function restoreRequests({ deps, folders }: Session, record: ClusterRecord): Promise<void> {
  const files = await keptState(deps.artifacts, record).catch(() => null);
  const requests = [...(files ?? [])].filter(([path]) => path.startsWith("labkeeper/credentials-requests/"));
  if (requests.length > 0) await restoreFolder(folders.cluster, new Map(requests));
}

/** A destroy never ends for good: whatever went wrong, it goes on later. What remains is said now. */
async function unfinished(
  session: Session,
  intent: OpenshiftIntent,
  record: ClusterRecord,
  error: LabkeeperError,
  minutes: number,
): Promise<LabkeeperError> {
  if (error.code === "LK5009") return error;
  const seen = await observeOne(session, intent, record);
  const remains =
    seen.verdict === "unknown" ? `what remains cannot be seen (${seen.reason})` : `${seen.evidence.length} remain`;
  if (seen.verdict === "present") for (const each of seen.evidence) session.log(`remains: ${each}`);
  const slow = error.code === "LK5218";
  const why = slow ? `${record.infraId} took longer than ${minutes} min` : `${record.infraId}: ${error.message}`;
  const code = slow || error.code === "LK5220" ? "LK5221" : error.code;
  const disposition = error.disposition === "stop" ? "stop" : "retry";
  return new LabkeeperError(code, `${why}; ${remains}`, { cause: error, disposition, remedy: error.remedy });
}

export async function observeOne(
  { cloud, lab, context }: Pick<Session, "cloud" | "lab" | "context">,
  intent: OpenshiftIntent,
  record: ClusterRecord,
): Promise<Observation> {
  if (cloud.inventory === null) {
    return {
      verdict: "unknown",
      reason: `nothing can look into ${intent.platform} yet (docs/openshift.md, "IBM Cloud")`,
    };
  }
  try {
    return await cloud.inventory.observe(targetOf(lab, intent, record), context.signal);
  } catch (error) {
    return { verdict: "unknown", reason: error instanceof Error ? error.message : "the inventory failed" };
  }
}

/** All of a lab's clusters: absent only when each of them is. */
export async function observeLab(
  session: Pick<Session, "cloud" | "lab" | "context">,
  intent: OpenshiftIntent,
): Promise<Observation> {
  const seen: Observation[] = [];
  for (const record of [intent, ...intent.former]) seen.push(await observeOne(session, intent, record));
  const present = seen.flatMap((each) => (each.verdict === "present" ? each.evidence : []));
  if (present.length > 0) return { verdict: "present", evidence: present };
  const unknown = seen.find((each) => each.verdict === "unknown");
  if (unknown !== undefined) return unknown;
  return { verdict: "absent", evidence: seen.flatMap((each) => (each.verdict === "absent" ? each.evidence : [])) };
}
