/** A cluster's names in the base domain's zone, and the private zones it made. */

import {
  type HostedZone,
  ListHostedZonesByNameCommand,
  ListHostedZonesCommand,
  ListResourceRecordSetsCommand,
  ListTagsForResourcesCommand,
  type ResourceRecordSet,
  type Route53Client,
  type RRType,
} from "@aws-sdk/client-route-53";
import { recordNames } from "../../core/openshift/dns.ts";
import type { Tags } from "../../core/ownership.ts";
import { dailyPrice } from "../../core/prices.ts";
import { LabkeeperError } from "../../errors.ts";
import type { DnsClients } from "./dns-account.ts";
import { ask, batches, everyPage, given, type Look, tagRecord } from "./look.ts";
import type { Found, Whose } from "./whose.ts";

/** What of a target names its records. */
export interface DnsNames {
  readonly infraId: string;
  readonly clusterName: string;
  readonly baseDomain: string;
}

export interface Zone {
  /** Without `/hostedzone/`. */
  readonly id: string;
  /** Without the dot at the end. */
  readonly name: string;
  readonly isPrivate: boolean;
}

/** Route 53 writes `*` as `\052`, and a dot at the end. */
export const plainName = (name: string): string => name.replace(/\.$/, "").replaceAll("\\052", "*").toLowerCase();

