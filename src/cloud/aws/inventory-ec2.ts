/** What a cluster has in EC2 and VPC: the kinds that are listed with their states, and whatever else carries the tags. */

import { DescribeTagsCommand, type EC2Client, type Filter } from "@aws-sdk/client-ec2";
import { images, instances, snapshots, volumes } from "./ec2-compute.ts";
import { type FindKind, type Item, PAGE } from "./ec2-kind.ts";
import {
  addresses,
  dhcpOptions,
  interfaces,
  internetGateways,
  natGateways,
  routeTables,
  securityGroups,
  subnets,
  vpcEndpoints,
  vpcs,
} from "./ec2-network.ts";
import { ask, everyPage, given, type Look } from "./look.ts";
import type { Found, Place, TagQuery, Whose } from "./whose.ts";

/** By the type in their ARNs, with the beginning of their ids. */
const KINDS: readonly (readonly [type: string, idPrefix: string, find: FindKind])[] = [
  ["instance", "i-", instances],
  ["volume", "vol-", volumes],
  ["elastic-ip", "eipalloc-", addresses],
  ["natgateway", "nat-", natGateways],
  ["network-interface", "eni-", interfaces],
  ["security-group", "sg-", securityGroups],
  ["vpc", "vpc-", vpcs],
  ["subnet", "subnet-", subnets],
  ["route-table", "rtb-", routeTables],
  ["internet-gateway", "igw-", internetGateways],
  ["vpc-endpoint", "vpce-", vpcEndpoints],
  ["dhcp-options", "dopt-", dhcpOptions],
  ["snapshot", "snap-", snapshots],
  ["image", "ami-", images],
];

export async function findEc2(look: Look, ec2: EC2Client, whose: Whose, place: Place): Promise<Found[]> {
  const found = new Map<string, Found>();
  const add = (type: string, item: Item): void => {
    if (!whose.isMeant(item.tags, null)) return;
    const id = `arn:${place.partition}:ec2:${place.region}:${place.accountId}:${type}/${item.id}`;
    found.set(id, { ...item, id, type: `ec2:${type}` });
  };
  const queries = whose.queries.filter(({ onlyIam }) => !onlyIam);
  for (const query of queries) {
    for (const [type, , find] of KINDS) for (const item of await find(look, ec2, [filterOf(query)])) add(type, item);
  }
  for (const { type, item } of await otherKinds(look, ec2, queries)) add(type, item);
  return [...found.values()];
}

/** EC2's filters take `*` themselves. */
const filterOf = ({ key, value }: TagQuery): Filter =>
  value === null || key.endsWith("*") ? { Name: "tag-key", Values: [key] } : { Name: `tag:${key}`, Values: [value] };

/**
 * Everything else that EC2 can tag. `DescribeTags` says of what type a resource is but not its state, and goes on about
 * some that are gone: so only what has no list of its own above is taken from it.
 */
async function otherKinds(
  look: Look,
  ec2: EC2Client,
  queries: readonly TagQuery[],
): Promise<{ readonly type: string; readonly item: Item }[]> {
  const byId = new Map<string, { readonly type: string; readonly tags: Record<string, string> }>();
  for (const { key, value } of queries) {
    const Filters: Filter[] = [{ Name: "key", Values: [key] }];
    if (value !== null) Filters.push({ Name: "value", Values: [value] });
    const tags = await everyPage(async (NextToken) => {
      const command = new DescribeTagsCommand({ Filters, NextToken, MaxResults: PAGE });
      const answer = await ask(look, (options) => ec2.send(command, options));
      return { items: given(answer.Tags, "Tags"), next: answer.NextToken };
    });
    for (const { ResourceId, ResourceType, Key = "", Value = "" } of tags) {
      const id = given(ResourceId, "ResourceId");
      const known = byId.get(id) ?? { type: given(ResourceType, "ResourceType"), tags: {} };
      known.tags[Key] = Value;
      byId.set(id, known);
    }
  }
  return [...byId]
    .filter(([id]) => !KINDS.some(([, prefix]) => id.startsWith(prefix)))
    .map(([id, { type, tags }]) => ({ type, item: { id, tags, dailyCost: null } }));
}
