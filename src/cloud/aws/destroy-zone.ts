/** Removes one private zone with all its records, or one record. */

import {
  ChangeResourceRecordSetsCommand,
  DeleteHostedZoneCommand,
  GetHostedZoneCommand,
  ListResourceRecordSetsCommand,
  type ResourceRecordSet,
  type Route53Client,
} from "@aws-sdk/client-route-53";
import { nameOfRecord, namesBeside } from "../../core/openshift/dns.ts";
import { LabkeeperError } from "../../errors.ts";
import { madeInAws, ownersOf, recordId, recordsNamed } from "./inventory-route53.ts";
import { ask, batches, given, type Look } from "./look.ts";

/** The most changes that Route 53 takes at once are 1,000; a cluster's private zone has three records. */
const BATCH = 100;

/** Only a private one: a public zone is never a cluster's own. */
export async function removeZone(look: Look, client: Route53Client, Id: string): Promise<void> {
  const { HostedZone } = await ask(look, (options) => client.send(new GetHostedZoneCommand({ Id }), options));
  const zone = given(HostedZone, "HostedZone");
  if (zone.Config?.PrivateZone !== true) throw new LabkeeperError("LK5307", `${zone.Name} is a public zone`);
  const answer = await ask(look, (options) =>
    client.send(new ListResourceRecordSetsCommand({ HostedZoneId: Id }), options),
  );
  if (answer.IsTruncated === true) throw new LabkeeperError("LK5307", `${zone.Name} has more records than a cluster's`);
  // These two come and go with the zone.
  const records = given(answer.ResourceRecordSets, "ResourceRecordSets").filter(
    ({ Name, Type }) => !(Name === zone.Name && (Type === "NS" || Type === "SOA")),
  );
  for (const batch of batches(records, BATCH)) await removeAll(look, client, Id, batch);
  await ask(look, (options) => client.send(new DeleteHostedZoneCommand({ Id }), options));
}

/** One record by the id that a look gave it; what no cluster has is never removed from a zone one by one. */
export async function removeRecord(
  look: Look,
  client: Route53Client,
  id: string,
  infraId: string | null,
): Promise<void> {
  const name = nameOfRecord(id) ?? "";
  const names = namesBeside(name);
  if (names === null) throw new LabkeeperError("LK5307", `${id} is not a cluster's record`);
  const zoneId = /hostedzone\/([A-Z0-9]+)/.exec(id)?.[1] ?? "";
  const zone = { id: zoneId, name: "", isPrivate: false };
  const records = await recordsNamed(look, client, zone, names);
  const owners = ownersOf(records);
  if (infraId !== null && owners.length > 0 && !owners.includes(infraId)) {
    throw new LabkeeperError("LK5307", `${id} was of infraID ${infraId} and leads to ${owners.join(", ")}`);
  }
  const exact = records.filter((record) => recordId(zone, record) === id);
  if (exact.some((record) => !madeInAws(records).includes(record))) {
    throw new LabkeeperError("LK5307", `${id} leads to no load balancer of AWS, so no cluster there made it`);
  }
  if (exact.length > 0) await removeAll(look, client, zoneId, exact);
}

async function removeAll(
  look: Look,
  client: Route53Client,
  HostedZoneId: string,
  records: readonly ResourceRecordSet[],
): Promise<void> {
  const Changes = records.map((ResourceRecordSet) => ({ Action: "DELETE" as const, ResourceRecordSet }));
  const command = new ChangeResourceRecordSetsCommand({ HostedZoneId, ChangeBatch: { Changes } });
  await ask(look, (options) => client.send(command, options));
}
