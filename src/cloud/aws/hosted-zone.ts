/** Whether a new cluster's names can be made in Route 53. */

import { recordNames } from "../../core/openshift/dns.ts";
import { LabkeeperError } from "../../errors.ts";
import type { DnsClients } from "./dns-account.ts";
import { type DnsNames, missingZone, plainName, recordsNamed, zonesFor } from "./inventory-route53.ts";
import type { Look } from "./look.ts";

/**
 * A public cluster needs the base domain's public zone; a private one is content with a private zone of that name.
 * @throws LK5303, LK5304
 */
export async function checkZone(
  look: Look,
  dns: DnsClients,
  names: Omit<DnsNames, "infraId">,
  isPrivate: boolean,
): Promise<void> {
  const { base, own } = await zonesFor(look, dns, names);
  if (!base.some(({ zone }) => isPrivate || !zone.isPrivate)) {
    const what = base.length > 0 ? "only a private zone" : "no zone";
    throw new LabkeeperError("LK5303", missingZone(names.baseDomain, dns.label, what));
  }
  const wanted = recordNames(names);
  for (const { zone, client } of [...base, ...own]) {
    const [taken] = await recordsNamed(look, client, zone, wanted);
    if (taken !== undefined) {
      throw new LabkeeperError("LK5304", `${zone.name} (${zone.id}) has a record for ${plainName(taken.Name ?? "")}`);
    }
  }
}
