/**
 * OpenShift clusters by `openshift-install`, on AWS and by the same path on IBM Cloud. What the installer does and does
 * not promise is docs/openshift.md; nothing here relies on more.
 */

import type { CloudInventory } from "../../cloud-ports.ts";
import { installConfig } from "../../core/openshift/install-config.ts";
import type { JsonObject, Observation } from "../../core/types.ts";
import { LabkeeperError } from "../../errors.ts";
import type { LabOrder, Provisioner, ProvisionerContext, ResourceNeed } from "../../ports.ts";
import { proveCluster } from "./api.ts";
import { NO_CLOUD, type OpenshiftDeps } from "./deps.ts";
import { destroyLab, observeLab } from "./destroy.ts";
import { clearFolders } from "./folders.ts";
import { installCluster } from "./install.ts";
import { accountOf, fixedChanges, intentJson, type OpenshiftIntent, readIntent } from "./intent.ts";
import { prepareCluster } from "./prepare.ts";
import { readInstallSecrets } from "./run-secrets.ts";
import { openSession } from "./session.ts";

export function openshiftProvisioner(deps: OpenshiftDeps): Provisioner {
  return {
    observationGapSeconds: deps.observationGapSeconds ?? 60,
    preflight: (lab, context) => guarded("preflight", () => preflight(deps, lab, context)),
    prepare: (lab, context) =>
      guarded("prepare", async () => intentJson(await prepareCluster(await openSession(deps, lab, context)))),
    install: (lab, intent, context) =>
      guarded("install", async () => {
        const recorded = readIntent(intent);
        const session = await openSession(deps, lab, context);
        const installed = await installCluster(session, recorded);
        // Else every host that ever made a cluster has its administrator and the pull secret for good.
        await clearFolders(session.folders);
        return installed;
      }),
    verify: (_lab, intent, stored, context) =>
      guarded("verify", async () => {
        if (!stored.names.includes("kubeconfig")) throw new LabkeeperError("LK5006", "no kubeconfig is stored");
        const { clusterId } = readIntent(intent);
        const view = await proveCluster(stored.reveal("kubeconfig"), clusterId, context.signal);
        context.log(
          `the API at ${view.apiUrl} is ready and the cluster is available (${view.version ?? "no version"})`,
        );
      }),
    update: (lab, intent) => guarded("update", async () => update(lab, readIntent(intent))),
    destroy: (lab, intent, context) =>
      guarded("destroy", async () => {
        const recorded = readIntent(intent);
        await destroyLab(await openSession(deps, lab, context), recorded);
      }),
    observe: (lab, intent, context) => observe(deps, lab, intent, context),
  };
}

/** Before anything exists. What the lab will take from bounded supplies is what its cloud account says. */
async function preflight(
  deps: OpenshiftDeps,
  lab: LabOrder,
  context: ProvisionerContext,
): Promise<readonly ResourceNeed[]> {
  const { version, platform } = lab.spec;
  if (version === null) throw new LabkeeperError("LK5215", `${lab.name} has no version`);
  const made = installConfig({ ...lab, expiresAt: new Date(0), installation: await deps.installation() });
  if ("problem" in made) throw new LabkeeperError("LK5215", `${lab.name}: ${made.problem}`);
  context.progress("looking for the installer");
  await deps.binaries.installer(version);
  if (lab.profile.spec.credentialsMode === "Manual") {
    await deps.binaries.tool("oc", version);
    await deps.binaries.tool("ccoctl", version);
  }
  await readInstallSecrets(deps.secrets);
  context.progress("checking the cloud account");
  const { inventory, account } = deps.clouds.get(platform) ?? NO_CLOUD;
  if (inventory === null) {
    context.log(
      `nothing can look into ${platform} yet: that this cluster is gone will never be proven (docs/openshift.md)`,
    );
  }
  const needs = (await account?.preflight(lab, context.signal)) ?? [];
  if (inventory !== null) await requireSight(inventory, lab, context);
  return needs;
}

/** An infraID that no cluster has: the installer's random part has no vowels. */
const NOBODY = "labkeeper-aaaaa";

/**
 * Looks as a destroy will, for a cluster that cannot be. What could not be proven gone is not made: a missing permission
 * or a closed region is found now and not when the lab's time is over.
 */
async function requireSight(inventory: CloudInventory, lab: LabOrder, context: ProvisionerContext): Promise<void> {
  const { region, baseDomain } = lab.spec;
  if (region === null || baseDomain === null) return;
  context.progress("looking whether its end can be proven");
  const seen = await inventory.observe(
    {
      account: accountOf(lab),
      region,
      regions: lab.profile.spec.regions?.allowlist ?? [region],
      infraId: NOBODY,
      labId: lab.id,
      clusterName: lab.name,
      baseDomain,
    },
    context.signal,
  );
  if (seen.verdict !== "unknown") return;
  throw new LabkeeperError("LK5008", `that ${lab.name} is gone could never be proven: ${seen.reason}`);
}

/** The installer makes clusters and unmakes them: what a cluster is made of stays. What labkeeper itself counts may change. */
function update(lab: LabOrder, intent: OpenshiftIntent): { readonly outputs: JsonObject } {
  const [refused] = fixedChanges(lab, intent);
  if (refused !== undefined) throw new LabkeeperError("LK5222", refused);
  return { outputs: {} };
}

/** Looks beside whatever else is running, so it neither stops nor starts anything. */
async function observe(
  deps: OpenshiftDeps,
  lab: LabOrder,
  intent: JsonObject,
  context: ProvisionerContext,
): Promise<Observation> {
  if (context.signal.aborted) return { verdict: "unknown", reason: "interrupted" };
  try {
    const cloud = deps.clouds.get(lab.spec.platform) ?? NO_CLOUD;
    return await observeLab({ cloud, lab, context }, readIntent(intent));
  } catch (error) {
    return { verdict: "unknown", reason: error instanceof Error ? error.message : "observe failed" };
  }
}

/** Everything that leaves here is a LabkeeperError. */
async function guarded<T>(verb: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof LabkeeperError) throw error;
    const why = (error as NodeJS.ErrnoException).code ?? "unexpected";
    throw new LabkeeperError("LK5002", `openshift ${verb} (${why})`, { cause: error });
  }
}
