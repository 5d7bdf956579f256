/**
 * `install-config.yaml` from a lab and its profile. The fields are those of the installer's own type
 * (github.com/openshift/installer, pkg/types/installconfig.go).
 */

import { dump, YAML11_SCHEMA } from "js-yaml";
import type { JsonObject, Profile, ResolvedSpec } from "../types.ts";
import { type AwsSettings, awsSettings, type IbmSettings, ibmSettings, type Read } from "./platform-config.ts";
import { labTags, MOST_TAGS } from "./tags.ts";

export interface ConfigSubject {
  readonly id: string;
  readonly name: string;
  readonly team: string;
  readonly spec: ResolvedSpec;
  readonly profile: Profile;
  readonly expiresAt: Date;
  /** Which labkeeper makes it. */
  readonly installation: string;
}

/** Given at run time, never kept with the rest. */
export interface InstallSecrets {
  /** JSON with `auths`. */
  readonly pullSecret: string;
  readonly sshKey: string | null;
}

interface MachinePool {
  readonly name: string;
  readonly architecture: "amd64";
  readonly replicas: number;
  readonly platform: JsonObject;
}

export interface InstallConfig {
  readonly apiVersion: "v1";
  readonly metadata: { readonly name: string };
  readonly baseDomain: string;
  readonly controlPlane: MachinePool;
  readonly compute: readonly MachinePool[];
  readonly networking?: JsonObject;
  readonly platform: JsonObject;
  readonly publish: "External" | "Internal";
  readonly fips: boolean;
  readonly credentialsMode?: "Mint" | "Passthrough" | "Manual";
}

export type Configured = { readonly config: InstallConfig } | { readonly problem: string };

/** Everything but the secrets, or why there cannot be one. */
export function installConfig(subject: ConfigSubject): Configured {
  const { spec, profile, name } = subject;
  if (spec.region === null) return { problem: "the lab has no region" };
  if (spec.baseDomain === null) return { problem: "the lab has no base domain" };
  const pools = platformPools(subject, spec.region);
  if ("problem" in pools) return pools;
  const { controlPlane } = profile.spec.compute;
  const { networking, features, credentialsMode } = profile.spec;
  const config: InstallConfig = {
    apiVersion: "v1",
    metadata: { name },
    baseDomain: spec.baseDomain,
    controlPlane: pool("master", controlPlane.replicas, pools.controlPlane),
    compute: [pool("worker", spec.workers, pools.compute)],
    ...(networking === undefined ? {} : { networking }),
    platform: pools.platform,
    publish: features?.privateCluster === true ? "Internal" : "External",
    fips: features?.fips === true,
    ...(credentialsMode === undefined ? {} : { credentialsMode }),
  };
  return { config };
}

const pool = (name: string, replicas: number, platform: JsonObject): MachinePool => ({
  name,
  architecture: "amd64",
  replicas,
  platform,
});

interface Pools {
  readonly controlPlane: JsonObject;
  readonly compute: JsonObject;
  readonly platform: JsonObject;
}

function platformPools(subject: ConfigSubject, region: string): Pools | { readonly problem: string } {
  const { platform } = subject.spec;
  const { platformConfig } = subject.profile.spec;
  switch (platform) {
    case "aws":
      return withSettings(awsSettings(platformConfig), (settings) => awsPools(subject, region, settings));
    case "ibmcloud":
      return withSettings(ibmSettings(platformConfig), (settings) => ibmPools(subject, region, settings));
    case "local":
    case "simulated":
      return { problem: `openshift-install cannot install on platform ${platform}` };
  }
}

const withSettings = <T>(
  read: Read<T>,
  make: (settings: T) => Pools | { readonly problem: string },
): Pools | { readonly problem: string } => ("problem" in read ? read : make(read.settings));

