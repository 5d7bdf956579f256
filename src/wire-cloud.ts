/** The part of the wiring that is about clouds. AWS's SDK is loaded by the first call that needs it. */

import { readFile } from "node:fs/promises";
import type { BucketFinding } from "./cloud/aws/bucket-check.ts";
import type { AwsClients } from "./cloud/aws/clients.ts";
import type { AccountSetting } from "./cloud/aws/identity.ts";
import type { BucketPlace } from "./cloud/aws/s3-bucket.ts";
import type { CloudAccount, CloudInventory } from "./cloud-ports.ts";
import type { Config } from "./config.ts";
import { once } from "./once.ts";
import { packageFile } from "./package-root.ts";
import type { ArtifactStore, Provisioner, SecretStore } from "./ports.ts";
import type { Binaries } from "./provisioners/openshift/binaries.ts";

export interface CloudEdges {
  artifacts(): Promise<ArtifactStore>;
  secrets(): Promise<SecretStore>;
  /** Builds without looking for an installer: where there is none, its own preflight says so. */
  openshift(): Promise<Provisioner>;
  /** openshift-install, oc and ccoctl, where the configuration says. */
  binaries(): Promise<Binaries>;
  /** Rejects with LK5202 where no cluster could be installed for want of its secrets. */
  checkInstallSecrets(): Promise<void>;
  /** Which labkeeper this is: what it makes in a cloud is marked with it. */
  installation(): Promise<string>;
  readonly inventory: CloudInventory;
  readonly account: CloudAccount;
  /** Whether a sweep has anywhere to look. */
  readonly sweeps: boolean;
  /** Where it can be seen whether a cluster is gone; elsewhere no destroy is ever proven. */
  readonly observable: readonly string[];
  /** What is to be said of the artifacts' bucket; null when they are in a folder. */
  bucketFindings(): Promise<readonly BucketFinding[] | null>;
}

const versionOf = async (): Promise<string> => {
  const manifest: unknown = JSON.parse(await readFile(packageFile("package.json"), "utf8"));
  return typeof manifest === "object" && manifest !== null && "version" in manifest ? String(manifest.version) : "0";
};

const clientsSource = (config: Config, onClose: (close: () => Promise<void>) => void): (() => Promise<AwsClients>) =>
  once(async () => {
    const { awsClients } = await import("./cloud/aws/clients.ts");
    const { accounts, aws } = config;
    const clients = awsClients({ accounts, version: await versionOf(), pathStyle: aws.pathStyle });
    onClose(async () => clients.close());
    return clients;
  });

/** The default account and those of the configuration, with what each must turn out to be. */
const accountsOf = async ({ accounts, aws }: Config): Promise<AccountSetting[]> => {
  const { accountSettings } = await import("./cloud/aws/identity.ts");
  return accountSettings(accounts).map(({ name, id }) => {
    const given = name === null ? undefined : accounts[name];
    const dns = name === null ? (aws.dnsAccount ?? undefined) : given?.dnsAccount;
    const dnsAccount = dns === undefined ? {} : { dnsAccount: dns === "default" ? null : dns };
    return { name, id: id ?? given?.accountId ?? null, regions: given?.regions ?? aws.regions, ...dnsAccount };
  });
};

/** Where it is asked whose credentials these are, which every region can answer. */
const someRegion = ({ aws, environment }: Config): string =>
  aws.regions[0] ?? environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? "us-east-1";

const lazyInventory = (load: () => Promise<CloudInventory>): CloudInventory => ({
  observe: async (target, signal) => (await load()).observe(target, signal),
  sweep: async (signal, clusters) => (await load()).sweep(signal, clusters),
});

const lazyAccount = (load: () => Promise<CloudAccount>): CloudAccount => ({
  accountId: async (account, signal) => (await load()).accountId(account, signal),
  preflight: async (lab, signal) => (await load()).preflight(lab, signal),
  removeDnsRecords: async (target, signal) => (await load()).removeDnsRecords(target, signal),
  destroyResource: async (resource, signal) => (await load()).destroyResource(resource, signal),
  sessionKeys: async (account, signal) => (await load()).sessionKeys(account, signal),
});

const binariesOf = async ({ openshift, environment }: Config): Promise<Binaries> => {
  const { binaries } = await import("./provisioners/openshift/binaries.ts");
  const { installer, oc, ccoctl, installersFolder } = openshift;
  return binaries({ installer, oc, ccoctl, folder: installersFolder, environment });
};

export const wireCloud = (config: Config, onClose: (close: () => Promise<void>) => void): CloudEdges => {
  const clients = clientsSource(config, onClose);
  const settings = once(async () => ({
    clients: await clients(),
    accounts: await accountsOf(config),
    regions: config.aws.regions,
  }));
  const inventory = lazyInventory(
    once(async () => (await import("./cloud/aws/inventory.ts")).awsInventory(await settings())),
  );
  const account = lazyAccount(
    once(async () => {
      const { awsAccount } = await import("./cloud/aws/account.ts");
      return awsAccount({ ...(await settings()), region: someRegion(config) });
    }),
  );
  const bucket = async (): Promise<(BucketPlace & { readonly prefix: string }) | null> => {
    const place = config.artifacts;
    return place.kind === "folder" ? null : { ...place, clients: await clients() };
  };
  const artifacts = once(async () => {
    const place = await bucket();
    if (place !== null) return (await import("./cloud/aws/s3-artifacts.ts")).s3Artifacts(place);
    const { folderArtifacts } = await import("./local/artifacts.ts");
    return folderArtifacts(config.artifacts.kind === "folder" ? config.artifacts.folder : "");
  });
  const secrets = once(async () => {
    const place = config.secrets;
    if (place.kind === "aws-secrets-manager") {
      const { secretsManager } = await import("./cloud/aws/secrets-manager.ts");
      return secretsManager({ ...place, clients: await clients() });
    }
    const { folderSecrets } = await import("./local/secrets.ts");
    return folderSecrets({ root: place.folder, keyFile: config.secretsKeyFile });
  });
  const binaries = once(() => binariesOf(config));
  const installation = async () => (await import("./local/installation.ts")).installationId(await artifacts());
  const clouds = new Map([["aws", { inventory, account }]]);
  return {
    artifacts,
    secrets,
    binaries,
    installation,
    checkInstallSecrets: async () => {
      const { readInstallSecrets } = await import("./provisioners/openshift/run-secrets.ts");
      await readInstallSecrets(await secrets());
    },
    inventory,
    account,
    sweeps: [config.aws, ...Object.values(config.accounts)].some(({ regions }) => (regions ?? []).length > 0),
    observable: [...clouds.keys()],
    openshift: once(async () => {
      const { openshiftProvisioner } = await import("./provisioners/openshift/provisioner.ts");
      const { sliceMinutes, graceSeconds, observationGapSeconds } = config.openshift;
      return openshiftProvisioner({
        binaries: await binaries(),
        artifacts: await artifacts(),
        secrets: await secrets(),
        installation,
        clouds,
        environment: config.environment,
        sliceMinutes,
        gracePeriodSeconds: graceSeconds,
        observationGapSeconds,
      });
    }),
    bucketFindings: async () => {
      const place = await bucket();
      if (place === null) return null;
      const { checkBucket } = await import("./cloud/aws/bucket-check.ts");
      return await checkBucket(place, await artifacts());
    },
  };
};
