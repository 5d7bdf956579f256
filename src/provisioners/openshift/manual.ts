/** Manual credentials: `ccoctl` makes the operators' roles outside of the installer, by the name of the infraID. */

import { cp, readdir } from "node:fs/promises";
import { join } from "node:path";
import { ibmSettings } from "../../core/openshift/platform-config.ts";
import { LabkeeperError } from "../../errors.ts";
import { emptyFolder, removeFolder, writePrivate } from "./folders.ts";
import { readInstallSecrets, secretParts } from "./run-secrets.ts";
import { runError, type Session, succeeded } from "./session.ts";

interface ManualCluster {
  readonly infraId: string;
  readonly region: string;
  readonly version: string;
}

/**
 * What the operators of this very release ask for, into the cluster's folder so that it is kept with it: on IBM Cloud the
 * removal needs it too. Reads a registry, makes nothing.
 */
export async function extractRequests(session: Session, version: string): Promise<void> {
  const { binaries } = session.deps;
  const [oc, installer] = await Promise.all([binaries.tool("oc", version), binaries.installer(version)]);
  if (installer.releaseImage === null) {
    throw new LabkeeperError("LK5201", `${installer.path} does not say its release image`);
  }
  const secrets = await readInstallSecrets(session.deps.secrets);
  session.hide(secretParts(secrets));
  const { requests, temporary } = session.folders;
  const login = join(temporary, "pull-secret.json");
  await emptyFolder(requests);
  try {
    await writePrivate(login, secrets.pullSecret);
    await step(session, "oc adm release extract", [
      oc,
      "adm",
      "release",
      "extract",
      "--credentials-requests",
      `--cloud=${session.lab.spec.platform === "aws" ? "aws" : "ibmcloud"}`,
      `--to=${requests}`,
      `--registry-config=${login}`,
      installer.releaseImage,
    ]);
  } finally {
    await removeFolder(login);
  }
}

/** Makes roles and identity provider in the cloud, and puts what the cluster needs of them into its folder. */
export async function createCredentials(session: Session, { infraId, region, version }: ManualCluster): Promise<void> {
  const ccoctl = await session.deps.binaries.tool("ccoctl", version);
  const { ccoctl: output, cluster, requests } = session.folders;
  await emptyFolder(output);
  const common = [`--name=${infraId}`, `--credentials-requests-dir=${requests}`, `--output-dir=${output}`];
  if (session.lab.spec.platform === "aws") {
    await step(session, "ccoctl aws create-all", [ccoctl, "aws", "create-all", `--region=${region}`, ...common]);
  } else {
    await step(session, "ccoctl ibmcloud create-service-id", [
      ccoctl,
      "ibmcloud",
      "create-service-id",
      ...common,
      ...resourceGroup(session),
    ]);
  }
  // The rest of its output is for people: keys of the identity provider and what it told the cloud.
  for (const folder of ["manifests", "tls"]) {
    await cp(join(output, folder), join(cluster, folder), { recursive: true });
  }
  await removeFolder(output);
}

/** Removes them again; safe when there are none. */
export async function deleteCredentials(session: Session, { infraId, region, version }: ManualCluster): Promise<void> {
  const ccoctl = await session.deps.binaries.anyTool("ccoctl", version);
  if (session.lab.spec.platform === "aws") {
    await step(session, "ccoctl aws delete", [ccoctl, "aws", "delete", `--name=${infraId}`, `--region=${region}`]);
    return;
  }
  const { requests } = session.folders;
  const there = await readdir(requests).catch(() => []);
  if (there.length === 0) await extractRequests(session, version);
  const name = "ccoctl ibmcloud delete-service-id";
  await step(session, name, [
    ccoctl,
    ...name.split(" ").slice(1),
    `--name=${infraId}`,
    `--credentials-requests-dir=${requests}`,
  ]);
}

function resourceGroup({ lab }: Session): readonly string[] {
  const read = ibmSettings(lab.profile.spec.platformConfig);
  const name = "problem" in read ? undefined : read.settings.resourceGroupName;
  return name === undefined ? [] : [`--resource-group-name=${name}`];
}

async function step(session: Session, name: string, command: readonly string[]): Promise<void> {
  session.context.progress(name);
  const ended = await session.run({ name, command });
  if (!succeeded(ended)) throw runError(session, name, ended);
}
