import { isAbsolute, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseS3Url } from "./core/s3-url.ts";

/** A setting as parsed, or what is allowed instead. */
export type Parsed<T> = { readonly value: T } | { readonly allowed: string };

export type Parse<T> = (text: string) => Parsed<T>;

/** Whole number in a range, both ends included. */
export const wholeNumber =
  (least: number, most: number): Parse<number> =>
  (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    return value >= least && value <= most ? { value } : { allowed: `a whole number from ${least} to ${most}` };
  };

export const oneOf =
  <const T extends string>(...values: readonly T[]): Parse<T> =>
  (text) => {
    const value = values.find((candidate) => candidate === text);
    return value === undefined ? { allowed: values.join(", ") } : { value };
  };

const NO_TEXT = "a path";

/** A path, made absolute against `base`. */
export const path =
  (base: string): Parse<string> =>
  (text) =>
    text.trim() === "" || text.includes("\0") ? { allowed: NO_TEXT } : { value: resolve(base, text) };

const urlOf = (text: string): URL | null => (URL.canParse(text) ? new URL(text) : null);

const FOLDER_URL = "file:///ABSOLUTE/FOLDER";

/** `file:///folder` as a path. */
export const folderUrl: Parse<string> = (text) => {
  const url = urlOf(text);
  if (url?.protocol !== "file:" || (url.host !== "" && url.host !== "localhost")) return { allowed: FOLDER_URL };
  try {
    return { value: fileURLToPath(url) };
  } catch {
    return { allowed: FOLDER_URL };
  }
};

/** Where artifacts are kept: a folder, or a bucket with what names in it begin with. */
export type ArtifactsUrl = { readonly folder: string } | { readonly bucket: string; readonly prefix: string };

export const artifactsUrl: Parse<ArtifactsUrl> = (text) => {
  const bucket = parseS3Url(text);
  if (bucket !== null) return { value: bucket };
  const folder = folderUrl(text);
  return "value" in folder ? { value: { folder: folder.value } } : { allowed: `s3://BUCKET/PREFIX or ${FOLDER_URL}` };
};

export const SECRETS_MANAGER = "aws-secrets-manager";

/** Where secrets are kept: a folder; null: AWS Secrets Manager. */
export const secretsUrl: Parse<{ readonly folder: string | null }> = (text) => {
  if (text === SECRETS_MANAGER) return { value: { folder: null } };
  const folder = folderUrl(text);
  return "value" in folder ? { value: { folder: folder.value } } : { allowed: `${SECRETS_MANAGER} or ${FOLDER_URL}` };
};

const CATALOG = "a path, or an http(s) URL without user name or password";

/** A catalog's address. `file://` becomes a path; a URL that carries credentials is refused (promise P9). */
export const catalogAddress =
  (base: string): Parse<string> =>
  (text) => {
    if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
      // `git@host:path` would otherwise be taken for a folder.
      const scpLike = !isAbsolute(text) && /^[^/][^/@]*@[^/]+:/.test(text);
      return scpLike || text.trim() === "" ? { allowed: CATALOG } : path(base)(text);
    }
    const url = urlOf(text);
    if (url?.protocol === "file:") {
      const folder = folderUrl(text);
      return "value" in folder ? folder : { allowed: CATALOG };
    }
    if (url === null || !["http:", "https:"].includes(url.protocol)) return { allowed: CATALOG };
    return url.username === "" && url.password === "" ? { value: text } : { allowed: CATALOG };
  };

/** A branch, tag or commit; the shape `git check-ref-format` allows, roughly. */
export const reference: Parse<string> = (text) =>
  /^[A-Za-z0-9][A-Za-z0-9._/-]{0,254}$/.test(text) && !text.includes("..") && !text.endsWith("/")
    ? { value: text }
    : { allowed: "a branch name such as main" };

export const databaseUrl: Parse<string> = (text) => {
  const url = urlOf(text);
  return url !== null && ["postgres:", "postgresql:"].includes(url.protocol)
    ? { value: text }
    : { allowed: "postgres://USER:PASSWORD@HOST:PORT/DATABASE" };
};
