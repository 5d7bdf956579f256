/** From a lab to a cluster that is fully decided and recorded, and of which nothing exists (promise P2). */

import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { installConfig, renderInstallConfig } from "../../core/openshift/install-config.ts";
import { idsFromState, parseMetadata, rebuildMetadata } from "../../core/openshift/metadata.ts";
import { ibmSettings } from "../../core/openshift/platform-config.ts";
import type { JsonObject } from "../../core/types.ts";
import { LabkeeperError } from "../../errors.ts";
import { loadSnapshot, newestSnapshot, type SnapshotRef, saveSnapshot } from "../snapshot.ts";
import { folderFiles } from "../snapshot-folder.ts";
import { emptyFolder, readIfThere, removeFolder, writePrivate } from "./folders.ts";
import { accountOf, type ClusterRecord, type OpenshiftIntent } from "./intent.ts";
import { snapshotPrefix, usedNumbers } from "./kept.ts";
import { STATE } from "./kept-state.ts";
import { extractRequests } from "./manual.ts";
import { readInstallSecrets, secretParts } from "./run-secrets.ts";
import { hideClusterSecrets, runError, type Session, succeeded } from "./session.ts";

const CONFIG_COPY = "labkeeper/install-config.yaml";
const ABOUT = "labkeeper/about.json";

/**
 * The cluster that an earlier, interrupted call decided on, or a new one. A crash between keeping a cluster's state and
 * recording its intent must not forget its infraID, so what is kept is looked at first.
 */
export async function prepareCluster(session: Session): Promise<OpenshiftIntent> {
  const { deps, lab } = session;
  const numbers = await usedNumbers(deps.artifacts, lab.id);
  for (const number of [...numbers].reverse()) {
    const kept = await readKept(session, snapshotPrefix(lab.id, number)).catch((error: unknown) => {
      // Damaged, or of no cluster. Nothing was made of what no intent was recorded of, so it may be passed by.
      if (!(error instanceof LabkeeperError) || !["LK6107", "LK5203"].includes(error.code)) throw error;
      session.log(`what was decided on before cannot be used: ${error.message}`);
      return null;
    });
    if (kept === null) continue;
    session.log(`going on with ${kept.infraId}, which was decided on before`);
    return await intentOf(session, kept, []);
  }
  return await newCluster(session, []);
}

/** Decides on a new cluster; `former` are those of this lab that were given up. */
export async function newCluster(session: Session, former: readonly ClusterRecord[]): Promise<OpenshiftIntent> {
  const { deps, lab } = session;
  const number = ((await usedNumbers(deps.artifacts, lab.id)).at(-1) ?? 0) + 1;
  await render(session);
  const snapshot = snapshotPrefix(lab.id, number);
  const record = await readFolder(session, snapshot);
  const snapshotRef = await keep(session, snapshot);
  return await intentOf(session, { ...record, snapshotRef }, former);
}

export const isManual = ({ lab }: Session): boolean => lab.profile.spec.credentialsMode === "Manual";

/** Runs the installer up to its ignition configs; with Manual credentials up to the manifests, which they go into. */
async function render(session: Session): Promise<void> {
  const { deps, lab, folders } = session;
  const { version } = lab.spec;
  if (version === null) throw new LabkeeperError("LK5215", `${lab.name} has no version`);
  const installer = await deps.binaries.installer(version);
  const secrets = await readInstallSecrets(deps.secrets);
  session.hide(secretParts(secrets));
  const { lifecycle } = lab.profile.spec;
  const hours = lifecycle.provisionTimeoutMinutes / 60 + lab.spec.ttlHours;
  const expiresAt = new Date(session.now().getTime() + hours * 3_600_000);
  const made = installConfig({ ...lab, expiresAt, installation: await deps.installation() });
  if ("problem" in made) throw new LabkeeperError("LK5215", `${lab.name}: ${made.problem}`);
  await emptyFolder(folders.cluster);
  const path = join(folders.cluster, "install-config.yaml");
  try {
    await writePrivate(path, renderInstallConfig(made.config, secrets));
    await create(session, installer.path, "manifests");
  } finally {
    // The installer removes it when it has read it; when it failed, nobody else does.
    await removeFolder(path);
  }
  if (lab.profile.spec.compute.controlPlane.schedulable) await scheduleOnControlPlane(session);
  if (isManual(session)) await extractRequests(session, version);
  else await createIgnition(session, installer.path);
  await addOwnFiles(session, renderInstallConfig(made.config, null));
}

export async function createIgnition(session: Session, installer: string): Promise<void> {
  await create(session, installer, "ignition-configs");
  await hideClusterSecrets(session);
}

async function create(session: Session, installer: string, what: "manifests" | "ignition-configs"): Promise<void> {
  const name = `openshift-install create ${what}`;
  session.context.progress(`creating ${what.replace("-", " ")}`);
  const command = [installer, "create", what, "--dir", session.folders.cluster, "--log-level", "info"];
  const ended = await session.run({ name, command });
  if (!succeeded(ended)) throw runError(session, name, ended);
}

/** The installer makes the control plane schedulable only when there are no workers. */
async function scheduleOnControlPlane({ folders }: Session): Promise<void> {
  const path = join(folders.cluster, "manifests", "cluster-scheduler-02-config.yml");
  const text = await readIfThere(path);
  if (text === null) throw new LabkeeperError("LK5220", "the installer made no scheduler manifest");
  await writePrivate(path, text.replace("mastersSchedulable: false", "mastersSchedulable: true"));
}

