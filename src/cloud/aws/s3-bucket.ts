/** One bucket, as a place for objects that are created whole, checked when read, and never replaced. */

import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import type { PutObjectCommandInput, S3Client } from "@aws-sdk/client-s3";
import { type Checksum, sha256Of } from "../../core/checksum.ts";
import { LabkeeperError } from "../../errors.ts";
import { awsError, awsErrorName, awsStatus } from "./aws-error.ts";
import type { AwsClients } from "./clients.ts";

export interface BucketPlace {
  readonly clients: AwsClients;
  /** Null: the default credentials. */
  readonly account: string | null;
  /** Null: the account's, or what the environment says. */
  readonly region: string | null;
  readonly bucket: string;
  /** A key of one's own, by ARN; null: S3's key of the account (`aws/s3`). */
  readonly kmsKeyId: string | null;
}

export interface StoredObject {
  readonly name: string;
  readonly size: number;
}

/** Bytes, or a way to read them from their beginning. */
export type Content = Uint8Array | (() => AsyncIterable<Uint8Array>);

export interface Bucket {
  /**
   * `taken`: there is an object with other content, which was left as it is; `same`: with just this content, or it was
   * this very call, whose first answer got lost. `writer` tells own objects from equal ones of others.
   */
  create(name: string, content: Content, checksum: Checksum, writer?: string): Promise<"created" | "same" | "taken">;
  /** Null when there is none. Rejects with LK6107 when it is not what was stored. */
  read(name: string): Promise<Buffer | null>;
  /** All pages, in the order of their names; those after `after` when given. */
  list(prefix: string, after?: string): Promise<readonly StoredObject[]>;
  remove(names: readonly string[]): Promise<void>;
  /** A URL that gives one object to whoever has it. */
  sign(name: string, fileName: string, seconds: number): Promise<string>;
}

/** Larger content goes in parts of this size, four at a time. */
const PART_BYTES = 8 * 1024 * 1024;
/** AWS's limits for one upload and for one DeleteObjects. */
const MOST_PARTS = 10_000;
const DELETE_AT_ONCE = 1000;
const ATTEMPTS = 4;

const load = () => import("@aws-sdk/client-s3");

/** Rejects with LK6101 to LK6105, LK6108, else LK6001. */
export function s3Bucket(place: BucketPlace): Bucket {
  const { bucket } = place;
  const tried = async <T>(what: string, work: (s3: S3Client) => Promise<T>): Promise<T> => {
    try {
      return await work(await place.clients.client("s3", place.account, place.region));
    } catch (error) {
      throw awsError(error, `cannot ${what} s3://${bucket}`, "LK6001");
    }
  };
  return {
    create: (name, content, checksum, writer = randomUUID()) =>
      tried(`write ${name} to`, (s3) => createObject(s3, place, { name, content, checksum, writer })),
    read: (name) => tried(`read ${name} from`, (s3) => readObject(s3, bucket, name)),
    list: (prefix, after) => tried(`list ${prefix} of`, (s3) => listObjects(s3, bucket, prefix, after)),
    remove: (names) => tried("remove from", (s3) => removeObjects(s3, bucket, names)),
    sign: (name, fileName, seconds) =>
      tried(`sign a link to ${name} in`, (s3) => signObject(s3, bucket, name, fileName, seconds)),
  };
}

interface NewObject {
  readonly name: string;
  readonly content: Content;
  readonly checksum: Checksum;
  readonly writer: string;
}

async function createObject(
  s3: S3Client,
  place: BucketPlace,
  object: NewObject,
): Promise<"created" | "same" | "taken"> {
  // A second look costs little beside many parts. It decides nothing when there is no object: S3 itself does, at the end.
  const early = isSmall(object.content) ? null : await compare(s3, place.bucket, object);
  if (early !== null) return early;
  for (let attempt = 1; ; attempt++) {
    try {
      await putObject(s3, place, object);
      return "created";
    } catch (error) {
      const status = awsStatus(error);
      const found = status === 412 ? await compare(s3, place.bucket, object) : null;
      if (found !== null) return found;
      // 409: another write of the same name is under way, and S3 asks to try again. 412: it was removed again.
      if ((status !== 409 && status !== 412) || attempt === ATTEMPTS) throw error;
      await pause(50 * attempt);
    }
  }
}

const isSmall = (content: Content): content is Uint8Array =>
  content instanceof Uint8Array && content.length <= PART_BYTES;

