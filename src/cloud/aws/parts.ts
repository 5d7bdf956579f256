/** A look at one account, in parts that can fail one by one: each service in each region. */

import { GetHostedZoneCommand, type Route53Client } from "@aws-sdk/client-route-53";
import type { S3Client } from "@aws-sdk/client-s3";
import type { CloudResource } from "../../cloud-ports.ts";
import { isMissing } from "./aws-failure.ts";
import type { AwsClients } from "./clients.ts";
import { homeRegionOf, partitionOf } from "./exact-target.ts";
import { findEc2 } from "./inventory-ec2.ts";
import { findClassicElb, findElbV2 } from "./inventory-elb.ts";
import { findIam } from "./inventory-iam.ts";
import { bucketRegion, findS3 } from "./inventory-s3.ts";
import { believable, findTagged } from "./inventory-tagging.ts";
import { ask, type Look } from "./look.ts";
import { type Found, GLOBAL, type Place, resourceOf, type Whose } from "./whose.ts";

export type CloudClients = Pick<AwsClients, "client">;

export interface Part {
  /** `ec2 us-east-1`, for people. */
  readonly name: string;
  /** Or `global`. */
  readonly region: string;
  run(): Promise<readonly CloudResource[]>;
}

export interface Tour {
  readonly clients: CloudClients;
  readonly look: Look;
  readonly whose: Whose;
  /** As the configuration names it; null: the default credentials. */
  readonly account: string | null;
  readonly accountId: string;
  readonly regions: readonly string[];
  /** Zones and records are searched differently for one cluster and for all. */
  findDns(client: Route53Client): Promise<Found[]>;
}

export const accountLabel = (account: string | null): string => account ?? "default";

/** Everything there is to look at. Global services are asked once, in the partition's home region. */
export function partsOf(tour: Tour): Part[] {
  const { clients, look, whose, account, accountId, regions } = tour;
  const home = homeRegionOf(regions[0] ?? "");
  const placeIn = (region: string): Place => ({
    account: accountLabel(account),
    accountId,
    partition: partitionOf(region),
    region,
  });
  const part = (service: string, region: string, find: () => Promise<readonly Found[]>): Part => ({
    name: `${service} ${region}`,
    region,
    run: async () => (await find()).map((found) => resourceOf(whose, placeIn(region), whereOf(found, region), found)),
  });
  const tagged = async (region: string): Promise<Found[]> => {
    const found = await findTagged(look, await clients.client("tagging", account, region), whose);
    return await stillThere(tour, home, believable(found, regions));
  };
  const regional = regions.flatMap((region) => [
    part("ec2", region, async () =>
      findEc2(look, await clients.client("ec2", account, region), whose, placeIn(region)),
    ),
    part("elbv2", region, async () => findElbV2(look, await clients.client("elbv2", account, region), whose)),
    part("elb", region, async () =>
      findClassicElb(look, await clients.client("elb", account, region), whose, placeIn(region)),
    ),
  ]);
  const s3In = (region: string): Promise<S3Client> => clients.client("s3", account, region);
  return [
    ...regional,
    // What belongs to no region is listed in the home region.
    ...[...new Set([...regions, home])].map((region) => part("tagging", region, () => tagged(region))),
    part("iam", GLOBAL, async () => findIam(look, await clients.client("iam", account, home), whose)),
    part("route53", GLOBAL, async () => tour.findDns(await clients.client("route53", account, home))),
    part("s3", GLOBAL, async () => findS3(look, await s3In(home), whose, s3In)),
  ];
}

/** By its ARN; where that has no region the resource belongs to none. */
const whereOf = ({ id }: Found, region: string): string => {
  const own = id.split(":")[3];
  return own === undefined ? region : own === "" ? GLOBAL : own;
};

/** Buckets and zones that only the Tagging API found are asked for once more. */
async function stillThere(tour: Tour, home: string, tagged: readonly Found[]): Promise<Found[]> {
  const { clients, look, account } = tour;
  const there: Found[] = [];
  for (const found of tagged) {
    const name = found.id.split(/:::|\//).at(-1) ?? "";
    if (found.type === "s3:bucket") {
      const s3 = await clients.client("s3", account, home);
      if (await bucketRegion(look, s3, name).then(isThere, isGone)) there.push(found);
    } else if (found.type === "route53:hostedzone") {
      const route53 = await clients.client("route53", account, home);
      const zone = ask(look, (options) => route53.send(new GetHostedZoneCommand({ Id: name }), options));
      if (await zone.then(isThere, isGone)) there.push(found);
    } else there.push(found);
  }
  return there;
}

const isThere = (): true => true;
const isGone = (error: unknown): false => {
  if (isMissing(error)) return false;
  throw error;
};