function awsPools(subject: ConfigSubject, region: string, settings: AwsSettings): Pools | { readonly problem: string } {
  const userTags = labTags(subject);
  const count = Object.keys(userTags).length;
  if (count > MOST_TAGS) return { problem: `the lab has ${count} tags with labkeeper's own, and ${MOST_TAGS} fit` };
  const { compute } = subject.profile.spec;
  const rootVolume = {
    ...(settings.rootVolumeSizeGiB === undefined ? {} : { size: settings.rootVolumeSizeGiB }),
    ...(settings.rootVolumeType === undefined ? {} : { type: settings.rootVolumeType }),
    ...(settings.kmsKeyARN === undefined ? {} : { kmsKeyARN: settings.kmsKeyARN }),
  };
  const machine = (type: string | undefined): JsonObject => ({
    aws: {
      ...(type === undefined ? {} : { type }),
      ...(settings.zones === undefined ? {} : { zones: [...settings.zones] }),
      ...(Object.keys(rootVolume).length === 0 ? {} : { rootVolume }),
    },
  });
  return {
    controlPlane: machine(compute.controlPlane.instanceType),
    compute: machine(compute.workers.instanceType),
    platform: {
      aws: {
        region,
        userTags,
        // What operators make later carries the tags too.
        propagateUserTags: true,
        ...awsNetwork(subject.spec.version, settings),
        ...(settings.amiID === undefined ? {} : { amiID: settings.amiID }),
        ...(settings.lbType === undefined ? {} : { lbType: settings.lbType }),
      },
    },
  };
}

/** From 4.19 on subnets stand under `vpc`; the older field is deprecated there. */
function awsNetwork(version: string | null, { subnets, hostedZone, hostedZoneRole }: AwsSettings): JsonObject {
  const [major = 0, minor = 0] = (version ?? "").split(".").map(Number);
  const underVpc = major > 4 || (major === 4 && minor >= 19);
  const where = underVpc
    ? { vpc: { subnets: subnets?.map((id) => ({ id })) ?? [] } }
    : { subnets: [...(subnets ?? [])] };
  return {
    ...(subnets === undefined ? {} : where),
    ...(hostedZone === undefined ? {} : { hostedZone }),
    ...(hostedZoneRole === undefined ? {} : { hostedZoneRole }),
  };
}

/** The installer has no field for tags on this cloud: there the resource group, named by the infraID, tells the lab. */
function ibmPools({ profile }: ConfigSubject, region: string, settings: IbmSettings): Pools {
  const { compute } = profile.spec;
  const machine = (type: string | undefined): JsonObject => ({
    ibmcloud: {
      ...(type === undefined ? {} : { type }),
      ...(settings.zones === undefined ? {} : { zones: [...settings.zones] }),
    },
  });
  const { resourceGroupName, networkResourceGroupName, vpcName, controlPlaneSubnets, computeSubnets } = settings;
  return {
    controlPlane: machine(compute.controlPlane.instanceType),
    compute: machine(compute.workers.instanceType),
    platform: {
      ibmcloud: {
        region,
        ...(resourceGroupName === undefined ? {} : { resourceGroupName }),
        ...(networkResourceGroupName === undefined ? {} : { networkResourceGroupName }),
        ...(vpcName === undefined ? {} : { vpcName }),
        ...(controlPlaneSubnets === undefined ? {} : { controlPlaneSubnets: [...controlPlaneSubnets] }),
        ...(computeSubnets === undefined ? {} : { computeSubnets: [...computeSubnets] }),
      },
    },
  };
}

/**
 * As text. Every string is quoted, because the installer's YAML reads more words as numbers, times and booleans than
 * ours. Without secrets it is what we keep.
 */
export function renderInstallConfig(config: InstallConfig, secrets: InstallSecrets | null): string {
  const given =
    secrets === null
      ? {}
      : { pullSecret: secrets.pullSecret, ...(secrets.sshKey === null ? {} : { sshKey: secrets.sshKey }) };
  return dump(
    { ...config, ...given },
    { schema: YAML11_SCHEMA, forceQuotes: true, quoteStyle: "double", noRefs: true, lineWidth: -1 },
  );
}

export type PullSecretCheck = { readonly problem: string } | { readonly registries: readonly string[] };

/** Whether a pull secret is what the installer takes. Problems never quote it. */
export function checkPullSecret(text: string): PullSecretCheck {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return { problem: "it is not JSON" };
  }
  const auths = isObject(parsed) ? parsed["auths"] : undefined;
  if (!isObject(auths) || Object.keys(auths).length === 0) return { problem: "it has no auths" };
  for (const login of Object.values(auths)) {
    if (!isObject(login) || (typeof login["auth"] !== "string" && typeof login["credsStore"] !== "string")) {
      return { problem: "one of its auths has no auth" };
    }
  }
  return { registries: Object.keys(auths) };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
