/** The manifest of a folder that is kept as artifacts: which files it has, and how to tell that they are whole. */

import { type Checksum, sha256Of } from "./checksum.ts";

export interface SnapshotFile extends Checksum {
  /** Relative, with `/`. */
  readonly path: string;
}

export type ParsedManifest = { readonly files: readonly SnapshotFile[] } | { readonly problem: string };

const MOST_FILES = 10_000;
const LONGEST_PATH = 1000;
const SHA256 = /^[0-9a-f]{64}$/;

/** Why a path must not be used for a file of a snapshot; null when it stays inside its folder on every platform. */
export function pathProblem(path: string): string | null {
  if (path.length > LONGEST_PATH) return "is too long";
  // Control characters, and what Windows takes for a separator, a drive or a stream.
  if (/[\p{Cc}\\:]/u.test(path)) return "has a character that is not allowed";
  if (path.startsWith("/")) return "is absolute";
  const segments = path.split("/");
  if (segments.some((segment) => segment === "" || segment === "." || segment === ".."))
    return "leads out of its folder";
  // `. .` is `..` to Windows, and so is `.\u200b.` to macOS.
  if (onAnySystem(path).split("/").includes("")) return "has a name that some systems take for none";
  return null;
}

/**
 * The same for all paths that some file system takes for one: those of macOS and Windows fold case, compose accents or
 * leave out what is not seen, and Windows drops dots and spaces at the end of a name. Upper case comes first because two
 * small letters may share a capital one (Unicode 16, 3.13, "Default Case Folding").
 */
const onAnySystem = (path: string): string =>
  path
    .normalize("NFKD")
    .toUpperCase()
    .toLowerCase()
    .normalize("NFKD")
    .replace(/\p{Default_Ignorable_Code_Point}/gu, "")
    .replace(/(?<![. ])[. ]+(?=\/|$)/g, "");

/** Why some paths cannot be files of one folder, with the first offender; null when they can. */
export function pathsProblem(paths: readonly string[]): string | null {
  if (paths.length > MOST_FILES) return `more than ${MOST_FILES} files`;
  const seen = new Map<string, string>();
  for (const path of paths) {
    const problem = pathProblem(path);
    if (problem !== null) return `${JSON.stringify(path.slice(0, 200))} ${problem}`;
    const folded = onAnySystem(path);
    const other = seen.get(folded);
    if (other === path) return `${JSON.stringify(path)} is there twice`;
    // One would be written over the other, after each was found to be what was stored.
    if (other !== undefined) return `${JSON.stringify(path)} and ${JSON.stringify(other)} are one file on some systems`;
    seen.set(folded, path);
  }
  for (const folded of seen.keys()) {
    for (let end = folded.indexOf("/"); end !== -1; end = folded.indexOf("/", end + 1)) {
      const file = seen.get(folded.slice(0, end));
      if (file !== undefined) return `${JSON.stringify(file)} is a file and a folder`;
    }
  }
  return null;
}

const byPath = (a: SnapshotFile, b: SnapshotFile): number => (a.path < b.path ? -1 : 1);

const digestOf = (files: readonly SnapshotFile[]): string =>
  sha256Of(JSON.stringify(files.map(({ path, sha256, size }) => [path, sha256, size])));

/** The same files give the same text, whatever their order. */
export function manifestText(files: readonly SnapshotFile[]): string {
  const sorted = [...files].sort(byPath).map(({ path, sha256, size }) => ({ path, sha256, size }));
  return `${JSON.stringify({ kind: "Snapshot", version: 1, digest: digestOf(sorted), files: sorted }, null, 1)}\n`;
}

const isFile = (value: unknown): value is SnapshotFile => {
  if (typeof value !== "object" || value === null) return false;
  const { path, sha256, size } = value as Partial<Record<keyof SnapshotFile, unknown>>;
  return (
    typeof path === "string" &&
    typeof sha256 === "string" &&
    SHA256.test(sha256) &&
    typeof size === "number" &&
    Number.isSafeInteger(size) &&
    size >= 0
  );
};

/** Reads what `manifestText` wrote, and nothing else: cut, changed or unsafe manifests are a problem. */
export function parseManifest(text: string): ParsedManifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: "is not JSON" };
  }
  const { kind, version, digest, files } = (value ?? {}) as Record<string, unknown>;
  if (kind !== "Snapshot" || version !== 1) return { problem: "is not a snapshot of a known version" };
  if (!Array.isArray(files) || files.length === 0 || !files.every(isFile)) return { problem: "lists no usable files" };
  if (digest !== digestOf(files)) return { problem: "does not have its own checksum" };
  const problem = pathsProblem(files.map(({ path }) => path));
  return problem === null ? { files } : { problem };
}
