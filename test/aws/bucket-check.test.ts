import {
  CreateBucketCommand,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketVersioningCommand,
  PutPublicAccessBlockCommand,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { checkBucket } from "../../src/cloud/aws/bucket-check.ts";
import { s3Artifacts } from "../../src/cloud/aws/s3-artifacts.ts";
import { freshClients, uniqueName } from "./moto.ts";

const set = async () => {
  const clients = freshClients();
  const place = { clients, account: "lab", region: null, bucket: uniqueName("checked"), kmsKeyId: null, prefix: "p" };
  const s3 = await clients.client("s3", "lab", null);
  const artifacts = s3Artifacts(place);
  const verdicts = async () =>
    Object.fromEntries((await checkBucket(place, artifacts)).map(({ check, good }) => [check, good]));
  return { place, s3, artifacts, verdicts, [Symbol.dispose]: clients.close };
};

test("a bucket as the instructions make it is good, and nothing is left in it", async () => {
  using it = await set();
  const { bucket: Bucket } = it.place;
  await it.s3.send(new CreateBucketCommand({ Bucket }));
  expect(await it.verdicts()).toEqual({
    access: true,
    versioning: false,
    encryption: false,
    "public access": false,
    lifecycle: false,
  });
  await it.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }));
  await it.s3.send(
    new PutBucketEncryptionCommand({
      Bucket,
      ServerSideEncryptionConfiguration: {
        Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms" }, BucketKeyEnabled: true }],
      },
    }),
  );
  await it.s3.send(
    new PutPublicAccessBlockCommand({
      Bucket,
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        IgnorePublicAcls: true,
        BlockPublicPolicy: true,
        RestrictPublicBuckets: true,
      },
    }),
  );
  await it.s3.send(
    new PutBucketLifecycleConfigurationCommand({
      Bucket,
      LifecycleConfiguration: {
        Rules: [
          {
            ID: "labkeeper",
            Status: "Enabled",
            Filter: { Prefix: "" },
            AbortIncompleteMultipartUpload: { DaysAfterInitiation: 2 },
            NoncurrentVersionExpiration: { NoncurrentDays: 90 },
          },
        ],
      },
    }),
  );
  expect(await checkBucket(it.place, it.artifacts)).toEqual([
    { check: "access", good: true, detail: "writes, lists, reads and removes", remedy: null },
    { check: "versioning", good: true, detail: "enabled", remedy: null },
    { check: "encryption", good: true, detail: "aws:kms", remedy: null },
    { check: "public access", good: true, detail: "blocked", remedy: null },
    { check: "lifecycle", good: true, detail: "set", remedy: null },
  ]);
  expect(await it.artifacts.list("")).toEqual([]);
});

test("a bucket that is not there is no good, and what cannot be looked at is not called bad", async () => {
  using it = await set();
  expect(await it.verdicts()).toEqual({
    access: false,
    versioning: null,
    encryption: null,
    "public access": null,
    lifecycle: null,
  });
  const [access] = await checkBucket(it.place, it.artifacts);
  expect(access).toMatchObject({ detail: expect.stringContaining("does not exist"), remedy: expect.any(String) });
});
