import { isStoreKey } from "./store-key.ts";

/** `s3://bucket/prefix` in parts; null when it is none. Bucket names as S3's naming rules have them. */
export function parseS3Url(text: string): { readonly bucket: string; readonly prefix: string } | null {
  const [, bucket = "", path = ""] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(text) ?? [];
  const prefix = path.replace(/\/$/, "");
  return bucket !== "" && (prefix === "" || isStoreKey(prefix)) ? { bucket, prefix } : null;
}
