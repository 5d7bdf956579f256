/**
 * What the Resource Groups Tagging API lists under a cluster's tags, over all services at once. It lags behind: what it
 * still lists of services that are looked at directly is not believed, and buckets and zones are asked for once more.
 */

import {
  GetResourcesCommand,
  GetTagKeysCommand,
  type ResourceGroupsTaggingAPIClient,
} from "@aws-sdk/client-resource-groups-tagging-api";
import { typeOf } from "./arn.ts";
import { ask, everyPage, given, type Look, tagRecord } from "./look.ts";
import type { Found, TagQuery, Whose } from "./whose.ts";

export async function findTagged(look: Look, client: ResourceGroupsTaggingAPIClient, whose: Whose): Promise<Found[]> {
  const found = new Map<string, Found>();
  for (const query of await exactQueries(look, client, whose.queries)) {
    const TagFilters = [{ Key: query.key, ...(query.value === null ? {} : { Values: [query.value] }) }];
    const mappings = await everyPage(async (PaginationToken) => {
      const answer = await ask(look, (options) =>
        client.send(new GetResourcesCommand({ TagFilters, PaginationToken, ResourcesPerPage: 100 }), options),
      );
      return { items: given(answer.ResourceTagMappingList, "ResourceTagMappingList"), next: answer.PaginationToken };
    });
    for (const { ResourceARN, Tags } of mappings) {
      const id = given(ResourceARN, "ResourceARN");
      const tags = tagRecord(Tags);
      if (whose.isMeant(tags, null)) found.set(id, { id, type: typeOf(id), tags });
    }
  }
  return [...found.values()];
}

/** The service takes whole keys only; those that begin alike are picked from all keys of the region. */
async function exactQueries(
  look: Look,
  client: ResourceGroupsTaggingAPIClient,
  queries: readonly TagQuery[],
): Promise<TagQuery[]> {
  const exact = queries.filter(({ key }) => !key.endsWith("*"));
  if (exact.length === queries.length) return exact;
  const keys = await everyPage(async (PaginationToken) => {
    const answer = await ask(look, (options) => client.send(new GetTagKeysCommand({ PaginationToken }), options));
    return { items: given(answer.TagKeys, "TagKeys"), next: answer.PaginationToken };
  });
  for (const { key: pattern, value } of queries.filter(({ key }) => key.endsWith("*"))) {
    const beginning = pattern.slice(0, -1);
    for (const key of keys) if (key.startsWith(beginning)) exact.push({ key, value });
  }
  return exact;
}

/** Types whose every resource with these tags is found directly, in the regions that are looked into. */
const DIRECT =
  /^(ec2(:.*)?|elasticloadbalancing:(loadbalancer\/.*|targetgroup)|iam:(role|user|instance-profile|oidc-provider))$/;

/** The lab's own secrets carry its id, too; they are labkeeper's, which removes them with the lab's record. */
const OWN = /^secretsmanager:/;

/** Without what the direct look should have found and did not: it is gone, and only this list does not know yet. */
export const believable = (tagged: readonly Found[], regions: readonly string[]): Found[] =>
  tagged.filter(({ id, type }) => {
    const region = id.split(":")[3] ?? "";
    const lookedAt = DIRECT.test(type) && (region === "" || regions.includes(region));
    return !lookedAt && !OWN.test(type);
  });
