import { code } from "./code.ts";
import { type Markdown, md, sourceOf, text, trusted } from "./text.ts";

const LONGEST_URL = 2_000;

/**
 * An address as Markdown can hold it, or null for one that nobody should follow: not https, with a name or password
 * in it, too long, or no address at all.
 */
export const safeUrl = (value: unknown): string | null => {
  if (typeof value !== "string" || value.length > LONGEST_URL || !URL.canParse(value)) return null;
  const url = new URL(value);
  if (url.protocol !== "https:" || url.username !== "" || url.password !== "" || !/^[\w.-]+$/.test(url.hostname))
    return null;
  return url.href.replace(
    /[^A-Za-z0-9\-._~:/?#@,;=%&+]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
};

/** A link, or only its label when the address is not one to follow. */
export const link = (label: Markdown | string, url: unknown): Markdown => {
  const safe = safeUrl(url);
  const shown = typeof label === "string" ? text(label, 120) : label;
  return safe === null ? shown : trusted(`[${sourceOf(shown)}](${safe.replaceAll("&", "&amp;")})`);
};

/** An address to be copied: as code, never as something to click. Null when it is not one to use. */
export const shownUrl = (value: unknown): Markdown | null => {
  const safe = safeUrl(value);
  return safe === null ? null : code(safe.replace(/\/$/, ""));
};

const SHA = /^[0-9a-f]{40,64}$/;

/** A file at a commit, at a line when one is given. Null when there is no commit to show it at. */
export const fileUrl = (repositoryUrl: string, commit: string, path: string, line?: number): string | null => {
  if (!SHA.test(commit) || path === "") return null;
  const segments = path.toWellFormed().split("/").map(encodeURIComponent);
  // A browser takes dots for steps and would lead somewhere else.
  if (segments.some((segment) => segment === "." || segment === ".." || segment === "")) return null;
  return safeUrl(`${repositoryUrl}/blob/${commit}/${segments.join("/")}${line === undefined ? "" : `#L${line}`}`);
};

export const pullRequestLink = (repositoryUrl: string, number: number): Markdown =>
  link(md`pull request ${number}`, `${repositoryUrl}/pull/${number}`);
