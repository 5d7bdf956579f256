/** A cluster's buckets: image registry, bootstrap, OIDC documents. By the exact beginning of their names and by tags. */

import {
  type Bucket,
  GetBucketLocationCommand,
  GetBucketTaggingCommand,
  ListBucketsCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import type { Tags } from "../../core/ownership.ts";
import { awsErrorName } from "./aws-error.ts";
import { isMissing } from "./aws-failure.ts";
import { ask, everyPage, given, type Look, tagRecord } from "./look.ts";
import type { Found, Whose } from "./whose.ts";

/** `inRegion` gives a client for a bucket's own region, which alone answers about it. */
export async function findS3(
  look: Look,
  s3: S3Client,
  whose: Whose,
  inRegion: (region: string) => Promise<S3Client>,
): Promise<Found[]> {
  const buckets = await everyPage(async (ContinuationToken) => {
    const answer = await ask(look, (options) =>
      s3.send(new ListBucketsCommand({ ContinuationToken, MaxBuckets: 1000 }), options),
    );
    return { items: given(answer.Buckets, "Buckets"), next: answer.ContinuationToken };
  });
  const found: Found[] = [];
  for (const bucket of buckets) {
    const name = given(bucket.Name, "Name");
    if (!whose.mayBe(name)) continue;
    const tags = await tagsOf(look, s3, bucket, name, inRegion);
    if (tags === null || !whose.isMeant(tags, name)) continue;
    found.push({ id: `arn:aws:s3:::${name}`, name, type: "s3:bucket", tags, createdAt: bucket.CreationDate });
  }
  return found;
}

/** Null when the bucket is gone since it was listed. */
async function tagsOf(
  look: Look,
  s3: S3Client,
  bucket: Bucket,
  name: string,
  inRegion: (region: string) => Promise<S3Client>,
): Promise<Tags | null> {
  try {
    const region = bucket.BucketRegion ?? (await bucketRegion(look, s3, name));
    const answer = await ask(look, async (options) =>
      (await inRegion(region)).send(new GetBucketTaggingCommand({ Bucket: name }), options),
    );
    return tagRecord(given(answer.TagSet, "TagSet"));
  } catch (error) {
    if (awsErrorName(error) === "NoSuchTagSet") return {};
    if (isMissing(error)) return null;
    throw error;
  }
}

/** S3 names its oldest region by saying nothing, and eu-west-1 also `EU`. */
export async function bucketRegion(look: Look, s3: S3Client, name: string): Promise<string> {
  const { LocationConstraint } = await ask(look, (options) =>
    s3.send(new GetBucketLocationCommand({ Bucket: name }), options),
  );
  if (!LocationConstraint) return "us-east-1";
  return LocationConstraint === "EU" ? "eu-west-1" : LocationConstraint;
}
