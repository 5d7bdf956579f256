/** Empties and removes one bucket: every version, every delete marker, every unfinished upload. */

import {
  AbortMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { LabkeeperError } from "../../errors.ts";
import { ask, type Look } from "./look.ts";

export async function removeBucket(look: Look, s3: S3Client, Bucket: string): Promise<void> {
  // Always the first page: what is deleted is not listed again.
  for (let before = ""; ; ) {
    const page = await ask(look, (options) => s3.send(new ListObjectVersionsCommand({ Bucket }), options));
    const objects = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map(({ Key, VersionId }) => ({
      Key,
      VersionId,
    }));
    if (objects.length === 0) break;
    const first = JSON.stringify(objects[0]);
    if (first === before) throw new LabkeeperError("LK5308", `${Bucket}: ${objects[0]?.Key} does not go away`);
    before = first;
    const command = new DeleteObjectsCommand({ Bucket, Delete: { Objects: objects, Quiet: true } });
    const { Errors = [] } = await ask(look, (options) => s3.send(command, options));
    const [failure] = Errors;
    if (failure !== undefined) throw new LabkeeperError("LK5308", `${Bucket}: ${failure.Key}: ${failure.Code}`);
  }
  const uploads = await ask(look, (options) => s3.send(new ListMultipartUploadsCommand({ Bucket }), options));
  for (const { Key, UploadId } of uploads.Uploads ?? []) {
    await ask(look, (options) => s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }), options));
  }
  await ask(look, (options) => s3.send(new DeleteBucketCommand({ Bucket }), options));
}
