/** What is recorded of a lab before anything exists, and what every later call starts from. Holds no secret. */

import type { CloudTarget } from "../../cloud-ports.ts";
import { readMetadata, rebuildMetadata } from "../../core/openshift/metadata.ts";
import { awsSettings, ibmSettings } from "../../core/openshift/platform-config.ts";
import { isInfraId } from "../../core/ownership.ts";
import type { Json, JsonObject } from "../../core/types.ts";
import { LabkeeperError } from "../../errors.ts";
import type { LabOrder } from "../../ports.ts";
import type { SnapshotRef } from "../snapshot.ts";

/** One cluster that was, or was about to be, made for a lab. */
export interface ClusterRecord {
  readonly infraId: string;
  readonly clusterId: string;
  /** Where its install state is kept among the artifacts. */
  readonly snapshot: string;
  /** The one of those kept there that is its own, and the only one that is read; null where nobody recorded it. */
  readonly snapshotRef: SnapshotRef | null;
  /** metadata.json as the installer wrote it; null where it was never seen. */
  readonly metadata: JsonObject | null;
  /** ISO 8601: when its ignition configs were made. */
  readonly preparedAt: string;
}

export interface OpenshiftIntent extends ClusterRecord {
  readonly clusterName: string;
  readonly baseDomain: string;
  readonly platform: "aws" | "ibmcloud";
  readonly region: string;
  readonly regions: readonly string[];
  readonly account: string | null;
  readonly accountId: string | null;
  readonly version: string;
  readonly manual: boolean;
  readonly workers: number;
  readonly tags: Readonly<Record<string, string>>;
  /** Earlier ones of this lab that were given up: destroyed and looked for with it, until the lab's receipt. */
  readonly former: readonly ClusterRecord[];
}

export const clusterRecord = ({ infraId, clusterId, snapshot, snapshotRef, metadata, preparedAt }: ClusterRecord) => ({
  infraId,
  clusterId,
  snapshot,
  snapshotRef,
  metadata,
  preparedAt,
});

export const intentJson = (intent: OpenshiftIntent): JsonObject => ({
  ...clusterRecord(intent),
  clusterName: intent.clusterName,
  baseDomain: intent.baseDomain,
  platform: intent.platform,
  region: intent.region,
  regions: [...intent.regions],
  account: intent.account,
  accountId: intent.accountId,
  version: intent.version,
  manual: intent.manual,
  workers: intent.workers,
  tags: { ...intent.tags },
  former: intent.former.map(clusterRecord),
});

const unusable = (why: string): LabkeeperError => new LabkeeperError("LK5203", `the recorded intent ${why}`);

/** Throws LK5203: nothing is ever done with an intent that does not name one cluster. */
export function readIntent(value: JsonObject): OpenshiftIntent {
  const { platform, former } = value;
  if (platform !== "aws" && platform !== "ibmcloud") throw unusable("has no known platform");
  return {
    ...readRecord(value),
    clusterName: text(value, "clusterName"),
    baseDomain: text(value, "baseDomain"),
    platform,
    region: text(value, "region"),
    regions: Array.isArray(value["regions"]) ? value["regions"].map(String) : [],
    account: optional(value["account"]),
    accountId: optional(value["accountId"]),
    version: text(value, "version"),
    manual: value["manual"] === true,
    workers: typeof value["workers"] === "number" ? value["workers"] : -1,
    tags: (value["tags"] ?? {}) as Record<string, string>,
    former: Array.isArray(former) ? former.map((each) => readRecord(each as JsonObject)) : [],
  };
}

function readRecord(value: JsonObject): ClusterRecord {
  const infraId = text(value, "infraId");
  if (!isInfraId(infraId)) throw unusable(`has no usable infraID (${JSON.stringify(infraId.slice(0, 64))})`);
  const { metadata, clusterId } = value;
  const known = typeof metadata === "object" && metadata !== null && !Array.isArray(metadata);
  return {
    infraId,
    clusterId: typeof clusterId === "string" ? clusterId : "",
    snapshot: text(value, "snapshot"),
    snapshotRef: optional(value["snapshotRef"]),
    metadata: known ? metadata : null,
    preparedAt: text(value, "preparedAt"),
  };
}

function text(value: JsonObject, field: string): string {
  const found = value[field];
  if (typeof found === "string" && found !== "") return found;
  throw unusable(`has no ${field}`);
}

const optional = (value: Json | undefined): string | null => (typeof value === "string" && value !== "" ? value : null);

export const targetOf = (lab: LabOrder, intent: OpenshiftIntent, { infraId }: ClusterRecord): CloudTarget => ({
  account: intent.account,
  accountId: intent.accountId,
  region: intent.region,
  regions: intent.regions,
  infraId,
  labId: lab.id,
  clusterName: intent.clusterName,
  baseDomain: intent.baseDomain,
});

/** What a lab's file asks for and its cluster cannot become any more, in words. Empty when there is nothing. */
export function fixedChanges({ name, spec }: LabOrder, { workers, tags }: OpenshiftIntent): readonly string[] {
  const sameTags = Object.keys({ ...tags, ...spec.tags }).every((key) => tags[key] === spec.tags[key]);
  return [
    ...(workers === spec.workers ? [] : [`${name} has ${workers} workers, and its file asks for ${spec.workers}`]),
    ...(sameTags ? [] : [`${name}'s tags stand on its cloud resources since they were made`]),
  ];
}

/** The configuration's name of the cloud account that a lab's profile asks for; null: the default credentials. */
export function accountOf({ profile, spec }: LabOrder): string | null {
  const read =
    spec.platform === "aws" ? awsSettings(profile.spec.platformConfig) : ibmSettings(profile.spec.platformConfig);
  return "problem" in read ? null : (read.settings.account ?? null);
}

/** What `destroy cluster` reads, for exactly this cluster: as the installer wrote it, else rebuilt. */
export function metadataOf(lab: LabOrder, intent: OpenshiftIntent, record: ClusterRecord): JsonObject {
  if (record.metadata !== null) {
    const read = readMetadata(record.metadata);
    if ("metadata" in read && read.metadata.infraID === record.infraId) return record.metadata;
  }
  const ibm = ibmSettings(lab.profile.spec.platformConfig);
  return rebuildMetadata({
    platform: intent.platform,
    clusterName: intent.clusterName,
    clusterID: record.clusterId,
    infraId: record.infraId,
    region: intent.region,
    baseDomain: intent.baseDomain,
    ...("problem" in ibm ? {} : ibm.settings),
  });
}
