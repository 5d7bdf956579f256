/** What S3 does and moto does not: races, lost answers, cut connections, refusals at the end of an upload in parts. */

import { expect, test } from "vitest";
import { s3Artifacts } from "../../src/cloud/aws/s3-artifacts.ts";
import { sha256Of } from "../../src/core/checksum.ts";
import { type Answer, type Request, responder, s3Error } from "./responder.ts";

const store = (it: Awaited<ReturnType<typeof responder>>) =>
  s3Artifacts({
    clients: it.clients,
    account: null,
    region: null,
    bucket: "artifacts",
    kmsKeyId: null,
    prefix: "p",
    appendIntervalMs: 0,
  });

const TAKEN = s3Error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold");
const CONFLICT = s3Error(409, "ConditionalRequestConflict", "The conditional request cannot succeed due to a conflict");
const MISSING = s3Error(404, "NoSuchKey", "The specified key does not exist.");
const EMPTY: Answer = { status: 200, body: '<?xml version="1.0"?><ListBucketResult></ListBucketResult>' };
const OK: Answer = { status: 200, headers: { etag: '"e"' } };

const headOf = ({ headers }: Request, body = ""): Answer => ({
  status: 200,
  headers: {
    "x-amz-meta-sha256": String(headers["x-amz-meta-sha256"] ?? sha256Of(body)),
    "x-amz-meta-writer": String(headers["x-amz-meta-writer"] ?? ""),
  },
  body,
});

test("every write asks for a new object, encrypted, with a checksum that S3 verifies", async () => {
  await using it = await responder(() => OK);
  await store(it).put("labs/a", Buffer.from("content"));
  expect(it.requests.map(({ method, path }) => `${method} ${path.split("?")[0]}`)).toEqual(["PUT /artifacts/p/labs/a"]);
  expect(it.requests[0]?.headers).toMatchObject({
    "if-none-match": "*",
    "x-amz-server-side-encryption": "aws:kms",
    "x-amz-checksum-sha256": Buffer.from(sha256Of("content"), "hex").toString("base64"),
    "user-agent": expect.stringContaining("labkeeper/test"),
  });
});

test("a write at the same time as another is tried again until S3 decides", async () => {
  await using it = await responder((_request, before) => (before < 2 ? CONFLICT : OK));
  await store(it).put("labs/a", Buffer.from("content"));
  expect(it.requests).toHaveLength(3);
});

test("a conflict that does not end is told, and not tried for ever", async () => {
  await using it = await responder(() => CONFLICT);
  await expect(store(it).put("labs/a", Buffer.from("x"))).rejects.toMatchObject({
    code: "LK6001",
    disposition: "retry",
  });
  expect(it.requests).toHaveLength(4);
});

test("a line whose answer was lost is not appended twice", async () => {
  let first: Request | null = null;
  await using it = await responder((request) => {
    if (request.method === "GET") return EMPTY;
    if (request.method === "HEAD") return headOf(first ?? request);
    if (first !== null) return TAKEN;
    // Written, but the answer does not arrive, so the client asks again.
    first = request;
    return null;
  });
  await store(it).append("labs/a/log", "line\n");
  expect(it.requests.map(({ method }) => method)).toEqual(["GET", "PUT", "PUT", "HEAD"]);
});

test("an equal line of another writer is another line", async () => {
  let taken = true;
  await using it = await responder((request) => {
    if (request.method === "HEAD") return { ...headOf(request), headers: { "x-amz-meta-sha256": sha256Of("line\n") } };
    if (request.method === "GET") {
      const key = "p/labs/a/log~/0000000000000000";
      const contents = `<Contents><Key>${key}</Key><Size>5</Size></Contents>`;
      return taken ? EMPTY : { status: 200, body: `<ListBucketResult>${contents}</ListBucketResult>` };
    }
    if (!taken) return OK;
    taken = false;
    return TAKEN;
  });
  await store(it).append("labs/a/log", "line\n");
  const puts = it.requests.filter(({ method }) => method === "PUT").map(({ path }) => path.split("?")[0]);
  expect(puts).toEqual(["/artifacts/p/labs/a/log~/0000000000000000", "/artifacts/p/labs/a/log~/0000000000000005"]);
});

