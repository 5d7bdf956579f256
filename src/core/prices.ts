/**
 * What a forgotten resource costs a day: an estimate that tells an operator what to look at first, not a bill.
 * US dollars, on demand, Linux, us-east-1, from AWS's public price pages as of 2025-06 (aws.amazon.com/ec2/pricing/on-demand,
 * /ebs/pricing, /vpc/pricing, /elasticloadbalancing/pricing, /route53/pricing). Other regions cost up to a third more;
 * traffic, requests and capacity units come on top everywhere.
 */

import { HOURS_PER_MONTH } from "./cost.ts";

/** An hour of the `large` size, by family; in these families a size twice as large costs twice as much. */
const LARGE_HOURLY: Readonly<Record<string, number>> = {
  c5: 0.085,
  c6a: 0.0765,
  c6i: 0.085,
  c7i: 0.08925,
  m5: 0.096,
  m5a: 0.086,
  m6a: 0.0864,
  m6g: 0.077,
  m6i: 0.096,
  m7a: 0.11592,
  m7g: 0.0816,
  m7i: 0.1008,
  r5: 0.126,
  r6i: 0.126,
  r7i: 0.1323,
  t3: 0.0832,
  t3a: 0.0752,
};

const LARGES: Readonly<Record<string, number>> = {
  medium: 0.5,
  large: 1,
  xlarge: 2,
  "2xlarge": 4,
  "4xlarge": 8,
  "8xlarge": 16,
  "12xlarge": 24,
  "16xlarge": 32,
  "24xlarge": 48,
};

const GIGABYTE_MONTHLY: Readonly<Record<string, number>> = {
  gp2: 0.1,
  gp3: 0.08,
  io1: 0.125,
  io2: 0.125,
  sc1: 0.015,
  st1: 0.045,
  standard: 0.05,
};

/** By type as `CloudResource.type` has it; what is free as such is 0, what is not listed is unknown. */
const HOURLY: Readonly<Record<string, number>> = {
  "ec2:elastic-ip": 0.005,
  "ec2:natgateway": 0.045,
  "elasticloadbalancing:loadbalancer/app": 0.0225,
  "elasticloadbalancing:loadbalancer/classic": 0.025,
  "elasticloadbalancing:loadbalancer/net": 0.0225,
  "elasticloadbalancing:targetgroup": 0,
  "ec2:dhcp-options": 0,
  "ec2:internet-gateway": 0,
  "ec2:network-acl": 0,
  "ec2:network-interface": 0,
  "ec2:route-table": 0,
  "ec2:security-group": 0,
  "ec2:subnet": 0,
  "ec2:vpc": 0,
  "iam:instance-profile": 0,
  "iam:oidc-provider": 0,
  "iam:role": 0,
  "iam:user": 0,
  "route53:hostedzone": 0.5 / HOURS_PER_MONTH,
  "route53:record": 0,
};

export interface Priced {
  readonly type: string;
  readonly instanceType?: string | undefined;
  /** A stopped instance costs only its volumes, which are resources of their own. */
  readonly stopped?: boolean;
  readonly volumeType?: string | undefined;
  readonly gigabytes?: number | undefined;
}

/** US dollars a day; null when nobody knows. */
export function dailyPrice(of: Priced): number | null {
  const hourly = hourlyPrice(of);
  return hourly === null ? null : Math.round(hourly * 24 * 100) / 100;
}

function hourlyPrice({ type, instanceType, stopped, volumeType, gigabytes }: Priced): number | null {
  if (type === "ec2:instance") return stopped === true ? 0 : instancePrice(instanceType ?? "");
  if (type === "ec2:volume") {
    const monthly = volumeType === undefined ? undefined : own(GIGABYTE_MONTHLY, volumeType);
    return monthly === undefined || gigabytes === undefined ? null : (monthly * gigabytes) / HOURS_PER_MONTH;
  }
  return own(HOURLY, type) ?? null;
}

function instancePrice(instanceType: string): number | null {
  const [family = "", size = ""] = instanceType.split(".");
  const [large, larges] = [own(LARGE_HOURLY, family), own(LARGES, size)];
  return large === undefined || larges === undefined ? null : large * larges;
}

const own = (table: Readonly<Record<string, number>>, key: string): number | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined;
