/**
 * moto is not S3: it checks no signature, lets expired presigned URLs through and ignores If-None-Match when an upload in
 * parts is completed. test/cloud covers what S3 answers then.
 */

import {
  CreateBucketCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { describe, expect, test } from "vitest";
import { s3Artifacts } from "../../src/cloud/aws/s3-artifacts.ts";
import { parseS3Url } from "../../src/core/s3-url.ts";
import { artifactContract, bytes, text } from "../stores/artifact-contract.ts";
import { snapshotContract } from "../stores/snapshot-contract.ts";
import { freshClients, REGION, uniqueName } from "./moto.ts";

async function openStore(versioned: boolean, prefix: string) {
  const clients = freshClients();
  const s3 = await clients.client("s3", "lab", null);
  const bucket = uniqueName("artifacts");
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  if (versioned) {
    const VersioningConfiguration = { Status: "Enabled" } as const;
    await s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
  }
  const place = { clients, account: "lab", region: REGION, bucket, kmsKeyId: null, prefix, appendIntervalMs: 0 };
  const again = () => s3Artifacts(place);
  return { clients, s3, bucket, place, artifacts: again(), again, [Symbol.asyncDispose]: async () => clients.close() };
}

artifactContract("a bucket", () => openStore(false, "labkeeper"));
artifactContract("a versioned bucket, at its root", () => openStore(true, ""));
snapshotContract("a bucket", () => openStore(true, "labkeeper/prod"));

describe("an object in S3", () => {
  test("is encrypted with KMS and carries its checksum, small or in parts", async () => {
    await using it = await openStore(true, "labkeeper");
    const key = "arn:aws:kms:us-east-1:111122223333:key/0198c0de-0000-7000-8000-000000000001";
    const artifacts = s3Artifacts({ ...it.place, kmsKeyId: key });
    await artifacts.put("labs/a/small", bytes("content"));
    await artifacts.put("labs/a/large", Buffer.alloc(20_000_000, "labkeeper"));
    await artifacts.append("labs/a/log", "a line\n");
    const names = ["labkeeper/labs/a/small", "labkeeper/labs/a/large", "labkeeper/labs/a/log~/0000000000000000"];
    for (const Key of names) {
      const head = await it.s3.send(new HeadObjectCommand({ Bucket: it.bucket, Key }));
      expect(head).toMatchObject({ ServerSideEncryption: "aws:kms", SSEKMSKeyId: key });
      expect(head.Metadata?.["sha256"]).toMatch(/^[0-9a-f]{64}$/);
    }
    const large = await it.s3.send(new HeadObjectCommand({ Bucket: it.bucket, Key: names[1] }));
    expect(large.ETag).toMatch(/-3"$/);
    expect((await artifacts.get("labs/a/large"))?.length).toBe(20_000_000);
  });

  test("in parts is not replaced either, and leaves no parts behind", async () => {
    await using it = await openStore(false, "labkeeper");
    await it.artifacts.put("labs/a/large", Buffer.alloc(20_000_000, "one"));
    await it.artifacts.put("labs/a/large", Buffer.alloc(20_000_000, "one"));
    await expect(it.artifacts.put("labs/a/large", Buffer.alloc(20_000_000, "two"))).rejects.toMatchObject({
      code: "LK6106",
    });
    expect((await it.artifacts.get("labs/a/large"))?.subarray(0, 3).toString()).toBe("one");
    const { Uploads } = await it.s3.send(new ListMultipartUploadsCommand({ Bucket: it.bucket }));
    expect(Uploads ?? []).toEqual([]);
  });

  test("that somebody changed, or put there past labkeeper, is not taken for the one that was stored", async () => {
    await using it = await openStore(true, "labkeeper");
    await it.artifacts.put("labs/a/data", bytes("content"));
    const Key = "labkeeper/labs/a/data";
    const { Metadata = {} } = await it.s3.send(new HeadObjectCommand({ Bucket: it.bucket, Key }));
    await it.s3.send(new PutObjectCommand({ Bucket: it.bucket, Key, Body: "changed", Metadata }));
    await expect(it.artifacts.get("labs/a/data")).rejects.toMatchObject({ code: "LK6107", disposition: "stop" });
    await it.s3.send(new PutObjectCommand({ Bucket: it.bucket, Key, Body: "foreign" }));
    await expect(it.artifacts.get("labs/a/data")).rejects.toMatchObject({ code: "LK6107" });
    await expect(it.artifacts.put("labs/a/data", bytes("foreign"))).rejects.toMatchObject({ code: "LK6106" });
  });

  test("is given by a link that is short-lived and names no secret", async () => {
    await using it = await openStore(false, "labkeeper");
    await it.artifacts.put("labs/a/1/kubeconfig", bytes("content"));
    await it.artifacts.append("labs/a/1/log", "x");
    const link = it.artifacts.link!;
    const url = new URL((await link("labs/a/1/kubeconfig", 60)) ?? "");
    expect(url.searchParams.get("X-Amz-Expires")).toBe("60");
    expect(url.searchParams.get("X-Amz-Signature")).toMatch(/^[0-9a-f]{64}$/);
    const { secretAccessKey } = await it.clients.credentials("lab")();
    expect(decodeURIComponent(url.href)).not.toContain(secretAccessKey);
    const answer = await fetch(url);
    expect(await answer.text()).toBe("content");
    // moto does not answer with these.
    expect(url.searchParams.get("response-content-disposition")).toBe('attachment; filename="kubeconfig"');
    expect(url.searchParams.get("response-cache-control")).toBe("no-store");
    expect(await link("labs/a/1/none", 60)).toBeNull();
    expect(await link("labs/a/1/log", 60)).toBeNull();
    for (const seconds of [0, -1, 901, 1.5, Number.NaN]) {
      await expect(link("labs/a/1/kubeconfig", seconds)).rejects.toMatchObject({ code: "LK6001", disposition: "stop" });
    }
  });
});

describe("many objects", () => {
  test("are listed and removed on all pages", async () => {
    await using it = await openStore(false, "labkeeper");
    const keys = Array.from({ length: 103 }, (_, index) => `labs/a/${String(index).padStart(5, "0")}`);
    const Bucket = it.bucket;
    for (let start = 0; start < keys.length; start += 50) {
      const some = keys.slice(start, start + 50);
      await Promise.all(
        some.map((key) => it.s3.send(new PutObjectCommand({ Bucket, Key: `labkeeper/${key}`, Body: "x" }))),
      );
    }
    expect(await it.artifacts.list("labs/a")).toEqual(keys);
    await it.artifacts.remove("labs/a");
    expect(await it.artifacts.list("")).toEqual([]);
  });

  test("of others in the bucket are neither listed nor removed", async () => {
    await using it = await openStore(false, "labkeeper");
    for (const Key of ["labkeeper-other/labs/a/x", "labs/a/x", "labkeeper"]) {
      await it.s3.send(new PutObjectCommand({ Bucket: it.bucket, Key, Body: "x" }));
    }
    await it.artifacts.put("labs/a/x", bytes("x"));
    expect(await it.artifacts.list("")).toEqual(["labs/a/x"]);
    await it.artifacts.remove("labs");
    const { Contents = [] } = await it.s3.send(new ListObjectsV2Command({ Bucket: it.bucket }));
    expect(Contents.map(({ Key }) => Key)).toEqual(["labkeeper", "labkeeper-other/labs/a/x", "labs/a/x"]);
  });
});

describe("a log in S3", () => {
  test("of many lines at once becomes few objects, and a long one is cut", async () => {
    await using it = await openStore(false, "labkeeper");
    const artifacts = s3Artifacts({ ...it.place, appendIntervalMs: 50 });
    const lines = Array.from({ length: 400 }, (_, index) => `line ${index}\n`);
    await Promise.all(lines.map((line) => artifacts.append("labs/a/log", line)));
    await artifacts.append("labs/a/log", "x".repeat(9_000_000));
    const whole = `${lines.join("")}${"x".repeat(9_000_000)}`;
    expect(text(await it.again().get("labs/a/log"))).toBe(whole);
    expect((await it.again().get("labs/a/log", whole.length - 3))?.toString()).toBe(Buffer.from("xxx").toString());
    expect((await it.again().get("labs/a/log", whole.length + 9_000_000))?.length).toBe(0);
    const { Contents = [] } = await it.s3.send(new ListObjectsV2Command({ Bucket: it.bucket }));
    expect(Contents.length).toBeLessThan(8);
  });

  test("goes on where another process left it", async () => {
    await using it = await openStore(false, "labkeeper");
    const [one, two] = [it.again(), it.again()];
    for (let index = 0; index < 4; index++) {
      await one.append("labs/a/log", `one ${index}\n`);
      await two.append("labs/a/log", `two ${index}\n`);
    }
    const expected = Array.from({ length: 4 }, (_, index) => `one ${index}\ntwo ${index}\n`).join("");
    expect(text(await it.artifacts.get("labs/a/log"))).toBe(expected);
  });

  test("with a missing part is damaged, but what comes after it can be followed", async () => {
    await using it = await openStore(false, "labkeeper");
    for (const part of ["one\n", "two\n", "three\n"]) await it.artifacts.append("labs/a/log", part);
    await it.s3.send(new DeleteObjectCommand({ Bucket: it.bucket, Key: "labkeeper/labs/a/log~/0000000000000004" }));
    await expect(it.artifacts.get("labs/a/log")).rejects.toMatchObject({ code: "LK6107" });
    expect(text(await it.artifacts.get("labs/a/log", 8))).toBe("three\n");
  });
});

test("a missing bucket is told as such, by every call", async () => {
  await using it = await openStore(false, "labkeeper");
  const artifacts = s3Artifacts({ ...it.place, bucket: "no-such-bucket-of-labkeeper" });
  const calls = [
    artifacts.put("a", bytes("x")),
    artifacts.put("a", Buffer.alloc(9_000_000)),
    artifacts.get("a"),
    artifacts.append("log", "x"),
    artifacts.list(""),
    artifacts.remove("a"),
    artifacts.link!("a", 1),
  ];
  for (const end of await Promise.allSettled(calls)) {
    expect(end).toMatchObject({ status: "rejected", reason: { code: "LK6101", disposition: "stop" } });
  }
});

test.each([
  ["s3://bucket/prefix", { bucket: "bucket", prefix: "prefix" }],
  ["s3://bucket/a/b/", { bucket: "bucket", prefix: "a/b" }],
  ["s3://my.bucket-1", { bucket: "my.bucket-1", prefix: "" }],
  ["s3://bucket/", { bucket: "bucket", prefix: "" }],
  ["s3://Bucket/x", null],
  ["s3://b/x", null],
  ["s3://user:secret@bucket/x", null],
  ["s3://bucket/../x", null],
  ["s3://bucket//x", null],
  ["s3://bucket/x?y", null],
  ["https://bucket/x", null],
])("the address %s", (address, expected) => {
  expect(parseS3Url(address)).toEqual(expected);
});
