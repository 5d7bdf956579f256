/** What a cluster has in EC2 and VPC: seven kinds with their states, and whatever else carries the tags. */

import {
  DescribeAddressesCommand,
  DescribeInstancesCommand,
  DescribeNatGatewaysCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSecurityGroupsCommand,
  DescribeTagsCommand,
  DescribeVolumesCommand,
  DescribeVpcsCommand,
  type EC2Client,
  type Filter,
} from "@aws-sdk/client-ec2";
import { dailyPrice } from "../../core/prices.ts";
import { ask, everyPage, given, type Look, tagRecord } from "./look.ts";
import type { Found, Place, TagQuery, Whose } from "./whose.ts";

type Find = (look: Look, ec2: EC2Client, filters: Filter[]) => Promise<Omit<Found, "type">[]>;

/** Instances stay listed as `terminated` for about an hour, NAT gateways as `deleted`: neither is there any more. */
const instances: Find = async (look, ec2, filters) => {
  const reservations = await everyPage(async (NextToken) => {
    const answer = await ask(look, (options) =>
      ec2.send(new DescribeInstancesCommand({ Filters: filters, NextToken, MaxResults: PAGE }), options),
    );
    return { items: given(answer.Reservations, "Reservations"), next: answer.NextToken };
  });
  return reservations
    .flatMap(({ Instances }) => Instances ?? [])
    .filter(({ State }) => State?.Name !== "terminated")
    .map((instance) => ({
      id: given(instance.InstanceId, "InstanceId"),
      tags: tagRecord(instance.Tags),
      createdAt: instance.LaunchTime,
      dailyCost: dailyPrice({
        type: "ec2:instance",
        instanceType: instance.InstanceType,
        stopped: instance.State?.Name === "stopped",
      }),
    }));
};

const volumes: Find = async (look, ec2, filters) => {
  const all = await everyPage(async (NextToken) => {
    const answer = await ask(look, (options) =>
      ec2.send(new DescribeVolumesCommand({ Filters: filters, NextToken, MaxResults: 500 }), options),
    );
    return { items: given(answer.Volumes, "Volumes"), next: answer.NextToken };
  });
  return all.map((volume) => ({
    id: given(volume.VolumeId, "VolumeId"),
    tags: tagRecord(volume.Tags),
    createdAt: volume.CreateTime,
    dailyCost: dailyPrice({ type: "ec2:volume", volumeType: volume.VolumeType, gigabytes: volume.Size }),
  }));
};

/** The one list of these that has no pages. */
const addresses: Find = async (look, ec2, filters) => {
  const answer = await ask(look, (options) => ec2.send(new DescribeAddressesCommand({ Filters: filters }), options));
  return given(answer.Addresses, "Addresses").map(({ AllocationId, Tags }) => ({
    id: given(AllocationId, "AllocationId"),
    tags: tagRecord(Tags),
    dailyCost: dailyPrice({ type: "ec2:elastic-ip" }),
  }));
};

const natGateways: Find = async (look, ec2, filters) => {
  const all = await everyPage(async (NextToken) => {
    const answer = await ask(look, (options) =>
      ec2.send(new DescribeNatGatewaysCommand({ Filter: filters, NextToken, MaxResults: PAGE }), options),
    );
    return { items: given(answer.NatGateways, "NatGateways"), next: answer.NextToken };
  });
  return all
    .filter(({ State }) => State !== "deleted")
    .map(({ NatGatewayId, Tags, CreateTime }) => ({
      id: given(NatGatewayId, "NatGatewayId"),
      tags: tagRecord(Tags),
      createdAt: CreateTime,
      dailyCost: dailyPrice({ type: "ec2:natgateway" }),
    }));
};

const interfaces: Find = async (look, ec2, filters) => {
  const all = await everyPage(async (NextToken) => {
    const answer = await ask(look, (options) =>
      ec2.send(new DescribeNetworkInterfacesCommand({ Filters: filters, NextToken, MaxResults: PAGE }), options),
    );
    return { items: given(answer.NetworkInterfaces, "NetworkInterfaces"), next: answer.NextToken };
  });
  return all.map(({ NetworkInterfaceId, TagSet }) => ({
    id: given(NetworkInterfaceId, "NetworkInterfaceId"),
    tags: tagRecord(TagSet),
    dailyCost: 0,
  }));
};

