/** Whose credentials these are, asked anew each time: a proof made in another account is no proof. */

import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { LabkeeperError } from "../../errors.ts";
import { awsError } from "./aws-error.ts";
import { ask, type Look } from "./look.ts";
import { accountLabel, type CloudClients } from "./parts.ts";

/** An account as the configuration names it. */
export interface AccountSetting {
  /** Null: the default credentials. */
  readonly name: string | null;
  /** The twelve digits that it must turn out to have; null: whatever it has. */
  readonly id: string | null;
  /** What a sweep of it looks into; absent: what it looks into everywhere. */
  readonly regions?: readonly string[];
  /** Another account of the configuration (null: the default one) that has its base domains' zones; absent: it has them. */
  readonly dnsAccount?: string | null;
}

/** The accounts of the configuration and the default one; a role says itself which account it is in. */
export const accountSettings = (
  accounts: Readonly<Record<string, { readonly roleArn?: string }>>,
): AccountSetting[] => [
  { name: null, id: null },
  ...Object.entries(accounts).map(([name, { roleArn }]) => ({
    name,
    id: /^arn:[\w-]+:iam::(\d{12}):role\//.exec(roleArn ?? "")?.[1] ?? null,
  })),
];

/** @throws LK5302 when it is not one of `expected`, LK6108 and its like when nobody can tell */
export async function accountIdOf(
  look: Look,
  clients: CloudClients,
  account: string | null,
  region: string,
  expected: readonly (string | null | undefined)[],
): Promise<string> {
  const label = accountLabel(account);
  const identity = async (): Promise<string | undefined> => {
    const sts = await clients.client("sts", account, region);
    return (await ask(look, (options) => sts.send(new GetCallerIdentityCommand({}), options))).Account;
  };
  const id = await identity().catch((error: unknown) => {
    throw awsError(error, `account ${label}: AWS does not say whose credentials these are`, "LK5309");
  });
  if (id === undefined || !/^\d{12}$/.test(id)) {
    throw new LabkeeperError("LK5309", `account ${label}: what answers as AWS does not say which account this is`);
  }
  const other = expected.find((one) => one !== null && one !== undefined && one !== id);
  if (other) throw new LabkeeperError("LK5302", `the credentials of ${label} belong to ${id} instead of ${other}`);
  return id;
}
