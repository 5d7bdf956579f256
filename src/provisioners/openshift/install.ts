/** From a recorded intent to a cluster, whatever an earlier call left of it. */

import { join } from "node:path";
import { credentials } from "../../core/credentials.ts";
import { readKubeconfig } from "../../core/openshift/kubeconfig.ts";
import type { Progress, Stage } from "../../core/openshift/progress.ts";
import { resume } from "../../core/openshift/resume.ts";
import type { JsonObject } from "../../core/types.ts";
import { LabkeeperError } from "../../errors.ts";
import type { Installed } from "../../ports.ts";
import { lookAtCluster } from "./api.ts";
import type { Installer } from "./binaries.ts";
import { destroyOne, observeOne } from "./destroy.ts";
import { readIfThere } from "./folders.ts";
import { type ClusterRecord, clusterRecord, fixedChanges, intentJson, type OpenshiftIntent } from "./intent.ts";
import { keepEvidence, keepFailure, keepStage, readHistory } from "./kept.ts";
import { restore } from "./kept-state.ts";
import { createCredentials } from "./manual.ts";
import { createIgnition, keep, newCluster, readCredentials, readFolder } from "./prepare.ts";
import { readInstallSecrets, secretParts } from "./run-secrets.ts";
import { type Ended, hideClusterSecrets, requireAccount, runError, type Session, succeeded } from "./session.ts";

/** Looks before it acts. Rejects with the failure's class and remedy; what was made stays until the next attempt. */
export async function installCluster(session: Session, recorded: OpenshiftIntent): Promise<Installed> {
  const { deps } = session;
  await requireAccount(session, recorded);
  const installer = await deps.binaries.installer(recorded.version);
  if (installer.simulated) session.log(`${installer.path} is simulated: it makes no cluster`);
  session.hide(await knownSecrets(session));
  const history = await readHistory(deps.artifacts, recorded);
  const seen = history.kept && history.stage === null ? null : await observeOne(session, recorded, recorded);
  const next = resume({
    ...history,
    observed: seen?.verdict ?? "unknown",
    outdated: fixedChanges(session.lab, recorded).length > 0,
    ageHours: (session.now().getTime() - new Date(recorded.preparedAt).getTime()) / 3_600_000,
  });
  if (next.kind === "anew") return await anew(session, installer, recorded, next);
  try {
    if (next.kind === "create") return await create(session, installer, recorded);
    await continueInstall(session, installer, recorded, next.from);
    return await installed(session, recorded);
  } catch (error) {
    // Read, and not what was stored: as good as lost, and it stays so.
    if (!(error instanceof LabkeeperError) || error.code !== "LK6107") throw error;
    return await anew(session, installer, recorded, { destroy: true, why: error.message });
  }
}

async function anew(
  session: Session,
  installer: Installer,
  recorded: OpenshiftIntent,
  { destroy, why }: { readonly destroy: boolean; readonly why: string },
): Promise<Installed> {
  session.log(`beginning anew instead of going on with ${recorded.infraId}: ${why}`);
  const intent = await beginAnew(session, recorded, destroy);
  return { ...(await create(session, installer, intent)), intent: intentJson(intent) };
}

/** Also when they were rotated or are gone since: hiding is best effort there, and the install has its own copy. */
async function knownSecrets({ deps }: Session): Promise<readonly string[]> {
  return await readInstallSecrets(deps.secrets).then(secretParts, () => []);
}

/** Removes what there is of the earlier cluster, and records the new one before anything of it exists (promise P2). */
async function beginAnew(session: Session, old: OpenshiftIntent, destroy: boolean): Promise<OpenshiftIntent> {
  const { context } = session;
  if (context.recordIntent === undefined) {
    throw new LabkeeperError("LK5203", `${old.infraId} cannot be gone on with, and no other may be begun here`);
  }
  if (destroy) {
    await destroyOne(session, old, old);
    const seen = await observeOne(session, old, old);
    if (seen.verdict === "present") {
      throw new LabkeeperError("LK5221", `${old.infraId}: ${seen.evidence.length} remain of the earlier attempt`);
    }
    // Without an inventory nothing can be seen, ever; the earlier cluster stays on record for the lab's own destroy.
    if (seen.verdict === "unknown" && session.cloud.inventory !== null) {
      throw new LabkeeperError("LK5008", `${old.infraId}: ${seen.reason}`);
    }
  }
  await requireSupplies(session);
  const intent = await newCluster(session, [...old.former, clusterRecord(old)]);
  await context.recordIntent(intentJson(intent));
  return intent;
}

/** What ended the attempt before may still be so: seen in a second here, or a quarter of an hour later by the installer. */
async function requireSupplies({ cloud, lab, context }: Session): Promise<void> {
  const needs = (await cloud.account?.preflight(lab, context.signal)) ?? [];
  const short = needs.find(({ used, need, limit }) => used + need > limit);
  if (short === undefined) return;
  const { resource, scope, need, used, limit } = short;
  throw new LabkeeperError(
    "LK5210",
    `${lab.name} needs ${need} of ${resource} in ${scope}, and ${used} of ${limit} are in use`,
  );
}

async function create(session: Session, installer: Installer, intent: OpenshiftIntent): Promise<Installed> {
  const { deps, folders } = session;
  await restore(deps.artifacts, intent, folders.cluster);
  // Durable first: whoever comes after a crash must know that something may have been made.
  await keepStage(deps.artifacts, intent.snapshot, "infrastructure");
  const used = intent.manual ? await createManual(session, installer, intent) : intent;
  await hideClusterSecrets(session);
  await runStage(session, installer, used, ["create", "cluster", ...quiet(installer)]);
  await keepStage(deps.artifacts, intent.snapshot, "complete");
  const result = await installed(session, used);
  return intent.manual ? { ...result, intent: intentJson(used) } : result;
}