/** What is there already, seen from what is to be created; null when there is nothing. */
async function compare(s3: S3Client, bucket: string, object: NewObject): Promise<"created" | "same" | "taken" | null> {
  const { HeadObjectCommand } = await load();
  const found = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: object.name })).catch((error: unknown) => {
    if (awsStatus(error) === 404) return null;
    throw error;
  });
  if (found === null) return null;
  if (found.Metadata?.["writer"] === object.writer) return "created";
  return found.Metadata?.["sha256"] === object.checksum.sha256 ? "same" : "taken";
}

async function putObject(s3: S3Client, place: BucketPlace, object: NewObject): Promise<void> {
  const { content, checksum } = object;
  const common: Omit<PutObjectCommandInput, "Body"> = {
    Bucket: place.bucket,
    Key: object.name,
    ContentType: "application/octet-stream",
    Metadata: { sha256: checksum.sha256, writer: object.writer },
    ServerSideEncryption: "aws:kms",
    ...(place.kmsKeyId === null ? {} : { SSEKMSKeyId: place.kmsKeyId }),
    // One data key for many objects: KMS is asked, and paid, far less often.
    BucketKeyEnabled: true,
    IfNoneMatch: "*",
  };
  if (isSmall(content)) {
    const { PutObjectCommand } = await load();
    const ChecksumSHA256 = Buffer.from(checksum.sha256, "hex").toString("base64");
    await s3.send(new PutObjectCommand({ ...common, Body: content, ChecksumSHA256 }));
    return;
  }
  const { Upload } = await import("@aws-sdk/lib-storage");
  const Body = content instanceof Uint8Array ? content : Readable.from(content());
  const partSize = Math.max(PART_BYTES, Math.ceil(checksum.size / MOST_PARTS));
  // Content that rejects ends the upload before its last part, so that no object comes of it.
  await new Upload({ client: s3, params: { ...common, Body }, partSize, queueSize: 4 }).done();
}

async function readObject(s3: S3Client, bucket: string, name: string): Promise<Buffer | null> {
  const { GetObjectCommand } = await load();
  for (let attempt = 1; ; attempt++) {
    const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: name })).catch((error: unknown) => {
      if (awsErrorName(error) === "NoSuchKey") return null;
      throw error;
    });
    if (answer === null) return null;
    let bytes: Buffer;
    try {
      bytes = Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
    } catch (error) {
      // The client tries requests again, but not an answer that broke off.
      if (attempt === ATTEMPTS) throw error;
      continue;
    }
    const sha256 = answer.Metadata?.["sha256"];
    if (sha256 === sha256Of(bytes)) return bytes;
    const why = sha256 === undefined ? "was not written by labkeeper" : "was changed";
    throw new LabkeeperError("LK6107", `${name} in s3://${bucket} ${why}`);
  }
}

async function listObjects(s3: S3Client, bucket: string, prefix: string, after?: string): Promise<StoredObject[]> {
  const { paginateListObjectsV2 } = await load();
  const found: StoredObject[] = [];
  const query = { Bucket: bucket, Prefix: prefix, ...(after === undefined ? {} : { StartAfter: after }) };
  for await (const page of paginateListObjectsV2({ client: s3 }, query)) {
    for (const { Key, Size } of page.Contents ?? []) if (Key !== undefined) found.push({ name: Key, size: Size ?? 0 });
  }
  return found;
}

async function removeObjects(s3: S3Client, bucket: string, names: readonly string[]): Promise<void> {
  const { DeleteObjectsCommand } = await load();
  for (let start = 0; start < names.length; start += DELETE_AT_ONCE) {
    const Objects = names.slice(start, start + DELETE_AT_ONCE).map((Key) => ({ Key }));
    const { Errors = [] } = await s3.send(
      new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }),
    );
    const [first] = Errors;
    if (first === undefined) continue;
    throw Object.assign(new Error(`${Errors.length} are left: ${first.Message ?? ""}`), { name: first.Code });
  }
}

async function signObject(
  s3: S3Client,
  bucket: string,
  name: string,
  fileName: string,
  seconds: number,
): Promise<string> {
  const [{ GetObjectCommand }, { getSignedUrl }] = await Promise.all([load(), import("@aws-sdk/s3-request-presigner")]);
  const command = new GetObjectCommand({
    Bucket: bucket,
    Key: name,
    // A browser saves it, and neither shows nor keeps it.
    ResponseContentType: "application/octet-stream",
    ResponseContentDisposition: `attachment; filename="${fileName}"`,
    ResponseCacheControl: "no-store",
  });
  return await getSignedUrl(s3, command, { expiresIn: seconds });
}

export const checksumOfBytes = (bytes: Uint8Array): Checksum => ({ sha256: sha256Of(bytes), size: bytes.length });
