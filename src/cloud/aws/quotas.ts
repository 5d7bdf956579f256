/** What an account may have in a region, and what it has. */

import {
  DescribeAddressesCommand,
  DescribeInstancesCommand,
  DescribeVpcsCommand,
  type EC2Client,
} from "@aws-sdk/client-ec2";
import {
  DescribeLoadBalancersCommand,
  type ElasticLoadBalancingV2Client,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import {
  GetAWSDefaultServiceQuotaCommand,
  GetServiceQuotaCommand,
  type ServiceQuotasClient,
} from "@aws-sdk/client-service-quotas";
import { awsErrorName } from "./aws-error.ts";
import { ask, everyPage, given, type Look } from "./look.ts";

export interface QuotaClients {
  readonly ec2: EC2Client;
  readonly elbv2: ElasticLoadBalancingV2Client;
  readonly quotas: ServiceQuotasClient;
}

export interface Quota {
  readonly code: string;
  readonly service: string;
  /** For people, and what reservations are counted by. */
  readonly resource: string;
  used(look: Look, clients: QuotaClients): Promise<number>;
}

/** The families that the "standard" quota counts, by the first letters of a type: c6i.large, m6i.xlarge, t3.medium, … */
const STANDARD = /^(a|c|d|h|i|m|r|t|z)\d/;

/** Codes as the Service Quotas console shows them ("Amazon EC2", "Amazon VPC", "Elastic Load Balancing"). */
export const QUOTAS = {
  vcpus: {
    code: "L-1216C47A",
    service: "ec2",
    resource: "vCPUs of on-demand standard instances",
    used: async (look, { ec2 }) => {
      const Filters = [{ Name: "instance-state-name", Values: ["pending", "running"] }];
      const reservations = await everyPage(async (NextToken) => {
        const command = new DescribeInstancesCommand({ Filters, NextToken, MaxResults: 1000 });
        const answer = await ask(look, (options) => ec2.send(command, options));
        return { items: given(answer.Reservations, "Reservations"), next: answer.NextToken };
      });
      return reservations
        .flatMap(({ Instances }) => Instances ?? [])
        .filter(
          ({ InstanceType = "", InstanceLifecycle }) => STANDARD.test(InstanceType) && InstanceLifecycle !== "spot",
        )
        .reduce((sum, { CpuOptions }) => sum + (CpuOptions?.CoreCount ?? 1) * (CpuOptions?.ThreadsPerCore ?? 1), 0);
    },
  },
  elasticIps: {
    code: "L-0263D0A3",
    service: "ec2",
    resource: "Elastic IPs",
    used: async (look, { ec2 }) => {
      const answer = await ask(look, (options) => ec2.send(new DescribeAddressesCommand({}), options));
      return given(answer.Addresses, "Addresses").length;
    },
  },
  vpcs: {
    code: "L-F678F1CE",
    service: "vpc",
    resource: "VPCs",
    used: async (look, { ec2 }) => {
      const all = await everyPage(async (NextToken) => {
        const answer = await ask(look, (options) => ec2.send(new DescribeVpcsCommand({ NextToken }), options));
        return { items: given(answer.Vpcs, "Vpcs"), next: answer.NextToken };
      });
      return all.length;
    },
  },
  networkLoadBalancers: {
    code: "L-69A177A2",
    service: "elasticloadbalancing",
    resource: "network load balancers",
    used: async (look, { elbv2 }) => {
      const all = await everyPage(async (Marker) => {
        const answer = await ask(look, (options) => elbv2.send(new DescribeLoadBalancersCommand({ Marker }), options));
        return { items: given(answer.LoadBalancers, "LoadBalancers"), next: answer.NextMarker };
      });
      return all.filter(({ Type }) => Type === "network").length;
    },
  },
} as const satisfies Record<string, Quota>;

/** The applied value; where none was ever applied, AWS's default for everybody. */
export async function quotaLimit(look: Look, { quotas }: QuotaClients, { code, service }: Quota): Promise<number> {
  const of = { ServiceCode: service, QuotaCode: code };
  const applied = await ask(look, (options) => quotas.send(new GetServiceQuotaCommand(of), options)).catch(
    (error: unknown) => {
      if (awsErrorName(error) === "NoSuchResourceException") return null;
      throw error;
    },
  );
  if (applied !== null) return given(given(applied.Quota, "Quota").Value, "Value");
  const standard = await ask(look, (options) => quotas.send(new GetAWSDefaultServiceQuotaCommand(of), options));
  return given(given(standard.Quota, "Quota").Value, "Value");
}

/** Whether a type counts against the standard quota. */
export const isStandard = (type: string): boolean => STANDARD.test(type);
