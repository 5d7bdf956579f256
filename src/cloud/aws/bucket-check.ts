/** What `doctor` says of the artifacts' bucket: each setting that losing or leaking a lab's install state could hang on. */

import { randomUUID } from "node:crypto";
import type { S3Client } from "@aws-sdk/client-s3";
import { LabkeeperError } from "../../errors.ts";
import type { ArtifactStore } from "../../ports.ts";
import { awsError, awsErrorName } from "./aws-error.ts";
import type { BucketPlace } from "./s3-bucket.ts";

export interface BucketFinding {
  readonly check: "access" | "versioning" | "encryption" | "public access" | "lifecycle";
  /** Null: it could not be looked at. */
  readonly good: boolean | null;
  readonly detail: string;
  readonly remedy: string | null;
}

const load = () => import("@aws-sdk/client-s3");

type Look = (s3: S3Client, bucket: string) => Promise<{ readonly good: boolean; readonly detail: string }>;

const versioning: Look = async (s3, Bucket) => {
  const { GetBucketVersioningCommand } = await load();
  const { Status } = await s3.send(new GetBucketVersioningCommand({ Bucket }));
  return { good: Status === "Enabled", detail: (Status ?? "off").toLowerCase() };
};

const encryption: Look = async (s3, Bucket) => {
  const { GetBucketEncryptionCommand } = await load();
  const answer = await s3.send(new GetBucketEncryptionCommand({ Bucket })).catch(whenNamed(NO_ENCRYPTION, null));
  const rules = answer?.ServerSideEncryptionConfiguration?.Rules ?? [];
  const algorithm = rules.map((rule) => rule.ApplyServerSideEncryptionByDefault?.SSEAlgorithm).find(Boolean);
  return { good: algorithm?.startsWith("aws:kms") === true, detail: algorithm ?? "none by default" };
};

const publicAccess: Look = async (s3, Bucket) => {
  const { GetPublicAccessBlockCommand } = await load();
  const answer = await s3.send(new GetPublicAccessBlockCommand({ Bucket })).catch(whenNamed(NO_BLOCK, null));
  const block = answer?.PublicAccessBlockConfiguration;
  const open = (["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"] as const).filter(
    (name) => block?.[name] !== true,
  );
  return { good: open.length === 0, detail: open.length === 0 ? "blocked" : `not set: ${open.join(", ")}` };
};

const lifecycle: Look = async (s3, Bucket) => {
  const { GetBucketLifecycleConfigurationCommand } = await load();
  const query = new GetBucketLifecycleConfigurationCommand({ Bucket });
  const answer = await s3.send(query).catch(whenNamed(NO_LIFECYCLE, null));
  const rules = (answer?.Rules ?? []).filter(({ Status }) => Status === "Enabled");
  const missing = [
    ...(rules.some((rule) => rule.AbortIncompleteMultipartUpload !== undefined) ? [] : ["unfinished uploads"]),
    ...(rules.some((rule) => rule.NoncurrentVersionExpiration !== undefined) ? [] : ["removed versions"]),
  ];
  return {
    good: missing.length === 0,
    detail: missing.length === 0 ? "set" : `keeps ${missing.join(" and ")} for ever`,
  };
};

const NO_ENCRYPTION = "ServerSideEncryptionConfigurationNotFoundError";
const NO_BLOCK = "NoSuchPublicAccessBlockConfiguration";
const NO_LIFECYCLE = "NoSuchLifecycleConfiguration";

/** Some settings answer with an error when they are not made; every other error stays one. */
const whenNamed =
  <T>(name: string, instead: T) =>
  (error: unknown): T => {
    if (awsErrorName(error) === name) return instead;
    throw error;
  };

const LOOKS: readonly (readonly [check: BucketFinding["check"], look: Look, remedy: string])[] = [
  ["versioning", versioning, "Turn versioning on: it is the way back after a mistake or a thief."],
  ["encryption", encryption, "Set default encryption to SSE-KMS."],
  ["public access", publicAccess, "Block all public access: the bucket holds administrators' credentials."],
  ["lifecycle", lifecycle, "Add the lifecycle rules of docs/adr/0020-aws-stores.md."],
];

/** Looks at everything, and writes, reads and removes one object, which is what a lab will need. Never rejects. */
export async function checkBucket(place: BucketPlace, artifacts: ArtifactStore): Promise<readonly BucketFinding[]> {
  const findings: BucketFinding[] = [await checkAccess(place, artifacts)];
  for (const [check, look, remedy] of LOOKS) {
    try {
      const s3 = await place.clients.client("s3", place.account, place.region);
      const { good, detail } = await look(s3, place.bucket);
      findings.push({ check, good, detail, remedy: good ? null : remedy });
    } catch (error) {
      const { message, remedy: known } = awsError(error, `cannot look at s3://${place.bucket}`, "LK6001");
      findings.push({ check, good: null, detail: message, remedy: known });
    }
  }
  return findings;
}

async function checkAccess(place: BucketPlace, artifacts: ArtifactStore): Promise<BucketFinding> {
  const key = `doctor/${randomUUID()}`;
  try {
    const bytes = Buffer.from("labkeeper was here");
    await artifacts.put(key, bytes);
    const found = (await artifacts.list(key)).length === 1 ? await artifacts.get(key) : null;
    await artifacts.remove(key);
    if (found === null || !bytes.equals(found)) throw new LabkeeperError("LK6107", `${key} is not what was written`);
    return { check: "access", good: true, detail: "writes, lists, reads and removes", remedy: null };
  } catch (error) {
    const { message, remedy } = awsError(error, `cannot use s3://${place.bucket}`, "LK6001");
    return { check: "access", good: false, detail: message, remedy };
  }
}
