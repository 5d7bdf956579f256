/**
 * `metadata.json`: all that `openshift-install destroy cluster` reads. It holds no secret, so it may stand in Postgres.
 * Shapes: github.com/openshift/installer, pkg/types/clustermetadata.go, pkg/types/aws/metadata.go, …/ibmcloud/….
 */

import { clusterTag, isInfraId as isInfraIdText } from "../ownership.ts";
import type { JsonObject } from "../types.ts";

export interface ClusterMetadata {
  readonly clusterName: string;
  readonly clusterID: string;
  readonly infraID: string;
  readonly platform: "aws" | "ibmcloud" | "none";
  readonly region: string | null;
  /** As it is in the file, for a destroy that reads fields which we do not know. */
  readonly document: JsonObject;
}

export type ParsedMetadata = { readonly metadata: ClusterMetadata } | { readonly problem: string };

const isInfraId = (value: unknown): value is string => typeof value === "string" && isInfraIdText(value);

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const parseMetadata = (text: string): ParsedMetadata => {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return { problem: "is not JSON" };
  }
  return readMetadata(parsed);
};

/** The same for what was parsed already, as it comes back from the database. */
export function readMetadata(value: unknown): ParsedMetadata {
  if (!isObject(value)) return { problem: "is not an object" };
  const { clusterName, clusterID, infraID, aws, ibmcloud } = value;
  if (infraID === "") return { problem: "has an empty infraID" };
  if (!isInfraId(infraID)) return { problem: "has no usable infraID" };
  if (typeof clusterName !== "string" || clusterName === "") return { problem: "has no clusterName" };
  if (typeof clusterID !== "string") return { problem: "has no clusterID" };
  const common = { clusterName, clusterID, infraID, document: value };
  if (isObject(aws)) {
    const { region, identifier } = aws;
    if (typeof region !== "string" || region === "") return { problem: "has no aws.region" };
    const own = (tags: unknown): boolean => isFilter(tags) && Object.entries(tags).some(names({ infraID, clusterID }));
    const exact = Array.isArray(identifier) && identifier.length > 0 && identifier.every(own);
    // Each filter counts by itself: an empty one matches every resource of the account, another's that other cluster.
    if (!exact) return { problem: "has no usable aws.identifier" };
    return { metadata: { ...common, platform: "aws", region } };
  }
  if (isObject(ibmcloud)) {
    const { region } = ibmcloud;
    return { metadata: { ...common, platform: "ibmcloud", region: typeof region === "string" ? region : null } };
  }
  return { metadata: { ...common, platform: "none", region: null } };
}

const isFilter = (value: unknown): value is Record<string, string> =>
  isObject(value) &&
  Object.keys(value).length > 0 &&
  Object.entries(value).every(([key, text]) => key !== "" && typeof text === "string" && text !== "");

/** Whether a tag is one that nothing but what this cluster owns can carry. */
const names =
  ({ infraID, clusterID }: { readonly infraID: string; readonly clusterID: string }) =>
  ([key, value]: readonly [string, string]): boolean =>
    (OWNING.some((beginning) => key === `${beginning}${infraID}`) && value === "owned") ||
    (key === "openshiftClusterID" && value === clusterID);

const OWNING = [clusterTag(""), "sigs.k8s.io/cluster-api-provider-aws/cluster/"] as const;

/** What a lost metadata.json is made of again. */
export interface MetadataParts {
  readonly platform: "aws" | "ibmcloud";
  readonly clusterName: string;
  readonly clusterID: string;
  readonly infraId: string;
  readonly region: string;
  readonly baseDomain: string;
  /** IBM Cloud only. */
  readonly accountID?: string | undefined;
  readonly cisInstanceCRN?: string | undefined;
  readonly resourceGroupName?: string | undefined;
}

/** Throws RangeError on an infraID that is not one: nothing may ever be destroyed by an empty or guessed name. */
export function rebuildMetadata(parts: MetadataParts): JsonObject {
  const { platform, clusterName, clusterID, infraId, region, baseDomain } = parts;
  if (!isInfraId(infraId)) throw new RangeError("metadata cannot be rebuilt without an infraID");
  const common = { clusterName, clusterID, infraID: infraId };
  if (platform === "aws") {
    const identifier: JsonObject[] = [{ [clusterTag(infraId)]: "owned" }];
    if (clusterID !== "") identifier.push({ openshiftClusterID: clusterID });
    identifier.push({ [`sigs.k8s.io/cluster-api-provider-aws/cluster/${infraId}`]: "owned" });
    return { ...common, aws: { region, identifier, clusterDomain: `${clusterName}.${baseDomain}` } };
  }
  const { accountID = "", cisInstanceCRN, resourceGroupName = infraId } = parts;
  return {
    ...common,
    ibmcloud: {
      accountID,
      baseDomain,
      ...(cisInstanceCRN === undefined ? {} : { cisInstanceCRN }),
      region,
      resourceGroupName,
    },
  };
}

/** The cluster's ids from `.openshift_install_state.json`, where they stand before there is a metadata.json. */
export function idsFromState(text: string): { readonly infraId: string; readonly clusterID: string } | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  const found = isObject(parsed) ? parsed["*installconfig.ClusterID"] : null;
  if (!isObject(found) || !isInfraId(found["InfraID"])) return null;
  const uuid = found["UUID"];
  return { infraId: found["InfraID"], clusterID: typeof uuid === "string" ? uuid : "" };
}
