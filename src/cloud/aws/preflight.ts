/** What would fail fifteen minutes into an install, asked before anything exists. */

import { type AwsSettings, awsSettings } from "../../core/openshift/platform-config.ts";
import { LabkeeperError } from "../../errors.ts";
import type { LabOrder, ResourceNeed } from "../../ports.ts";
import { dnsClients } from "./dns-account.ts";
import { checkZone } from "./hosted-zone.ts";
import type { AccountSetting } from "./identity.ts";
import type { Look } from "./look.ts";
import { checkOfferings, type Offer } from "./offerings.ts";
import type { CloudClients } from "./parts.ts";
import { isStandard, QUOTAS, type Quota, type QuotaClients, quotaLimit } from "./quotas.ts";

/** What the installer uses where a profile names no type (openshift/installer, `pkg/types/aws/defaults`). */
const DEFAULT_TYPE = "m6i.xlarge";

export interface PreflightOrder {
  readonly lab: LabOrder;
  readonly account: string | null;
  readonly accountId: string;
  readonly accounts: readonly AccountSetting[];
}

/** The profile's settings for this platform. @throws LK5003 */
export function settingsOf({ profile }: LabOrder): AwsSettings {
  const read = awsSettings(profile.spec.platformConfig);
  if ("problem" in read) throw new LabkeeperError("LK5003", `profile ${profile.name}: ${read.problem}`);
  return read.settings;
}

/**
 * Checks zone, name and machines, and answers what the lab will take from the account's quotas; the store reserves it.
 * @throws LK5303 to LK5306, with what to do
 */
export async function checkLab(
  look: Look,
  clients: CloudClients,
  { lab, account, accountId, accounts }: PreflightOrder,
): Promise<ResourceNeed[]> {
  const { region, baseDomain } = lab.spec;
  if (region === null || baseDomain === null) {
    throw new LabkeeperError("LK5301", `${lab.name} has no ${region === null ? "region" : "base domain"}`);
  }
  const settings = settingsOf(lab);
  const { compute, features } = lab.profile.spec;
  const isPrivate = features?.privateCluster === true;
  const dns = await dnsClients(look, clients, accounts, account, region);
  await checkZone(look, dns, { clusterName: lab.name, baseDomain }, isPrivate);
  const ec2 = await clients.client("ec2", account, region);
  const controlType = compute.controlPlane.instanceType ?? DEFAULT_TYPE;
  const workerType = compute.workers.instanceType ?? DEFAULT_TYPE;
  const types = [...new Set([controlType, ...(lab.spec.workers > 0 ? [workerType] : [])])];
  const spread = compute.controlPlane.replicas;
  const offer = await checkOfferings(look, ec2, { region, types, zones: settings.zones ?? null, spread });
  const machines = [
    // The bootstrap machine, of the control plane's type, lives beside it for half an hour.
    ...Array.from({ length: compute.controlPlane.replicas + 1 }, () => controlType),
    ...Array.from({ length: lab.spec.workers }, () => workerType),
  ];
  const takes = needsOf(machines, offer, isPrivate, settings);
  const quotaClients: QuotaClients = {
    ec2,
    elbv2: await clients.client("elbv2", account, region),
    quotas: await clients.client("quotas", account, region),
  };
  const needs: ResourceNeed[] = [];
  for (const [quota, need] of takes) {
    if (need === 0) continue;
    const limit = await quotaLimit(look, quotaClients, quota);
    if (need > limit) {
      const detail = `${lab.name} needs ${need} ${quota.resource} in ${region}, and account ${accountId} may have ${limit}`;
      throw new LabkeeperError("LK5306", `${detail} (quota ${quota.code} of ${quota.service})`);
    }
    const used = await quota.used(look, quotaClients);
    needs.push({ scope: `aws/${accountId}/${region}`, resource: quota.resource, need, limit, used });
  }
  return needs;
}

/**
 * In a VPC of its own every zone gets a NAT gateway with an address, all of the region's unless the profile names some:
 * six in us-east-1, where the usual quota of five does not suffice (docs.openshift.com, "AWS account limits"). In a VPC
 * that it is given the cluster makes neither.
 */
function needsOf(
  machines: readonly string[],
  { vcpus, zones }: Offer,
  isPrivate: boolean,
  settings: AwsSettings,
): (readonly [Quota, number])[] {
  const ownVpc = settings.subnets === undefined;
  const standard = machines.filter(isStandard).reduce((sum, type) => sum + (vcpus.get(type) ?? 0), 0);
  return [
    [QUOTAS.vcpus, standard],
    [QUOTAS.elasticIps, ownVpc ? zones.length : 0],
    [QUOTAS.vpcs, ownVpc ? 1 : 0],
    // For the API from inside, and from outside unless private; a third when the routers use one, too.
    [QUOTAS.networkLoadBalancers, (isPrivate ? 1 : 2) + (settings.lbType === "NLB" ? 1 : 0)],
  ];
}
