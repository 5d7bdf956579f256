/** Credentials in AWS Secrets Manager, one secret a lab, as a JSON object of names and values. */

import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { credentials, revealAll } from "../../core/credentials.ts";
import { isStoreKey } from "../../core/store-key.ts";
import { LabkeeperError } from "../../errors.ts";
import type { Credentials, SecretStore } from "../../ports.ts";
import { awsError, awsErrorName } from "./aws-error.ts";
import type { AwsClients } from "./clients.ts";

export interface SecretsManagerPlace {
  readonly clients: AwsClients;
  /** Null: the default credentials. */
  readonly account: string | null;
  /** Null: the account's, or what the environment says. */
  readonly region: string | null;
  /** A key of one's own, by ARN; null: the account's `aws/secretsmanager`. */
  readonly kmsKeyId: string | null;
  /** Days in which a removed secret can still be had back by an operator: 7 to 30, or 0 for none. */
  readonly recoveryDays: number;
}

/**
 * On the secrets of labs: whose they are. Not the tags of a lab's own resources: a secret that waits for its deletion must
 * not look like a part of a cluster that is still there.
 */
export const SECRET_TAG = "labkeeper.dev/secret-of";

/** AWS's limit for one value. */
const MOST_BYTES = 65_536;

/** Rejects with LK6002 (as a stop for a key or value that is not allowed), LK6102, LK6104, LK6105, LK6107 or LK6108. */
export function secretsManager(place: SecretsManagerPlace): SecretStore {
  const days = place.recoveryDays;
  if (days !== 0 && !(Number.isInteger(days) && days >= 7 && days <= 30)) {
    throw new LabkeeperError("LK7001", "a secret's recovery window is 0 or 7 to 30 days");
  }
  const tried = async <T>(key: string, what: string, work: (call: Call) => Promise<T>): Promise<T> => {
    if (!isStoreKey(key)) throw refused(`key ${JSON.stringify(key.slice(0, 200))} is not allowed`);
    const name = `labkeeper/${key}`;
    try {
      return await work({ sm: await place.clients.client("secrets", place.account, place.region), key, name, place });
    } catch (error) {
      throw awsError(error, `cannot ${what} the secret ${name}`, "LK6002");
    }
  };
  return {
    put: (key, sealed) => tried(key, "write", (call) => putSecret(call, textOf(sealed))),
    get: (key) => tried(key, "read", getSecret),
    remove: (key) => tried(key, "remove", removeSecret),
  };
}

interface Call {
  readonly sm: SecretsManagerClient;
  readonly key: string;
  readonly name: string;
  readonly place: SecretsManagerPlace;
}

const load = () => import("@aws-sdk/client-secrets-manager");

function textOf(sealed: Credentials): string {
  const value = JSON.stringify(revealAll(sealed));
  if (Buffer.byteLength(value) > MOST_BYTES) throw refused(`AWS takes no more than ${MOST_BYTES} bytes`);
  return value;
}

/** A new secret, or a new version of the one that is there, had back first when it waits for its deletion. */
async function putSecret({ sm, key, name, place }: Call, value: string): Promise<void> {
  const { CreateSecretCommand, PutSecretValueCommand, RestoreSecretCommand } = await load();
  const create = new CreateSecretCommand({
    Name: name,
    Description: "Credentials of a lab. Written by labkeeper, removed with the lab.",
    SecretString: value,
    Tags: [{ Key: SECRET_TAG, Value: key.split("/").at(-1) }],
    ...(place.kmsKeyId === null ? {} : { KmsKeyId: place.kmsKeyId }),
  });
  const created = await sm.send(create).then(
    () => true,
    (error: unknown) => {
      // InvalidRequest is how a secret that waits for its deletion answers, among other things that come up again below.
      if (["ResourceExistsException", "InvalidRequestException"].includes(awsErrorName(error))) return false;
      throw error;
    },
  );
  if (created) return;
  if (await isLeaving(sm, name)) await sm.send(new RestoreSecretCommand({ SecretId: name }));
  await sm.send(new PutSecretValueCommand({ SecretId: name, SecretString: value }));
}

async function getSecret({ sm, name }: Call): Promise<Credentials | null> {
  const { GetSecretValueCommand } = await load();
  try {
    const { SecretString } = await sm.send(new GetSecretValueCommand({ SecretId: name }));
    return parsed(name, SecretString);
  } catch (error) {
    if (awsErrorName(error) === "ResourceNotFoundException") return null;
    if (awsErrorName(error) === "InvalidRequestException" && (await isLeaving(sm, name))) return null;
    throw error;
  }
}

async function removeSecret({ sm, name, place }: Call): Promise<void> {
  const { DeleteSecretCommand } = await load();
  const { recoveryDays } = place;
  const how = recoveryDays === 0 ? { ForceDeleteWithoutRecovery: true } : { RecoveryWindowInDays: recoveryDays };
  try {
    await sm.send(new DeleteSecretCommand({ SecretId: name, ...how }));
  } catch (error) {
    if (awsErrorName(error) === "ResourceNotFoundException") return;
    if (awsErrorName(error) === "InvalidRequestException" && (await isLeaving(sm, name))) return;
    throw error;
  }
}

/** Whether a secret waits for its deletion. False also when there is none. */
async function isLeaving(sm: SecretsManagerClient, name: string): Promise<boolean> {
  const { DescribeSecretCommand } = await load();
  try {
    return (await sm.send(new DescribeSecretCommand({ SecretId: name }))).DeletedDate !== undefined;
  } catch (error) {
    if (awsErrorName(error) === "ResourceNotFoundException") return false;
    throw error;
  }
}

/** Says nothing of what is in it: a parser's message would quote it. */
function parsed(name: string, text: string | undefined): Credentials {
  let value: unknown = null;
  try {
    value = JSON.parse(text ?? "");
  } catch {
    value = null;
  }
  const isRecord = typeof value === "object" && value !== null && !Array.isArray(value);
  if (isRecord && Object.values(value as object).every((entry) => typeof entry === "string")) {
    return credentials(value as Record<string, string>);
  }
  throw new LabkeeperError("LK6107", `the secret ${name} was not written by labkeeper, or was changed by somebody`);
}

const refused = (why: string): LabkeeperError => new LabkeeperError("LK6002", why, { disposition: "stop" });
