import { inspect } from "node:util";
import { expect, test } from "vitest";
import { awsError } from "../../src/cloud/aws/aws-error.ts";
import { s3Artifacts } from "../../src/cloud/aws/s3-artifacts.ts";
import { secretsManager } from "../../src/cloud/aws/secrets-manager.ts";
import { credentials } from "../../src/core/credentials.ts";
import { LabkeeperError } from "../../src/errors.ts";
import { type Answer, jsonError, responder, s3Error } from "./responder.ts";

const WHO = "User: arn:aws:sts::111122223333:assumed-role/labkeeper/labkeeper is not authorized to perform:";

/** The answer, the code it means, and what people must find in the message or the remedy. */
const s3: readonly (readonly [name: string, answer: Answer, code: string, shown: string])[] = [
  ["a missing bucket", s3Error(404, "NoSuchBucket", "The specified bucket does not exist"), "LK6101", "s3://artifacts"],
  [
    "a refused write",
    s3Error(403, "AccessDenied", `${WHO} s3:PutObject on resource: "arn:aws:s3:::artifacts/labs/a"`),
    "LK6102",
    "s3:PutObject",
  ],
  [
    "a refused key",
    s3Error(403, "AccessDenied", `${WHO} kms:GenerateDataKey on resource: arn:aws:kms:eu-west-1:111122223333:key/x`),
    "LK6102",
    "kms:GenerateDataKey",
  ],
  [
    "a disabled key",
    s3Error(400, "KMS.DisabledException", "arn:aws:kms:eu-west-1:111122223333:key/x is disabled."),
    "LK6102",
    "is disabled",
  ],
  [
    "another region, redirected",
    s3Error(
      301,
      "PermanentRedirect",
      "The bucket you are attempting to access must be addressed using the specified endpoint.",
      "<Endpoint>artifacts.s3.eu-west-1.amazonaws.com</Endpoint><Bucket>artifacts</Bucket>",
      { "x-amz-bucket-region": "eu-west-1" },
    ),
    "LK6103",
    "eu-west-1",
  ],
  [
    "another region, by its signature",
    s3Error(
      400,
      "AuthorizationHeaderMalformed",
      "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'",
      "<Region>eu-west-1</Region>",
    ),
    "LK6103",
    "eu-west-1",
  ],
  [
    "a wrong clock",
    s3Error(
      403,
      "RequestTimeTooSkewed",
      "The difference between the request time and the current time is too large.",
      "<RequestTime>20260101T000000Z</RequestTime><ServerTime>2026-01-01T01:00:00Z</ServerTime>" +
        "<MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds>",
    ),
    "LK6104",
    "NTP",
  ],
  ["throttling", s3Error(503, "SlowDown", "Please reduce your request rate."), "LK6105", "SlowDown"],
  [
    "an ended session",
    s3Error(400, "ExpiredToken", "The provided token has expired.", "<Token-0>canary-session-token</Token-0>"),
    "LK6108",
    "expired",
  ],
  [
    "an unknown key id",
    s3Error(
      403,
      "InvalidAccessKeyId",
      "The AWS Access Key Id you provided does not exist in our records.",
      "<AWSAccessKeyId>AKIACANARYCANARY0001</AWSAccessKeyId>",
    ),
    "LK6108",
    "does not exist",
  ],
  [
    "a wrong secret key",
    s3Error(
      403,
      "SignatureDoesNotMatch",
      "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
      "<StringToSign>AWS4-HMAC-SHA256 canary</StringToSign><CanonicalRequest>PUT canary</CanonicalRequest>",
    ),
    "LK6108",
    "signature",
  ],
  ["a defect of S3", s3Error(500, "InternalError", "We encountered an internal error."), "LK6001", "InternalError"],
  ["no XML at all", { status: 502, body: "<html>bad gateway canary</html>" }, "LK6001", "s3://artifacts"],
];