const zoneOf = ({ Id, Name, Config }: HostedZone): Zone => ({
  id: given(Id, "Id").replace(/^\/hostedzone\//, ""),
  name: plainName(given(Name, "Name")),
  isPrivate: Config?.PrivateZone === true,
});

/** All zones of exactly this name, public and private ones. */
export async function zonesNamed(look: Look, client: Route53Client, name: string): Promise<Zone[]> {
  const found: Zone[] = [];
  let from: { DNSName?: string | undefined; HostedZoneId?: string | undefined } = { DNSName: name };
  // Sorted by name, so the first page that ends with another name is the last.
  for (;;) {
    const answer = await ask(look, (options) => client.send(new ListHostedZonesByNameCommand(from), options));
    const zones = given(answer.HostedZones, "HostedZones").map(zoneOf);
    found.push(...zones.filter((zone) => zone.name === name));
    const { IsTruncated, NextDNSName, NextHostedZoneId } = answer;
    if (IsTruncated !== true || plainName(given(NextDNSName, "NextDNSName")) !== name) return found;
    if (NextHostedZoneId === from.HostedZoneId) throw new LabkeeperError("LK5309", "the list of zones does not go on");
    from = { DNSName: NextDNSName, HostedZoneId: NextHostedZoneId };
  }
}

/** All records of exactly these names in a zone. */
export async function recordsNamed(
  look: Look,
  client: Route53Client,
  zone: Zone,
  names: readonly string[],
): Promise<ResourceRecordSet[]> {
  const found: ResourceRecordSet[] = [];
  for (const name of names) {
    let from: { name: string; type?: RRType | undefined; set?: string | undefined } = { name };
    for (let more = true; more; ) {
      const start = { StartRecordName: from.name, StartRecordType: from.type, StartRecordIdentifier: from.set };
      const answer = await ask(look, (options) =>
        client.send(new ListResourceRecordSetsCommand({ HostedZoneId: zone.id, ...start }), options),
      );
      const records = given(answer.ResourceRecordSets, "ResourceRecordSets");
      found.push(...records.filter((record) => plainName(record.Name ?? "") === name));
      const next = { name: answer.NextRecordName ?? "", type: answer.NextRecordType, set: answer.NextRecordIdentifier };
      more = answer.IsTruncated === true && plainName(next.name) === name;
      if (more && next.name === from.name && next.type === from.type && next.set === from.set) {
        throw new LabkeeperError("LK5309", "the list of records does not go on");
      }
      from = next;
    }
  }
  return found;
}

/**
 * The names of `<infraID>-ext` and `-int`, the load balancers that the API's records point to. A lab of the same name that
 * was made anew has records of the same name too; they say so here.
 */
const API_TARGET = /^(?:dualstack\.|internal-)*([a-z0-9-]+)-(?:ext|int)-[0-9a-f]+\.elb\./;

const targetsOf = ({ AliasTarget, ResourceRecords }: ResourceRecordSet): string[] =>
  [AliasTarget?.DNSName, ...(ResourceRecords ?? []).map(({ Value }) => Value)].map((target) => plainName(target ?? ""));

/** The infraIDs of the clusters whose load balancers the records of one name lead to; none when they do not say. */
export const ownersOf = (records: readonly ResourceRecordSet[]): string[] =>
  records.flatMap(targetsOf).flatMap((target) => API_TARGET.exec(target)?.[1] ?? []);

const leadsToBalancer = (record: ResourceRecordSet): boolean =>
  targetsOf(record).some((target) => target.includes(".elb."));
const isAddress = ({ Type }: ResourceRecordSet): boolean => Type === "A" || Type === "AAAA" || Type === "CNAME";
const isOfApi = ({ Name }: ResourceRecordSet): boolean => plainName(Name ?? "").startsWith("api");

/**
 * Of the records of one cluster's names, those that a cluster in AWS can have: the installer and the ingress operator lead
 * all of theirs to load balancers. One of that name somewhere else (a data centre, another cloud) has none here, not even
 * its applications' name.
 */
export function madeInAws(records: readonly ResourceRecordSet[]): ResourceRecordSet[] {
  const isElsewhere = records.some((record) => isOfApi(record) && isAddress(record) && !leadsToBalancer(record));
  return isElsewhere ? [] : records.filter(leadsToBalancer);
}

/** The records of this cluster; those of the same name that surely are another cluster's are left out. */
export async function clusterRecords(
  look: Look,
  client: Route53Client,
  zone: Zone,
  names: DnsNames,
): Promise<ResourceRecordSet[]> {
  const records = madeInAws(await recordsNamed(look, client, zone, recordNames(names)));
  const owners = ownersOf(records);
  return owners.length > 0 && !owners.includes(names.infraId) ? [] : records;
}

/** A zone, and who can read and change it. */
export interface PlacedZone {
  readonly zone: Zone;
  readonly client: Route53Client;
}

/** Those named like the base domain, where these are, and those named like the cluster, wherever they are. */
export async function zonesFor(
  look: Look,
  { base, own }: DnsClients,
  { clusterName, baseDomain }: Omit<DnsNames, "infraId">,
): Promise<{ readonly base: readonly PlacedZone[]; readonly own: readonly PlacedZone[] }> {
  const placed = async (client: Route53Client, name: string): Promise<PlacedZone[]> =>
    (await zonesNamed(look, client, name)).map((zone) => ({ zone, client }));
  const name = `${clusterName}.${baseDomain}`;
  const found: PlacedZone[] = [];
  for (const client of new Set([own, base])) found.push(...(await placed(client, name)));
  return { base: await placed(base, baseDomain), own: found };
}

export const recordId = (zone: Zone, { Name, Type, SetIdentifier }: ResourceRecordSet): string =>
  `arn:aws:route53:::hostedzone/${zone.id}/${Type}/${plainName(Name ?? "")}${SetIdentifier ? `/${SetIdentifier}` : ""}`;

/**
 * Looks into every zone named like the base domain or like the cluster. Without a zone of the base domain there is nothing
 * to look into, which is no proof of anything: most likely another account has it.
 */
export async function findRoute53(look: Look, dns: DnsClients, whose: Whose, names: DnsNames): Promise<Found[]> {
  const { base, own } = await zonesFor(look, dns, names);
  if (base.length === 0) throw new LabkeeperError("LK5303", missingZone(names.baseDomain, dns.label, "no zone"));
  const found: Found[] = [];
  for (const { zone, client } of [...base, ...own]) {
    for (const record of await clusterRecords(look, client, zone, names)) {
      found.push({ id: recordId(zone, record), type: "route53:record", tags: {}, dailyCost: 0 });
    }
  }
  for (const { zone, client } of own) {
    const tags = await zoneTags(look, client, [zone]);
    // By tags alone: a zone that the cluster was given has its name, too, and outlives it. Its records were looked at above.
    if (whose.isMeant(tags.get(zone.id) ?? {}, null)) found.push(zoneFound(zone, tags));
  }
  return found;
}

export const missingZone = (baseDomain: string, label: string, what: "no zone" | "only a private zone"): string =>
  `Route 53 has ${what} for ${baseDomain} in account ${label}; where another account has it, that one is to be its dnsAccount in the configuration`;

/** Private zones of any cluster. */
export async function findZones(look: Look, client: Route53Client, whose: Whose): Promise<Found[]> {
  const zones = await everyPage(async (Marker) => {
    const answer = await ask(look, (options) => client.send(new ListHostedZonesCommand({ Marker }), options));
    return {
      items: given(answer.HostedZones, "HostedZones").map(zoneOf),
      next: answer.IsTruncated === true ? given(answer.NextMarker, "NextMarker") : undefined,
    };
  });
  const own = zones.filter(({ isPrivate }) => isPrivate);
  const tags = await zoneTags(look, client, own);
  return own.filter(({ id }) => whose.isMeant(tags.get(id) ?? {}, null)).map((zone) => zoneFound(zone, tags));
}

const zoneFound = (zone: Zone, tags: ReadonlyMap<string, Tags>): Found => ({
  id: `arn:aws:route53:::hostedzone/${zone.id}`,
  type: "route53:hostedzone",
  tags: tags.get(zone.id) ?? {},
  dailyCost: dailyPrice({ type: "route53:hostedzone" }),
});

/** `ListTagsForResources` takes ten at once. */
async function zoneTags(look: Look, client: Route53Client, zones: readonly Zone[]): Promise<Map<string, Tags>> {
  const tags = new Map<string, Tags>();
  for (const batch of batches(zones, 10)) {
    const ResourceIds = batch.map(({ id }) => id);
    const answer = await ask(look, (options) =>
      client.send(new ListTagsForResourcesCommand({ ResourceType: "hostedzone", ResourceIds }), options),
    );
    for (const { ResourceId, Tags: list } of given(answer.ResourceTagSets, "ResourceTagSets")) {
      tags.set(given(ResourceId, "ResourceId"), tagRecord(list));
    }
  }
  return tags;
}
