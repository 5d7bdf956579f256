/** What tests need of the moto server that `npm run test:aws` started. */

import { randomInt, randomUUID } from "node:crypto";
import { type AwsClients, awsClients } from "../../src/cloud/aws/clients.ts";

export const REGION = "us-east-1";

/** A twelve-digit account number: moto keeps every account's world apart, and makes it when its role is assumed. */
export const freshAccount = (): string => String(randomInt(100_000_000_000, 999_999_999_999));

export const roleOf = (account: string): string => `arn:aws:iam::${account}:role/labkeeper`;

export const uniqueName = (prefix: string): string => `${prefix}-${randomUUID().slice(0, 13)}`;

/** Clients of an account of one's own, so that tests side by side do not see each other. Its name is `lab`. */
export function freshClients(region: string = REGION): AwsClients & { readonly accountId: string } & Disposable {
  const accountId = freshAccount();
  const clients = awsClients({
    accounts: { lab: { roleArn: roleOf(accountId), region } },
    version: "test",
    pathStyle: true,
  });
  return { ...clients, accountId, [Symbol.dispose]: clients.close };
}
