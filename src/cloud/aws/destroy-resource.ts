/** Removes one resource that an operator approved by its ARN, after seeing that it still is what was approved. */

import { DeleteLoadBalancerCommand as DeleteClassic } from "@aws-sdk/client-elastic-load-balancing";
import { DeleteLoadBalancerCommand, DeleteTargetGroupCommand } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { CloudResource } from "../../cloud-ports.ts";
import { LabkeeperError } from "../../errors.ts";
import { typeOf } from "./arn.ts";
import { awsError } from "./aws-error.ts";
import { isMissing } from "./aws-failure.ts";
import { EC2_REMOVALS } from "./destroy-ec2.ts";
import { IAM_REMOVALS } from "./destroy-iam.ts";
import { removeBucket } from "./destroy-s3.ts";
import { removeRecord, removeZone } from "./destroy-zone.ts";
import { homeOfPartition } from "./exact-target.ts";
import { type AccountSetting, accountIdOf } from "./identity.ts";
import { findZones } from "./inventory-route53.ts";
import { bucketRegion } from "./inventory-s3.ts";
import { ask, type Look } from "./look.ts";
import { accountLabel, type CloudClients, partsOf } from "./parts.ts";
import { everyCluster } from "./whose.ts";

interface Named {
  readonly account: string | null;
  /** Of the resource, or the home region for what belongs to none. */
  readonly region: string;
  readonly arn: string;
  readonly type: string;
  /** What its service calls it: the last part of the ARN. */
  readonly id: string;
}

const ARN = /^arn:([\w-]+):([a-z0-9-]+):([a-z0-9-]*):(\d{12})?:(.+)$/;

/**
 * @throws LK5307 for a type it does not know, for what is not (any more) what was approved, and for what still holds
 * something; LK5302 when it is in another account; LK5308 when AWS refuses
 */
export async function destroyOne(
  look: Look,
  clients: CloudClients,
  accounts: readonly AccountSetting[],
  resource: CloudResource,
): Promise<void> {
  const [, partition = "", , ownRegion = "", owner, rest = ""] = ARN.exec(resource.id) ?? [];
  const setting = accounts.find(({ name }) => accountLabel(name) === resource.account);
  if (partition === "" || rest === "") throw new LabkeeperError("LK5307", `${resource.id} is not an ARN`);
  if (setting === undefined) throw new LabkeeperError("LK5307", `account ${resource.account} is not configured`);
  const type = resource.type === "route53:record" ? resource.type : typeOf(resource.id);
  if (type !== resource.type) throw new LabkeeperError("LK5307", `${resource.id} is not of type ${resource.type}`);
  const region = ownRegion || homeOfPartition(partition);
  const account = setting.name;
  const named: Named = { account, region, arn: resource.id, type, id: rest.split("/").at(-1) ?? "" };
  const remove = removalOf(look, clients, named, { rest, infraId: resource.infraId });
  if (remove === null) throw new LabkeeperError("LK5307", `${type}: ${resource.id}`);
  const accountId = await accountIdOf(look, clients, account, region, [setting.id, owner]);
  try {
    if (type !== "route53:record") await checkApproved(look, clients, named, accountId, resource);
    await remove();
  } catch (error) {
    // Somebody else was faster.
    if (!isMissing(error)) throw awsError(error, resource.id, "LK5308");
  }
}

/** What it carries now must be what it carried when it was approved. */
async function checkApproved(
  look: Look,
  clients: CloudClients,
  { account, region, arn }: Named,
  accountId: string,
  resource: CloudResource,
): Promise<void> {
  const findDns = (client: Parameters<typeof findZones>[1]) => findZones(look, client, everyCluster);
  const tour = { clients, look, whose: everyCluster, account, accountId, regions: [region], findDns };
  const service = arn.split(":")[2] ?? "";
  const own: Readonly<Record<string, readonly string[]>> = { elasticloadbalancing: ["elb", "elbv2"] };
  const services = own[service] ?? [service];
  for (const part of partsOf(tour)) {
    if (!services.includes(part.name.split(" ")[0] ?? "")) continue;
    const now = (await part.run()).find(({ id }) => id === arn);
    if (now === undefined) continue;
    if (now.infraId === resource.infraId && now.labId === resource.labId) return;
    const [was, is] = [resource, now].map(({ infraId, labId }) => `infraID ${infraId}, lab id ${labId}`);
    throw new LabkeeperError("LK5307", `${arn} was of ${was} and is of ${is}`);
  }
  throw new LabkeeperError("LK5307", `${arn} is not there any more, or nothing says whose it is`);
}

/** Null for types that are not removed here. */
function removalOf(
  look: Look,
  clients: CloudClients,
  named: Named,
  { rest, infraId }: { readonly rest: string; readonly infraId: string | null },
): (() => Promise<void>) | null {
  const { account, region, type, id, arn } = named;
  const ec2 = Object.hasOwn(EC2_REMOVALS, type) ? EC2_REMOVALS[type] : undefined;
  if (ec2 !== undefined) return async () => ec2(look, await clients.client("ec2", account, region), id, arn);
  const iam = Object.hasOwn(IAM_REMOVALS, type) ? IAM_REMOVALS[type] : undefined;
  if (iam !== undefined) return async () => iam(look, await clients.client("iam", account, region), id, arn);
  switch (type) {
    case "elasticloadbalancing:loadbalancer/classic":
      return async () => {
        const elb = await clients.client("elb", account, region);
        await ask(look, (options) => elb.send(new DeleteClassic({ LoadBalancerName: id }), options));
      };
    case "elasticloadbalancing:loadbalancer/net":
    case "elasticloadbalancing:loadbalancer/app":
      return async () => {
        const elb = await clients.client("elbv2", account, region);
        await ask(look, (options) => elb.send(new DeleteLoadBalancerCommand({ LoadBalancerArn: arn }), options));
      };
    case "elasticloadbalancing:targetgroup":
      return async () => {
        const elb = await clients.client("elbv2", account, region);
        await ask(look, (options) => elb.send(new DeleteTargetGroupCommand({ TargetGroupArn: arn }), options));
      };
    case "s3:bucket":
      return async () => {
        const anywhere = await clients.client("s3", account, region);
        await removeBucket(look, await clients.client("s3", account, await bucketRegion(look, anywhere, rest)), rest);
      };
    case "route53:hostedzone":
      return async () => removeZone(look, await clients.client("route53", account, region), id);
    case "route53:record":
      return async () => removeRecord(look, await clients.client("route53", account, region), arn, infraId);
    default:
      return null;
  }
}
