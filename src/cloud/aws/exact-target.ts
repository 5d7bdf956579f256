/** Refuses every target that does not name one cluster exactly. */

import type { CloudTarget } from "../../cloud-ports.ts";
import { isInfraId } from "../../core/ownership.ts";
import { LabkeeperError } from "../../errors.ts";

const LAB_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const CLUSTER_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const DOMAIN = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;
const REGION = /^[a-z]{2}(-[a-z]+)+-\d$/;

/** @throws LK5301 */
export function checkTarget({ infraId, labId, clusterName, baseDomain, region, regions }: CloudTarget): void {
  const problems = [
    isInfraId(infraId) ? null : `infraID ${shown(infraId)}`,
    LAB_ID.test(labId) ? null : `lab id ${shown(labId)}`,
    CLUSTER_NAME.test(clusterName) ? null : `cluster name ${shown(clusterName)}`,
    DOMAIN.test(baseDomain) ? null : `base domain ${shown(baseDomain)}`,
    ...[region, ...regions].map((name) => (REGION.test(name) ? null : `region ${shown(name)}`)),
  ].filter((problem) => problem !== null);
  if (problems.length > 0) throw new LabkeeperError("LK5301", `${problems.join(", ")} will not do`);
}

const shown = (text: string): string => (text === "" ? "(empty)" : JSON.stringify(text.slice(0, 100)));

/** Every region to look into, each once. */
export const regionsOf = ({ region, regions }: CloudTarget): string[] => [...new Set([region, ...regions])].sort();

/** `arn:aws`, `arn:aws-us-gov` or `arn:aws-cn` by region. */
export const partitionOf = (region: string): string =>
  region.startsWith("cn-") ? "aws-cn" : region.startsWith("us-gov-") ? "aws-us-gov" : "aws";

/** Where a partition's IAM, Route 53 and list of buckets are asked for. */
const HOMES: Readonly<Record<string, string>> = { "aws-cn": "cn-northwest-1", "aws-us-gov": "us-gov-west-1" };

export const homeOfPartition = (partition: string): string => HOMES[partition] ?? "us-east-1";
export const homeRegionOf = (region: string): string => homeOfPartition(partitionOf(region));
