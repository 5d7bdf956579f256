/**
 * A link's life and target are part of what is signed. moto lets ended and changed links through, so the signature is
 * made again here, by the rules of docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html.
 */

import { createHash, createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { s3Artifacts } from "../../src/cloud/aws/s3-artifacts.ts";
import { responder } from "./responder.ts";

const hmac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();
const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

function signatureOf(url: URL, secret: string): string {
  const query = [...url.searchParams]
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join("&");
  const canonical = ["GET", url.pathname, query, `host:${url.host}\n`, "host", "UNSIGNED-PAYLOAD"].join("\n");
  const [, date = "", region = "", service = "", end = ""] = (url.searchParams.get("X-Amz-Credential") ?? "").split(
    "/",
  );
  const toSign = [
    "AWS4-HMAC-SHA256",
    url.searchParams.get("X-Amz-Date"),
    [date, region, service, end].join("/"),
    createHash("sha256").update(canonical).digest("hex"),
  ].join("\n");
  const key = [region, service, end].reduce(hmac, hmac(`AWS4${secret}`, date));
  return hmac(key, toSign).toString("hex");
}

test("a link is signed with its life, its object and nothing more", async () => {
  const list = "<ListBucketResult><Contents><Key>p/labs/a/kubeconfig</Key><Size>1</Size></Contents></ListBucketResult>";
  await using it = await responder(() => ({ status: 200, body: list }));
  const place = { clients: it.clients, account: null, region: null, bucket: "artifacts", kmsKeyId: null, prefix: "p" };
  const url = new URL((await s3Artifacts(place).link!("labs/a/kubeconfig", 60)) ?? "");
  const signature = url.searchParams.get("X-Amz-Signature");
  expect(signatureOf(url, "canary-secret-access-key")).toBe(signature);
  expect(url.pathname).toBe("/artifacts/p/labs/a/kubeconfig");
  expect(url.searchParams.get("X-Amz-SignedHeaders")).toBe("host");

  const longer = new URL(url);
  longer.searchParams.set("X-Amz-Expires", "3600");
  const elsewhere = new URL(url);
  elsewhere.pathname = "/artifacts/p/labs/b/kubeconfig";
  for (const changed of [longer, elsewhere])
    expect(signatureOf(changed, "canary-secret-access-key")).not.toBe(signature);
});
