/** The part of the configuration that is about clouds: accounts, stores there, installers, what the janitor looks into. */

import { join } from "node:path";
import type { CloudAccountSettings, ConfigFile } from "./config-file.ts";
import type { ArtifactsUrl } from "./config-values.ts";

/** A store in AWS. Nulls: the default credentials, the account's region, the service's own key. */
export interface AwsStore {
  readonly account: string | null;
  readonly region: string | null;
  readonly kmsKeyId: string | null;
}

export type ArtifactsPlace =
  | { readonly kind: "folder"; readonly folder: string }
  | ({ readonly kind: "s3"; readonly bucket: string; readonly prefix: string } & AwsStore);

export type SecretsPlace =
  | { readonly kind: "folder"; readonly folder: string }
  /** `recoveryDays`: how long a removed secret can be had back. */
  | ({ readonly kind: "aws-secrets-manager"; readonly recoveryDays: number } & AwsStore);

export interface CloudConfig {
  readonly artifacts: ArtifactsPlace;
  readonly secrets: SecretsPlace;
  readonly accounts: Readonly<Record<string, CloudAccountSettings>>;
  readonly aws: {
    /** Where orphans are looked for: those of the accounts as well. Empty: nowhere. */
    readonly regions: readonly string[];
    /** Buckets in the path instead of the host name, for an endpoint that is not AWS itself. */
    readonly pathStyle: boolean;
    /** Which account has the zones of labs of the default one; null: that one itself. */
    readonly dnsAccount: string | null;
  };
  readonly openshift: {
    /** `OPENSHIFT_INSTALL_BIN`: one program for every version, not held against a lock file. */
    readonly installer: string | null;
    readonly oc: string | null;
    readonly ccoctl: string | null;
    /** Has `openshift-install-VERSION` and `SHA256SUMS`. */
    readonly installersFolder: string | null;
    readonly sliceMinutes: number;
    readonly graceSeconds: number;
    readonly observationGapSeconds: number;
  };
  readonly janitor: {
    readonly sweepMinutes: number;
    /** How long logs and install state outlive the proof that a lab is gone. */
    readonly artifactRetentionDays: number;
  };
}

/** What flags, variables and the file say, paths made absolute. */
export interface CloudSources {
  readonly stateDir: string;
  readonly artifacts: ArtifactsUrl | null;
  readonly secrets: { readonly folder: string | null } | null;
  readonly installer: string | null;
  readonly oc: string | null;
  readonly ccoctl: string | null;
  readonly installersFolder: string | null;
}

const awsStore = (given: NonNullable<ConfigFile["aws"]>["artifacts"]): AwsStore => ({
  account: given?.account ?? null,
  region: given?.region ?? null,
  kmsKeyId: given?.kmsKeyId ?? null,
});

const artifactsOf = ({ stateDir, artifacts }: CloudSources, file: ConfigFile): ArtifactsPlace => {
  if (artifacts === null) return { kind: "folder", folder: join(stateDir, "artifacts") };
  if ("folder" in artifacts) return { kind: "folder", folder: artifacts.folder };
  return { kind: "s3", ...artifacts, ...awsStore(file.aws?.artifacts) };
};

const secretsOf = ({ stateDir, secrets }: CloudSources, file: ConfigFile): SecretsPlace => {
  if (secrets === null) return { kind: "folder", folder: join(stateDir, "secrets") };
  if (secrets.folder !== null) return { kind: "folder", folder: secrets.folder };
  const recoveryDays = file.aws?.secrets?.recoveryDays ?? 7;
  return { kind: "aws-secrets-manager", recoveryDays, ...awsStore(file.aws?.secrets) };
};

/** What the schema cannot say; each problem names its field and what is allowed. */
const mistakes = ({ accounts = {}, aws }: ConfigFile): readonly string[] => {
  const found: string[] = [];
  const isAccount = (name: string | undefined): boolean => name === undefined || Object.hasOwn(accounts, name);
  if (!isAccount(aws?.dnsAccount)) found.push("aws.dnsAccount: allowed is a name under accounts");
  for (const [name, { roleArn, accountId, dnsAccount }] of Object.entries(accounts)) {
    if (dnsAccount !== "default" && !isAccount(dnsAccount)) {
      found.push(`accounts.${name}.dnsAccount: allowed is a name under accounts, or default`);
    }
    const owner = /^arn:[\w-]+:iam::(\d{12}):role\//.exec(roleArn ?? "")?.[1];
    if (accountId !== undefined && owner !== undefined && owner !== accountId) {
      found.push(`accounts.${name}.accountId: allowed is the account that roleArn names`);
    }
  }
  for (const store of ["artifacts", "secrets"] as const) {
    const account = aws?.[store]?.account;
    if (account !== undefined && !Object.hasOwn(accounts, account)) {
      found.push(`aws.${store}.account: allowed is a name under accounts`);
    }
  }
  const days = aws?.secrets?.recoveryDays ?? 7;
  if (days !== 0 && days < 7) found.push("aws.secrets.recoveryDays: allowed is 0, or a whole number from 7 to 30");
  return found;
};

/** Adds what is wrong to `problems`. */
export const cloudConfig = (sources: CloudSources, file: ConfigFile, problems: string[]): CloudConfig => {
  problems.push(...mistakes(file));
  const { accounts = {}, aws, openshift, janitor } = file;
  const regions = [...(aws?.regions ?? []), ...Object.values(accounts).flatMap((account) => account.regions ?? [])];
  return {
    artifacts: artifactsOf(sources, file),
    secrets: secretsOf(sources, file),
    accounts,
    aws: { regions: [...new Set(regions)], pathStyle: aws?.pathStyle ?? false, dnsAccount: aws?.dnsAccount ?? null },
    openshift: {
      installer: sources.installer,
      oc: sources.oc,
      ccoctl: sources.ccoctl,
      installersFolder: sources.installersFolder,
      sliceMinutes: openshift?.sliceMinutes ?? 30,
      graceSeconds: openshift?.graceSeconds ?? 90,
      observationGapSeconds: openshift?.observationGapSeconds ?? 60,
    },
    janitor: {
      sweepMinutes: janitor?.sweepMinutes ?? 60,
      artifactRetentionDays: janitor?.artifactRetentionDays ?? 30,
    },
  };
};