const securityGroups: Find = async (look, ec2, filters) => {
  const all = await everyPage(async (NextToken) => {
    const answer = await ask(look, (options) =>
      ec2.send(new DescribeSecurityGroupsCommand({ Filters: filters, NextToken, MaxResults: PAGE }), options),
    );
    return { items: given(answer.SecurityGroups, "SecurityGroups"), next: answer.NextToken };
  });
  return all.map(({ GroupId, Tags }) => ({ id: given(GroupId, "GroupId"), tags: tagRecord(Tags), dailyCost: 0 }));
};

const vpcs: Find = async (look, ec2, filters) => {
  const all = await everyPage(async (NextToken) => {
    const answer = await ask(look, (options) =>
      ec2.send(new DescribeVpcsCommand({ Filters: filters, NextToken, MaxResults: PAGE }), options),
    );
    return { items: given(answer.Vpcs, "Vpcs"), next: answer.NextToken };
  });
  return all.map(({ VpcId, Tags }) => ({ id: given(VpcId, "VpcId"), tags: tagRecord(Tags), dailyCost: 0 }));
};

const PAGE = 1000;

/** By the resource type of their ARNs. */
const KINDS: Readonly<Record<string, Find>> = {
  instance: instances,
  volume: volumes,
  "elastic-ip": addresses,
  natgateway: natGateways,
  "network-interface": interfaces,
  "security-group": securityGroups,
  vpc: vpcs,
};

/** What the seven kinds are called by `DescribeTags`, which says a resource's type but not its state. */
const LOOKED_AT: ReadonlySet<string> = new Set(Object.keys(KINDS));

export async function findEc2(look: Look, ec2: EC2Client, whose: Whose, place: Place): Promise<Found[]> {
  const found = new Map<string, Found>();
  const add = (kind: string, item: Omit<Found, "type">): void => {
    if (!whose.isMeant(item.tags, null)) return;
    const id = `arn:${place.partition}:ec2:${place.region}:${place.accountId}:${kind}/${item.id}`;
    found.set(id, { ...item, id, type: `ec2:${kind}` });
  };
  for (const query of whose.queries) {
    for (const [kind, find] of Object.entries(KINDS)) {
      for (const item of await find(look, ec2, [filterOf(query)])) add(kind, item);
    }
  }
  for (const { kind, item } of await otherKinds(look, ec2, whose)) add(kind, item);
  return [...found.values()];
}

/** EC2's filters take `*` themselves. */
const filterOf = ({ key, value }: TagQuery): Filter =>
  value === null || key.endsWith("*") ? { Name: "tag-key", Values: [key] } : { Name: `tag:${key}`, Values: [value] };

/** Subnets, route tables, gateways, endpoints, snapshots, images and everything else that EC2 can tag. */
async function otherKinds(
  look: Look,
  ec2: EC2Client,
  whose: Whose,
): Promise<{ readonly kind: string; readonly item: Omit<Found, "type"> }[]> {
  const byId = new Map<string, { readonly kind: string; readonly tags: Record<string, string> }>();
  for (const { key, value } of whose.queries) {
    const filters: Filter[] = [{ Name: "key", Values: [key] }];
    if (value !== null) filters.push({ Name: "value", Values: [value] });
    const tags = await everyPage(async (NextToken) => {
      const answer = await ask(look, (options) =>
        ec2.send(new DescribeTagsCommand({ Filters: filters, NextToken, MaxResults: PAGE }), options),
      );
      return { items: given(answer.Tags, "Tags"), next: answer.NextToken };
    });
    for (const { ResourceId, ResourceType, Key = "", Value = "" } of tags) {
      const id = given(ResourceId, "ResourceId");
      const known = byId.get(id) ?? { kind: given(ResourceType, "ResourceType"), tags: {} };
      known.tags[Key] = Value;
      byId.set(id, known);
    }
  }
  return [...byId]
    .filter(([, { kind }]) => !LOOKED_AT.has(kind))
    .map(([id, { kind, tags }]) => ({ kind, item: { id, tags, dailyCost: dailyPrice({ type: `ec2:${kind}` }) } }));
}