test.each(s3)("S3 says %s", async (_name, answer, code, shown) => {
  await using it = await responder(() => answer);
  const place = { clients: it.clients, account: null, region: null, bucket: "artifacts", kmsKeyId: null, prefix: "" };
  const store = s3Artifacts(place);
  const error: unknown = await store.put("labs/a", Buffer.from("canary content")).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(LabkeeperError);
  expect(error).toMatchObject({ code });
  const { message, remedy } = error as LabkeeperError;
  expect(`${message} ${remedy}`).toContain(shown);
  expect(inspect(error, { depth: 12, showHidden: true })).not.toMatch(/canary/i);
  expect(it.requests.length).toBeLessThanOrEqual(8);
});

test.each([
  [403, "LK6102"],
  [301, "LK6103"],
])("S3 says %d to a question without a body", async (status, code) => {
  const headers = { "x-amz-bucket-region": "eu-west-1" };
  await using it = await responder(({ method }) =>
    method === "HEAD" ? { status, headers } : s3Error(412, "PreconditionFailed", "At least one of the pre-conditions"),
  );
  const place = { clients: it.clients, account: null, region: null, bucket: "artifacts", kmsKeyId: null, prefix: "" };
  await expect(s3Artifacts(place).put("labs/a", Buffer.from("x"))).rejects.toMatchObject({ code });
});

const secrets: readonly (readonly [name: string, answer: Answer, code: string])[] = [
  ["refused", jsonError(400, "AccessDeniedException", `${WHO} secretsmanager:CreateSecret`), "LK6102"],
  [
    "not decrypted",
    jsonError(400, "DecryptionFailure", "Secrets Manager can't decrypt the protected secret"),
    "LK6102",
  ],
  ["throttled", jsonError(400, "ThrottlingException", "Rate exceeded"), "LK6105"],
  [
    "too late by a wrong clock",
    jsonError(
      400,
      "InvalidSignatureException",
      "Signature expired: 20260101T000000Z is now earlier than 20260101T005500Z (20260101T010000Z - 5 min.)",
    ),
    "LK6104",
  ],
  ["not who it says", jsonError(400, "UnrecognizedClientException", "The security token is invalid."), "LK6108"],
  ["broken", jsonError(500, "InternalServiceError", "An error occurred on the server side."), "LK6002"],
  ["not allowed now", jsonError(400, "InvalidRequestException", "You can't perform this operation."), "LK6002"],
  ["not JSON", { status: 200, body: "canary {" }, "LK6002"],
];

test.each(secrets)("Secrets Manager: %s", async (_name, answer, code) => {
  await using it = await responder(() => answer);
  const place = { clients: it.clients, account: null, region: null, kmsKeyId: null, recoveryDays: 7 };
  const store = secretsManager(place);
  const calls = [store.put("labs/a", credentials({ password: "canary" })), store.get("labs/a"), store.remove("labs/a")];
  for (const end of await Promise.allSettled(calls)) {
    expect(end).toMatchObject({ status: "rejected", reason: { code } });
    expect(inspect(end, { depth: 12, showHidden: true })).not.toMatch(/canary/i);
  }
});

test("nobody at the address is told as such", async () => {
  await using it = await responder(() => null);
  const place = { clients: it.clients, account: null, region: null, bucket: "artifacts", kmsKeyId: null, prefix: "" };
  await expect(s3Artifacts(place).list("")).rejects.toMatchObject({
    code: "LK6001",
    disposition: "retry",
    message: expect.stringMatching(/ECONNRESET|TimeoutError/),
  });
});

test.each([
  [new Error("plain"), "LK5008", "plain"],
  [Object.assign(new Error(""), { code: "ENOTFOUND" }), "LK5008", "ENOTFOUND"],
  ["a string", "LK5008", "unknown error"],
  [null, "LK5008", "unknown error"],
  [{ $metadata: { httpStatusCode: 429 } }, "LK6105", "unknown error"],
  [Object.assign(new Error("Rate exceeded"), { name: "Throttling" }), "LK6105", "Throttling"],
])("whatever is thrown becomes an error with a code: %o", (thrown, code, shown) => {
  expect(awsError(thrown, "cannot look", "LK5008")).toMatchObject({ code, message: expect.stringContaining(shown) });
});

test("an error of labkeeper's own passes as it is", () => {
  const own = new LabkeeperError("LK6108", "no role");
  expect(awsError(own, "cannot look", "LK5008")).toBe(own);
});
