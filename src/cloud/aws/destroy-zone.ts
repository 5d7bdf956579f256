/** Removes one private zone with all its records, or one record. */

import {
  ChangeResourceRecordSetsCommand,
  DeleteHostedZoneCommand,
  GetHostedZoneCommand,
  ListResourceRecordSetsCommand,
  type ResourceRecordSet,
  type Route53Client,
} from "@aws-sdk/client-route-53";
import { LabkeeperError } from "../../errors.ts";
import { recordId, recordsNamed } from "./inventory-route53.ts";
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

const RECORD_ID = /^arn:[\w-]+:route53:::hostedzone\/([A-Z0-9]+)\/([A-Z]+)\/([^/]+)(?:\/.+)?$/;
/** What a cluster has; nothing else is ever removed from a zone one by one. */
const CLUSTERS_OWN = /^(api|api-int|\*\.apps)\.[a-z0-9-]+\.([a-z0-9-]+\.)+[a-z0-9-]+$/;

/** One record by the id that a look gave it. */
export async function removeRecord(look: Look, client: Route53Client, id: string): Promise<void> {
  const [, zoneId = "", , name = ""] = RECORD_ID.exec(id) ?? [];
  if (!CLUSTERS_OWN.test(name)) throw new LabkeeperError("LK5307", `${id} is not a cluster's record`);
  const zone = { id: zoneId, name: "", isPrivate: false };
  const records = await recordsNamed(look, client, zone, [name]);
  const exact = records.filter((record) => recordId(zone, record) === id);
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
