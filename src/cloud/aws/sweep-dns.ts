/** Records that clusters left in the base domains' zones: they carry no tags, so only exact names of known clusters count. */

import { ListResourceRecordSetsCommand, type ResourceRecordSet, type Route53Client } from "@aws-sdk/client-route-53";
import type { CloudResource, KnownCluster } from "../../cloud-ports.ts";
import { namesBeside, recordNames } from "../../core/openshift/dns.ts";
import { LabkeeperError } from "../../errors.ts";
import { failureText } from "./aws-failure.ts";
import { dnsAccountOf } from "./dns-account.ts";
import { homeRegionOf } from "./exact-target.ts";
import { type AccountSetting, accountIdOf } from "./identity.ts";
import { madeInAws, ownersOf, plainName, recordId, type Zone, zonesNamed } from "./inventory-route53.ts";
import { ask, beginLook, given, type Look } from "./look.ts";
import { accountLabel, type CloudClients } from "./parts.ts";
import { GLOBAL } from "./whose.ts";

export interface DnsSweep {
  readonly clients: CloudClients;
  /** With the regions that each is swept in; none: not at all. */
  readonly accounts: readonly (AccountSetting & { readonly regions: readonly string[] })[];
  /** The latest last. */
  readonly clusters: readonly KnownCluster[];
}

interface Unseen {
  readonly scope: string;
  readonly reason: string;
}

/** One round through each account that has zones of a known cluster's base domain; what cannot be read is told. */
export async function sweepRecords(
  { clients, accounts, clusters }: DnsSweep,
  signal?: AbortSignal,
): Promise<{ readonly resources: readonly CloudResource[]; readonly unseen: readonly Unseen[] }> {
  const resources: CloudResource[] = [];
  const unseen: Unseen[] = [];
  for (const [account, its] of byAccount(clusters)) {
    const setting = accounts.find(({ name }) => name === account);
    const [region] = setting?.regions ?? [];
    if (setting !== undefined && region === undefined) continue;
    let where = accountLabel(account);
    try {
      const { name, id } = dnsAccountOf(accounts, account);
      where = accountLabel(name);
      const look = beginLook(signal);
      const home = homeRegionOf(region ?? "");
      await accountIdOf(look, clients, name, home, [id]);
      const client = await clients.client("route53", name, home);
      for (const baseDomain of new Set(its.map((cluster) => cluster.baseDomain))) {
        const known = its.filter((cluster) => cluster.baseDomain === baseDomain);
        for (const zone of await zonesNamed(look, client, baseDomain)) {
          for (const found of attributed(zone, await recordsOf(look, client, zone), known)) {
            resources.push({ ...found, account: where });
          }
        }
      }
    } catch (error) {
      unseen.push({
        scope: `${where}/${GLOBAL}`,
        reason: failureText(error, `records of clusters of ${accountLabel(account)}`),
      });
    }
    signal?.throwIfAborted();
  }
  return { resources, unseen };
}

function byAccount(clusters: readonly KnownCluster[]): Map<string | null, KnownCluster[]> {
  const grouped = new Map<string | null, KnownCluster[]>();
  for (const cluster of clusters) grouped.set(cluster.account, [...(grouped.get(cluster.account) ?? []), cluster]);
  return grouped;
}

/** All of a zone, by 300 at once: cheaper than asking for every name that ever was. */
async function recordsOf(look: Look, client: Route53Client, zone: Zone): Promise<ResourceRecordSet[]> {
  const all: ResourceRecordSet[] = [];
  let from: Partial<Pick<ResourceRecordSet, "Name" | "Type" | "SetIdentifier">> = {};
  for (;;) {
    const start = {
      StartRecordName: from.Name,
      StartRecordType: from.Type,
      StartRecordIdentifier: from.SetIdentifier,
    };
    const answer = await ask(look, (options) =>
      client.send(new ListResourceRecordSetsCommand({ HostedZoneId: zone.id, ...start }), options),
    );
    all.push(...given(answer.ResourceRecordSets, "ResourceRecordSets"));
    if (answer.IsTruncated !== true) return all;
    const next = {
      Name: answer.NextRecordName,
      Type: answer.NextRecordType,
      SetIdentifier: answer.NextRecordIdentifier,
    };
    if (next.Name === from.Name && next.Type === from.Type && next.SetIdentifier === from.SetIdentifier) {
      throw new LabkeeperError("LK5309", "the list of records does not go on");
    }
    from = next;
  }
}

/**
 * The records with exactly a known cluster's names. Where the API's name leads to a load balancer, that says which of the
 * clusters of this name it is, or that it is none of them; where nothing says so, it is the latest.
 */
function attributed(
  zone: Zone,
  records: readonly ResourceRecordSet[],
  clusters: readonly KnownCluster[],
): Omit<CloudResource, "account">[] {
  const named = new Map<string, KnownCluster[]>();
  for (const cluster of clusters) {
    for (const name of recordNames(cluster)) named.set(name, [...(named.get(name) ?? []), cluster]);
  }
  const byName = new Map<string, ResourceRecordSet[]>();
  for (const record of records) {
    const name = plainName(record.Name ?? "");
    if (named.has(name)) byName.set(name, [...(byName.get(name) ?? []), record]);
  }
  return [...byName].flatMap(([name, its]) => {
    const all = (namesBeside(name) ?? []).flatMap((beside) => byName.get(beside) ?? []);
    const made = madeInAws(all);
    const owners = ownersOf(all);
    const candidates = named.get(name) ?? [];
    const owner =
      owners.length === 0 ? candidates.at(-1) : candidates.findLast(({ infraId }) => owners.includes(infraId));
    if (owner === undefined) return [];
    const { infraId, labId } = owner;
    const own = its.filter((record) => made.includes(record));
    return own.map((record) => ({
      id: recordId(zone, record),
      type: "route53:record",
      region: GLOBAL,
      infraId,
      labId,
      createdAt: null,
      dailyCost: 0,
    }));
  });
}