/** Beside the installer's own files: our copy of the configuration, without its secrets. */
async function addOwnFiles({ folders, lab, now }: Session, config: string): Promise<void> {
  const own = join(folders.cluster, "labkeeper");
  await mkdir(own, { recursive: true, mode: 0o700 });
  await writePrivate(join(folders.cluster, CONFIG_COPY), config);
  const about = { labId: lab.id, version: lab.spec.version, preparedAt: now().toISOString() };
  await writePrivate(join(folders.cluster, ABOUT), JSON.stringify(about));
}

/** What the folder says of its cluster. Throws LK5203. */
export async function readFolder(session: Session, snapshot: string): Promise<UnkeptRecord> {
  const read = (name: string) => readIfThere(join(session.folders.cluster, name));
  const [metadata, state, about] = await Promise.all([read("metadata.json"), read(STATE), read(ABOUT)]);
  return recordOf(session, snapshot, { metadata, state, about });
}

interface Texts {
  readonly metadata: string | null;
  readonly state: string | null;
  readonly about: string | null;
}

/** A cluster before it is known which snapshot is its own. */
type UnkeptRecord = Omit<ClusterRecord, "snapshotRef">;

function recordOf(session: Session, snapshot: string, { metadata, state, about }: Texts): UnkeptRecord {
  const ids = state === null ? null : idsFromState(state);
  const preparedAt = about === null ? session.now().toISOString() : preparedAtOf(about);
  if (metadata === null) {
    if (ids === null) throw new LabkeeperError("LK5203", "the installer's state names no infraID");
    const predicted = predictedMetadata(session, ids);
    return { infraId: ids.infraId, clusterId: ids.clusterID, snapshot, metadata: predicted, preparedAt };
  }
  const parsed = parseMetadata(metadata);
  if ("problem" in parsed) throw new LabkeeperError("LK5203", `metadata.json ${parsed.problem}`);
  const { infraID, clusterID, document } = parsed.metadata;
  if (ids !== null && ids.infraId !== infraID) {
    throw new LabkeeperError("LK5203", `metadata.json is of ${infraID}, and the state of ${ids.infraId}`);
  }
  return { infraId: infraID, clusterId: clusterID, snapshot, metadata: document, preparedAt };
}

function preparedAtOf(about: string): string {
  const { preparedAt } = JSON.parse(about) as { preparedAt?: unknown };
  return typeof preparedAt === "string" ? preparedAt : new Date(0).toISOString();
}

/** With Manual credentials something is made in the cloud before there is a metadata.json: what it will say is known. */
function predictedMetadata({ lab }: Session, ids: { infraId: string; clusterID: string }): JsonObject {
  const { platform, region, baseDomain } = lab.spec;
  const ibm = ibmSettings(lab.profile.spec.platformConfig);
  return rebuildMetadata({
    platform: platform === "ibmcloud" ? "ibmcloud" : "aws",
    clusterName: lab.name,
    ...ids,
    region: region ?? "",
    baseDomain: baseDomain ?? "",
    ...("problem" in ibm ? {} : ibm.settings),
  });
}

/** Not kept: the installer's own log, which tells more than it should, and what only failures have. */
const keeps = (path: string): boolean => !/^(\.openshift_install\.log|install-config\.yaml|log-bundle-.*)$/.test(path);

/** Resolves when all that a destroy or another worker needs is durable. */
export async function keep({ deps, folders }: Session, snapshot: string): Promise<SnapshotRef> {
  return await saveSnapshot(deps.artifacts, snapshot, await folderFiles(folders.cluster, keeps));
}

async function readKept(session: Session, snapshot: string): Promise<ClusterRecord | null> {
  const { artifacts } = session.deps;
  const ref = await newestSnapshot(artifacts, snapshot);
  const files = ref === null ? null : await loadSnapshot(artifacts, snapshot, ref);
  if (files === null) return null;
  const text = (name: string): string | null => {
    const bytes = files.get(name);
    return bytes === undefined ? null : new TextDecoder().decode(bytes);
  };
  const texts = { metadata: text("metadata.json"), state: text(STATE), about: text(ABOUT) };
  return { ...recordOf(session, snapshot, texts), snapshotRef: ref };
}

async function intentOf(
  session: Session,
  record: ClusterRecord,
  former: readonly ClusterRecord[],
): Promise<OpenshiftIntent> {
  const { lab, cloud, context } = session;
  const { region, baseDomain, version, platform, workers, tags } = lab.spec;
  if (region === null || baseDomain === null || version === null || (platform !== "aws" && platform !== "ibmcloud")) {
    throw new LabkeeperError("LK5215", `${lab.name} is not a cluster's specification`);
  }
  const account = accountOf(lab);
  return {
    ...record,
    clusterName: lab.name,
    baseDomain,
    platform,
    region,
    regions: lab.profile.spec.regions?.allowlist ?? [region],
    account,
    accountId: (await cloud.account?.accountId(account, context.signal)) ?? null,
    version,
    manual: isManual(session),
    workers,
    tags,
    former,
  };
}

/** The kubeconfig and password that the installer made. Throws LK5203 when they are not there. */
export async function readCredentials({ folders }: Session): Promise<{ kubeconfig: string; password: string }> {
  const read = (name: string) => readFile(join(folders.cluster, "auth", name), "utf8");
  try {
    const [kubeconfig, password] = await Promise.all([read("kubeconfig"), read("kubeadmin-password")]);
    if (kubeconfig === "" || password === "") throw new Error("empty");
    return { kubeconfig, password: password.trim() };
  } catch (cause) {
    throw new LabkeeperError("LK5203", "the installer left no credentials", { cause });
  }
}
