/** Whether a new cluster's names can be made in Route 53. */

import type { Route53Client } from "@aws-sdk/client-route-53";
import { LabkeeperError } from "../../errors.ts";
import { type DnsNames, recordNames, recordsNamed, zonesNamed } from "./inventory-route53.ts";
import type { Look } from "./look.ts";

/**
 * A public cluster needs the base domain's public zone; a private one is content with a private zone of that name.
 * @throws LK5303, LK5304
 */
export async function checkZone(
  look: Look,
  client: Route53Client,
  names: Omit<DnsNames, "infraId">,
  isPrivate: boolean,
): Promise<void> {
  const { baseDomain, clusterName } = names;
  const zones = await zonesNamed(look, client, baseDomain);
  const usable = zones.filter((zone) => isPrivate || !zone.isPrivate);
  if (usable.length === 0) {
    const only = zones.length > 0 ? "only a private zone" : "no zone";
    throw new LabkeeperError("LK5303", `Route 53 has ${only} for ${baseDomain} in this account`);
  }
  const wanted = recordNames(names);
  const own = await zonesNamed(look, client, `${clusterName}.${baseDomain}`);
  for (const zone of [...zones, ...own]) {
    const [taken] = await recordsNamed(look, client, zone, wanted);
    if (taken !== undefined) {
      const name = (taken.Name ?? "").replaceAll("\\052", "*").replace(/\.$/, "");
      throw new LabkeeperError("LK5304", `${zone.name} (${zone.id}) has a record for ${name}`);
    }
  }
}
