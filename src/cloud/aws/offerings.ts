/** Whether a region's zones offer the machines a lab wants, and how many vCPUs those have. */

import {
  DescribeAvailabilityZonesCommand,
  DescribeInstanceTypeOfferingsCommand,
  DescribeInstanceTypesCommand,
  type EC2Client,
  type _InstanceType as InstanceType,
} from "@aws-sdk/client-ec2";
import { LabkeeperError } from "../../errors.ts";
import { awsErrorName } from "./aws-error.ts";
import { ask, everyPage, given, type Look } from "./look.ts";

export interface Wish {
  readonly region: string;
  /** Of the lab's machines; each once. */
  readonly types: readonly string[];
  /** Zones that the profile names; null: those of the region. */
  readonly zones: readonly string[] | null;
  /** Control plane nodes: the installer spreads them, and two zones are the least that survives the loss of one. */
  readonly spread: number;
}

export interface Offer {
  /** Where every type is offered. */
  readonly zones: readonly string[];
  readonly vcpus: ReadonlyMap<string, number>;
}

/** @throws LK5305 */
export async function checkOfferings(look: Look, ec2: EC2Client, wish: Wish): Promise<Offer> {
  const open = await zonesOf(look, ec2);
  const unknown = wish.zones?.filter((zone) => !open.includes(zone)) ?? [];
  if (unknown.length > 0) {
    throw new LabkeeperError("LK5305", `${unknown.join(", ")}: no such availability zone in ${wish.region}`);
  }
  const wanted = wish.zones ?? open;
  const offered = new Map<string, Set<string>>();
  for (const type of wish.types) offered.set(type, await zonesOffering(look, ec2, type));
  const zones = wanted.filter((zone) => wish.types.every((type) => offered.get(type)?.has(zone) === true));
  const missing = wish.zones?.filter((zone) => !zones.includes(zone)) ?? [];
  if (missing.length > 0) {
    throw new LabkeeperError("LK5305", `${wish.types.join(", ")} in ${missing.join(", ")}`);
  }
  const least = wish.zones === null ? Math.min(2, Math.max(1, wish.spread)) : 1;
  if (zones.length < least) {
    const where = wish.types.map(
      (type) => `${type} in ${[...(offered.get(type) ?? [])].sort().join(", ") || "no zone"}`,
    );
    throw new LabkeeperError("LK5305", `${wish.region} has ${where.join("; ")}; ${least} zones are needed`);
  }
  return { zones, vcpus: await vcpusOf(look, ec2, wish.types) };
}

/** Ordinary zones that can be used now; local and wavelength zones need to be asked for. */
async function zonesOf(look: Look, ec2: EC2Client): Promise<string[]> {
  const answer = await ask(look, (options) => ec2.send(new DescribeAvailabilityZonesCommand({}), options));
  return given(answer.AvailabilityZones, "AvailabilityZones")
    .filter(({ State, ZoneType }) => State === "available" && (ZoneType ?? "availability-zone") === "availability-zone")
    .map(({ ZoneName }) => given(ZoneName, "ZoneName"))
    .sort();
}

async function zonesOffering(look: Look, ec2: EC2Client, type: string): Promise<Set<string>> {
  const Filters = [{ Name: "instance-type", Values: [type] }];
  const offerings = await everyPage(async (NextToken) => {
    const command = new DescribeInstanceTypeOfferingsCommand({ LocationType: "availability-zone", Filters, NextToken });
    const answer = await ask(look, (options) => ec2.send(command, options));
    return { items: given(answer.InstanceTypeOfferings, "InstanceTypeOfferings"), next: answer.NextToken };
  });
  return new Set(
    offerings.filter(({ InstanceType: name }) => name === type).map(({ Location }) => given(Location, "Location")),
  );
}

async function vcpusOf(look: Look, ec2: EC2Client, types: readonly string[]): Promise<Map<string, number>> {
  const command = new DescribeInstanceTypesCommand({ InstanceTypes: [...types] as InstanceType[] });
  const answer = await ask(look, (options) => ec2.send(command, options)).catch((error: unknown) => {
    if (awsErrorName(error) !== "InvalidInstanceType") throw error;
    throw new LabkeeperError("LK5305", `${types.join(", ")}: AWS does not know one of them`);
  });
  const known = given(answer.InstanceTypes, "InstanceTypes");
  return new Map(
    types.map((type) => {
      const found = known.find(({ InstanceType: name }) => name === type);
      return [type, given(found?.VCpuInfo?.DefaultVCpus, `vCPUs of ${type}`)];
    }),
  );
}
