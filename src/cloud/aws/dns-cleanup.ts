/** Removes the names of exactly one cluster from the base domain's zones. */

import { ChangeResourceRecordSetsCommand } from "@aws-sdk/client-route-53";
import { isMissing } from "./aws-failure.ts";
import type { DnsClients } from "./dns-account.ts";
import { clusterRecords, type DnsNames, recordId, zonesFor } from "./inventory-route53.ts";
import { ask, type Look } from "./look.ts";

/**
 * In zones of exactly the base domain's or the cluster's name, records of exactly the cluster's names; none of them when
 * they point to another cluster's load balancer. Answers the ids of what was removed.
 */
export async function removeRecords(look: Look, dns: DnsClients, names: DnsNames): Promise<string[]> {
  const { base, own } = await zonesFor(look, dns, names);
  const removed: string[] = [];
  for (const { zone, client } of [...base, ...own]) {
    for (const ResourceRecordSet of await clusterRecords(look, client, zone, names)) {
      const Changes = [{ Action: "DELETE" as const, ResourceRecordSet }];
      const command = new ChangeResourceRecordSetsCommand({ HostedZoneId: zone.id, ChangeBatch: { Changes } });
      // Deleting asks for the whole record as it was read: one that was changed meanwhile is refused and read again.
      const done = await ask(look, (options) => client.send(command, options)).then(
        () => true,
        (error: unknown) => {
          if (isMissing(error)) return false;
          throw error;
        },
      );
      if (done) removed.push(recordId(zone, ResourceRecordSet));
    }
  }
  return removed;
}
