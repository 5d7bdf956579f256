/** Everything with labkeeper's or a cluster's tags, in all accounts and regions, and records by the names of clusters. What could not be seen is told. */

import type { CloudInventory, CloudResource, KnownCluster } from "../../cloud-ports.ts";
import { failureText } from "./aws-failure.ts";
import { type AccountSetting, accountIdOf } from "./identity.ts";
import { findZones } from "./inventory-route53.ts";
import { beginLook } from "./look.ts";
import { accountLabel, type CloudClients, partsOf } from "./parts.ts";
import { runParts } from "./run-parts.ts";
import { sweepRecords } from "./sweep-dns.ts";
import { everyCluster, GLOBAL } from "./whose.ts";

export interface InventorySettings {
  readonly clients: CloudClients;
  /** All that the configuration names, and the default one: see `accountSettings`. */
  readonly accounts: readonly AccountSetting[];
  /** What a sweep looks into. */
  readonly regions: readonly string[];
}

type Swept = Awaited<ReturnType<CloudInventory["sweep"]>>;

/**
 * Scopes are `account/region`, with `global` for what belongs to no region. Accounts for which no region is configured are
 * not looked into.
 */
export async function sweepAccounts(
  settings: InventorySettings,
  clusters: readonly KnownCluster[] = [],
  signal?: AbortSignal,
): Promise<Swept> {
  const resources = new Map<string, CloudResource>();
  const unseen: { scope: string; reason: string }[] = [];
  const seen = new Set<string>();
  const { clients, accounts } = settings;
  const entered = accounts.map((setting) => ({ ...setting, regions: setting.regions ?? settings.regions }));
  if (entered.every(({ regions }) => regions.length === 0)) {
    return { resources: [], unseen: [{ scope: "aws", reason: "no regions are configured" }] };
  }
  for (const { name: account, id, regions: asked } of entered) {
    const [first] = asked;
    if (first === undefined) continue;
    const look = beginLook(signal);
    const tell = (region: string, reason: string): void => {
      unseen.push({ scope: `${accountLabel(account)}/${region}`, reason });
    };
    try {
      const accountId = await accountIdOf(look, clients, account, first, [id]);
      // Two names may lead to one account: what is found under the first counts.
      const regions = asked.filter((region) => !seen.has(`${accountId}/${region}`));
      if (regions.length === 0) continue;
      const findDns = (client: Parameters<typeof findZones>[1]) => findZones(look, client, everyCluster);
      const tour = { clients, look, whose: everyCluster, account, accountId, regions, findDns };
      const swept = await runParts(partsOf(tour));
      for (const resource of swept.resources) if (!resources.has(resource.id)) resources.set(resource.id, resource);
      for (const [region, reason] of swept.unseen) tell(region, reason);
      for (const region of regions) seen.add(`${accountId}/${region}`);
    } catch (error) {
      const reason = failureText(error, "whose credentials these are");
      for (const region of [...asked, GLOBAL]) tell(region, reason);
    }
    signal?.throwIfAborted();
  }
  const records = await sweepRecords({ clients, accounts: entered, clusters }, signal);
  for (const record of records.resources) if (!resources.has(record.id)) resources.set(record.id, record);
  unseen.push(...records.unseen);
  return { resources: [...resources.values()].sort((a, b) => (a.id < b.id ? -1 : 1)), unseen };
}