/** A cluster by Manual credentials: they go into the ignition configs, so these are made only now. */
async function createManual(session: Session, installer: Installer, intent: OpenshiftIntent): Promise<OpenshiftIntent> {
  await createCredentials(session, intent);
  await createIgnition(session, installer.path);
  const record = await readFolder(session, intent.snapshot);
  if (record.infraId !== intent.infraId) {
    throw new LabkeeperError("LK5203", `the installer made ${record.infraId} of ${intent.infraId}`);
  }
  const snapshotRef = await keep(session, intent.snapshot);
  const full = { ...intent, ...record, snapshotRef };
  await session.context.recordIntent?.(intentJson(full));
  return full;
}

/** Every release that labkeeper knows of has the flag; what it prints is hidden regardless. */
const quiet = ({ version }: Installer): readonly string[] => {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 4 || (major === 4 && minor >= 15) ? ["--skip-password-print"] : [];
};

/** The run that made the cluster is gone; the cluster may come up without it. */
async function continueInstall(
  session: Session,
  installer: Installer,
  intent: OpenshiftIntent,
  from: "bootstrap" | "install",
): Promise<void> {
  const { deps, folders } = session;
  const read = (name: string) => readIfThere(join(folders.cluster, name));
  const metadata = await read("metadata.json");
  // A full disk leaves empty files.
  const whole = Boolean(await read("auth/kubeconfig")) && Boolean(await read("auth/kubeadmin-password"));
  if (!whole || metadata === null || !metadata.includes(JSON.stringify(intent.infraId))) {
    await restore(deps.artifacts, intent, folders.cluster);
  }
  await hideClusterSecrets(session);
  session.log(`looking whether ${intent.infraId} became a cluster by itself`);
  if (from === "bootstrap") {
    await runStage(session, installer, intent, ["wait-for", "bootstrap-complete"]);
    await keepStage(deps.artifacts, intent.snapshot, "initialize");
    await removeBootstrap(session, installer);
  }
  await runStage(session, installer, intent, ["wait-for", "install-complete"]);
  await keepStage(deps.artifacts, intent.snapshot, "complete");
}

/**
 * What only bootstrapping needed. A host that did not begin the install may lack what the installer wants for it; the
 * cluster is whole all the same, and what is left goes with it.
 */
async function removeBootstrap(session: Session, installer: Installer): Promise<void> {
  const name = "openshift-install destroy bootstrap";
  const command = [installer.path, "destroy", "bootstrap", "--dir", session.folders.cluster, "--log-level", "info"];
  const ended = await session.run({ name, command });
  if (succeeded(ended)) return;
  if (ended.end.kind === "aborted") throw runError(session, name, ended);
  session.log(`the bootstrap machine is left for the cluster's own destroy: ${runError(session, name, ended).message}`);
}

/** Runs the installer, keeping how far it comes; when it fails, why. */
async function runStage(
  session: Session,
  installer: Installer,
  { snapshot }: ClusterRecord,
  words: readonly string[],
): Promise<void> {
  const { deps, folders } = session;
  const name = `openshift-install ${words.slice(0, 2).join(" ")}`;
  const kept: Promise<void>[] = [];
  const stages = new Set<Stage>();
  const onProgress = ({ stage }: Progress): void => {
    // `complete` is what its exit code says, not a line of its log.
    if (stage === "complete" || stage === "infrastructure" || stages.has(stage)) return;
    stages.add(stage);
    kept.push(keepStage(deps.artifacts, snapshot, stage));
  };
  const command = [installer.path, ...words, "--dir", folders.cluster, "--log-level", "info"];
  const ended = await session.run({ name, command, onProgress });
  // A stage that was not kept only means more caution later.
  await Promise.allSettled(kept);
  if (succeeded(ended)) return;
  await keepWhy(session, snapshot, name, ended);
  throw runError(session, name, ended);
}

/** An interrupted run is no failure of the cluster. */
async function keepWhy(session: Session, snapshot: string, command: string, { end, failure }: Ended): Promise<void> {
  const { deps, folders } = session;
  if (end.kind === "exit" && failure.kind.class !== "interrupted") {
    await keepFailure(deps.artifacts, snapshot, failure, { command, exitCode: end.code, at: session.now() });
  }
  if (end.kind === "aborted") return;
  const keys = await keepEvidence(deps.artifacts, snapshot, folders.cluster, session.redact).catch(() => []);
  for (const key of keys) session.log(`kept ${key}`);
}

async function installed(session: Session, intent: OpenshiftIntent): Promise<Installed> {
  const { kubeconfig, password } = await readCredentials(session).catch(async () => {
    session.log("the installer left no credentials: those that it made at first are taken");
    await restore(session.deps.artifacts, intent, session.folders.cluster);
    return await readCredentials(session);
  });
  return {
    outputs: await outputsOf(session, intent, kubeconfig),
    credentials: credentials({ kubeconfig, username: "kubeadmin", password }),
  };
}

/** As the cluster says; where it does not answer yet, as its names say. Whether it answers is verified after this. */
async function outputsOf(session: Session, intent: OpenshiftIntent, kubeconfig: string): Promise<JsonObject> {
  const { clusterName, baseDomain, infraId, region } = intent;
  const view = await lookAtCluster(kubeconfig, session.context.signal).catch(() => null);
  const read = readKubeconfig(kubeconfig);
  const server = "problem" in read ? `https://api.${clusterName}.${baseDomain}:6443` : read.access.server;
  return {
    apiUrl: view?.apiUrl ?? server,
    consoleUrl: view?.consoleUrl ?? `https://console-openshift-console.apps.${clusterName}.${baseDomain}`,
    version: view?.version ?? intent.version,
    infraId,
    region,
  };
}
