/** A cluster's load balancers and target groups. They cannot be searched by tag: all are listed, tags read by twenties. */

import {
  DescribeTagsCommand as DescribeClassicTags,
  type ElasticLoadBalancingClient,
  DescribeLoadBalancersCommand as ListClassic,
} from "@aws-sdk/client-elastic-load-balancing";
import {
  DescribeLoadBalancersCommand,
  DescribeTagsCommand,
  DescribeTargetGroupsCommand,
  type ElasticLoadBalancingV2Client,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import type { Tags } from "../../core/ownership.ts";
import { dailyPrice } from "../../core/prices.ts";
import { typeOf } from "./arn.ts";
import { isMissing } from "./aws-failure.ts";
import { ask, batches, everyPage, given, type Look, tagRecord } from "./look.ts";
import type { Found, Place, Whose } from "./whose.ts";

/** Both services' limit for one `DescribeTags`. */
const TAG_BATCH = 20;

export async function findElbV2(look: Look, client: ElasticLoadBalancingV2Client, whose: Whose): Promise<Found[]> {
  const balancers = await everyPage(async (Marker) => {
    const answer = await ask(look, (options) => client.send(new DescribeLoadBalancersCommand({ Marker }), options));
    return { items: given(answer.LoadBalancers, "LoadBalancers"), next: answer.NextMarker };
  });
  const groups = await everyPage(async (Marker) => {
    const answer = await ask(look, (options) => client.send(new DescribeTargetGroupsCommand({ Marker }), options));
    return { items: given(answer.TargetGroups, "TargetGroups"), next: answer.NextMarker };
  });
  const listed = [
    ...balancers.map(({ LoadBalancerArn, LoadBalancerName, CreatedTime }) => ({
      id: given(LoadBalancerArn, "LoadBalancerArn"),
      name: given(LoadBalancerName, "LoadBalancerName"),
      type: typeOf(given(LoadBalancerArn, "LoadBalancerArn")),
      createdAt: CreatedTime,
    })),
    ...groups.map(({ TargetGroupArn, TargetGroupName }) => ({
      id: given(TargetGroupArn, "TargetGroupArn"),
      name: given(TargetGroupName, "TargetGroupName"),
      type: "elasticloadbalancing:targetgroup",
    })),
  ];
  const tags = await tagsInBatches(
    listed.map(({ id }) => id),
    async (ids) => {
      const answer = await ask(look, (options) => client.send(new DescribeTagsCommand({ ResourceArns: ids }), options));
      return given(answer.TagDescriptions, "TagDescriptions").map(({ ResourceArn, Tags: list }) => ({
        id: given(ResourceArn, "ResourceArn"),
        tags: tagRecord(list),
      }));
    },
  );
  return meant(whose, listed, tags);
}

export async function findClassicElb(
  look: Look,
  client: ElasticLoadBalancingClient,
  whose: Whose,
  { partition, region, accountId }: Place,
): Promise<Found[]> {
  const balancers = await everyPage(async (Marker) => {
    const answer = await ask(look, (options) => client.send(new ListClassic({ Marker, PageSize: 400 }), options));
    return { items: given(answer.LoadBalancerDescriptions, "LoadBalancerDescriptions"), next: answer.NextMarker };
  });
  const arn = (name: string): string =>
    `arn:${partition}:elasticloadbalancing:${region}:${accountId}:loadbalancer/${name}`;
  const listed = balancers.map(({ LoadBalancerName, CreatedTime }) => {
    const name = given(LoadBalancerName, "LoadBalancerName");
    return { id: arn(name), name, type: "elasticloadbalancing:loadbalancer/classic", createdAt: CreatedTime };
  });
  const tags = await tagsInBatches(
    listed.map(({ name }) => name),
    async (names) => {
      const answer = await ask(look, (options) =>
        client.send(new DescribeClassicTags({ LoadBalancerNames: names }), options),
      );
      return given(answer.TagDescriptions, "TagDescriptions").map(({ LoadBalancerName, Tags: list }) => ({
        id: arn(given(LoadBalancerName, "LoadBalancerName")),
        tags: tagRecord(list),
      }));
    },
  );
  return meant(whose, listed, tags);
}

interface Tagged {
  readonly id: string;
  readonly tags: Tags;
}

/** One that goes away between list and tags fails its whole batch: then each is read alone. */
async function tagsInBatches(ids: readonly string[], read: (ids: string[]) => Promise<Tagged[]>): Promise<Tagged[]> {
  const all: Tagged[] = [];
  for (const batch of batches(ids, TAG_BATCH)) {
    try {
      all.push(...(await read(batch)));
    } catch (error) {
      if (!isMissing(error)) throw error;
      for (const id of batch) all.push(...(await read([id]).catch(goneIsNone)));
    }
  }
  return all;
}

const goneIsNone = (error: unknown): [] => {
  if (isMissing(error)) return [];
  throw error;
};

/** What is listed and has no answer about its tags is gone since. */
const meant = (whose: Whose, listed: readonly Omit<Found, "tags">[], tagged: readonly Tagged[]): Found[] => {
  const tags = new Map(tagged.map((item) => [item.id, item.tags]));
  return listed.flatMap((item) => {
    const own = tags.get(item.id);
    if (own === undefined || !whose.isMeant(own, item.name ?? null)) return [];
    return [{ ...item, tags: own, dailyCost: dailyPrice({ type: item.type }) }];
  });
};