test("an answer that breaks off is asked for again, and is never taken for the whole", async () => {
  const body = "x".repeat(100_000);
  const whole = { ...headOf({ method: "", path: "", headers: {}, body: Buffer.alloc(0) }, body) };
  await using it = await responder((_request, before) => (before < 2 ? { ...whole, cutAfter: 40_000 } : whole));
  expect((await store(it).get("labs/a"))?.length).toBe(100_000);
  expect(it.requests).toHaveLength(3);
});

test("an answer that always breaks off is an error, not an absence", async () => {
  const whole = headOf({ method: "", path: "", headers: {}, body: Buffer.alloc(0) }, "x".repeat(1000));
  await using it = await responder(() => ({ ...whole, cutAfter: 10 }));
  await expect(store(it).get("labs/a")).rejects.toMatchObject({ code: "LK6001", disposition: "retry" });
});

test("an object without a checksum, or with a wrong one, is damaged", async () => {
  for (const headers of [{}, { "x-amz-meta-sha256": sha256Of("other") }]) {
    await using it = await responder(() => ({ status: 200, headers, body: "content" }));
    await expect(store(it).get("labs/a")).rejects.toMatchObject({ code: "LK6107", disposition: "stop" });
  }
});

test("a missing object is missing; a refused one is not", async () => {
  await using it = await responder(({ path }) => (path.includes("list-type") ? EMPTY : MISSING));
  expect(await store(it).get("labs/a")).toBeNull();
  await using denied = await responder(() => s3Error(403, "AccessDenied", "Access Denied"));
  await expect(store(denied).get("labs/a")).rejects.toMatchObject({ code: "LK6102" });
  await expect(store(denied).list("labs/a")).rejects.toMatchObject({ code: "LK6102" });
});

test("objects that S3 would not remove are told", async () => {
  const list = "<ListBucketResult><Contents><Key>p/labs/a</Key><Size>1</Size></Contents></ListBucketResult>";
  const refused =
    "<DeleteResult><Error><Key>p/labs/a</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>";
  await using it = await responder(({ method }) => ({ status: 200, body: method === "POST" ? refused : list }));
  await expect(store(it).remove("labs/a")).rejects.toMatchObject({ code: "LK6102" });
});

/** S3's side of an upload in parts. `complete` is what it says at the end. */
const inParts =
  (complete: Answer, head: (request: Request) => Answer) =>
  (request: Request): Answer => {
    const { method, path } = request;
    if (method === "HEAD") return head(request);
    if (method === "POST" && path.includes("uploads")) {
      return {
        status: 200,
        body: "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>",
      };
    }
    if (method === "POST") return complete;
    return method === "DELETE" ? { status: 204 } : OK;
  };
const methods = (requests: readonly Request[]): string[] =>
  requests.map(({ method, path }) => `${method}${/uploads|uploadId/.exec(path)?.[0] ?? ""}`);

test("an upload in parts asks for a new object when it is completed, and is given up when S3 refuses", async () => {
  let seen = false;
  const head = (): Answer => {
    if (!seen) {
      seen = true;
      return { status: 404 };
    }
    return { status: 200, headers: { "x-amz-meta-sha256": sha256Of("other"), "x-amz-meta-writer": "other" } };
  };
  await using it = await responder(inParts(TAKEN, head));
  await expect(store(it).put("labs/a", Buffer.alloc(9_000_000))).rejects.toMatchObject({ code: "LK6106" });
  const complete = it.requests.find(({ method, path }) => method === "POST" && path.includes("uploadId"));
  expect(complete?.headers["if-none-match"]).toBe("*");
  expect(methods(it.requests)).toContain("DELETEuploadId");
});

test("an upload in parts that S3 accepts and then refuses inside of the answer is no success", async () => {
  const late = { ...s3Error(403, "AccessDenied", "Access Denied"), status: 200 };
  await using it = await responder(inParts(late, () => ({ status: 404 })));
  await expect(store(it).put("labs/a", Buffer.alloc(9_000_000))).rejects.toMatchObject({ code: "LK6102" });
  expect(methods(it.requests)).toContain("DELETEuploadId");
});
