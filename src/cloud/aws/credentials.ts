/** Who labkeeper is in a cloud account: the default chain, or a role assumed from there. Values never leave this file but to a client. */

import { fromNodeProviderChain, fromTemporaryCredentials } from "@aws-sdk/credential-providers";
import { LabkeeperError } from "../../errors.ts";
import { awsError } from "./aws-error.ts";

/** One entry of `accounts:` in the configuration. */
export interface AwsAccount {
  readonly roleArn?: string;
  /** What the role's trust policy asks for, so that nobody else's labkeeper is taken for this one. */
  readonly externalId?: string;
  /** Where its labs and buckets are unless something says otherwise. */
  readonly region?: string;
}

export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

export type AwsCredentials = () => Promise<AwsKeys>;

/** Before they end, so that a request signed now is still good when it arrives. */
const RENEW_BEFORE_MS = 5 * 60_000;
const SESSION_SECONDS = 3600;

/**
 * Credentials of an account (undefined: the default chain: environment, profile, web identity, container, instance).
 * Fetched when first asked for, shared by everybody who asks, renewed in time. Rejects with LK6108.
 */
export function accountCredentials(name: string | null, account: AwsAccount | undefined): AwsCredentials {
  const chain = fromNodeProviderChain();
  if (account?.roleArn === undefined) return renewed("the default credential chain gives none", chain);
  const assumed = fromTemporaryCredentials({
    masterCredentials: chain,
    params: {
      RoleArn: account.roleArn,
      RoleSessionName: "labkeeper",
      DurationSeconds: SESSION_SECONDS,
      ...(account.externalId === undefined ? {} : { ExternalId: account.externalId }),
    },
    ...(account.region === undefined ? {} : { clientConfig: { region: account.region } }),
  });
  return renewed(`account ${name ?? "default"}: cannot assume ${account.roleArn}`, assumed);
}

/** One request for all who ask at the same time; a failure is not kept. */
function renewed(what: string, provide: AwsCredentials): AwsCredentials {
  let kept: Promise<AwsKeys> | null = null;
  let goodUntil = 0;
  return () => {
    if (kept !== null && Date.now() < goodUntil) return kept;
    goodUntil = Number.POSITIVE_INFINITY;
    kept = provide().then(
      (keys) => {
        goodUntil = keys.expiration === undefined ? goodUntil : keys.expiration.getTime() - RENEW_BEFORE_MS;
        return keys;
      },
      (error: unknown) => {
        kept = null;
        const found = awsError(error, what, "LK6108");
        // A refusal here is of who labkeeper is, not of what it wanted to do.
        throw found.code === "LK6102" ? new LabkeeperError("LK6108", found.message, { cause: found }) : found;
      },
    );
    return kept;
  };
}
