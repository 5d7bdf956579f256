/** Which account has the base domains' zones of a lab's account: itself, unless the configuration names another. */

import type { Route53Client } from "@aws-sdk/client-route-53";
import { LabkeeperError } from "../../errors.ts";
import { homeRegionOf } from "./exact-target.ts";
import { type AccountSetting, accountIdOf } from "./identity.ts";
import type { Look } from "./look.ts";
import { accountLabel, type CloudClients } from "./parts.ts";

export interface DnsClients {
  /** Where the base domain's zones are, public ones and those that were made beforehand. */
  readonly base: Route53Client;
  /** Of the lab's own account, where a cluster makes its private zone. The same client where it is the same account. */
  readonly own: Route53Client;
  /** The account of `base`, for people. */
  readonly label: string;
}

/** @throws LK7001 when the account, or the one it names, is not configured */
export function dnsAccountOf(accounts: readonly AccountSetting[], account: string | null): AccountSetting {
  const named = (name: string | null): AccountSetting => {
    const found = accounts.find((setting) => setting.name === name);
    if (found !== undefined) return found;
    throw new LabkeeperError("LK7001", `there is no account ${accountLabel(name)} under accounts:`);
  };
  const own = named(account);
  return own.dnsAccount === undefined ? own : named(own.dnsAccount);
}

/** @throws LK5302 when the other account's credentials are not what the configuration says, and its like */
export async function dnsClients(
  look: Look,
  clients: CloudClients,
  accounts: readonly AccountSetting[],
  account: string | null,
  region: string,
): Promise<DnsClients> {
  const home = homeRegionOf(region);
  const own = await clients.client("route53", account, home);
  const { name, id } = dnsAccountOf(accounts, account);
  if (name === account) return { own, base: own, label: accountLabel(account) };
  await accountIdOf(look, clients, name, region, [id]);
  return { own, base: await clients.client("route53", name, home), label: accountLabel(name) };
}
