/**
 * Commits without a process: objects written one file each, as git writes few of them. What it does not know answers null,
 * and is git's own to do. Formats: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
 */

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { deflateSync, inflateSync } from "node:zlib";

export interface PlainCommit {
  /** The first is the one whose files these are; none: the first commit. */
  readonly parents: readonly string[];
  /** Text or bytes, null to remove. */
  readonly files: Readonly<Record<string, unknown>>;
  /** As in the commit: name, email, seconds, zone. */
  readonly author: string;
  readonly committer: string;
  readonly message: string;
}

/** More than these are quicker in a pack. */
const MOST_FILES = 200;
const PLAIN = /^\.?[A-Za-z0-9_][A-Za-z0-9_.+-]*$/;

const NAME = /^[0-9a-f]{40}$/;

type Changes = Map<string, Buffer | null | Changes>;
interface Entry {
  readonly mode: string;
  readonly id: string;
}
type Tree = Map<string, Entry>;

const DIRECTORY = "40000";

const fileOf = (repository: string, id: string): string => join(repository, "objects", id.slice(0, 2), id.slice(2));

/** Writes a loose object, when it is not there; answers its name. */
export function writeLoose(repository: string, kind: "blob" | "tree" | "commit", content: Buffer): string {
  const whole = Buffer.concat([Buffer.from(`${kind} ${content.length}\0`), content]);
  const id = createHash("sha1").update(whole).digest("hex");
  const file = fileOf(repository, id);
  if (existsSync(file)) return id;
  mkdirSync(dirname(file), { recursive: true });
  // Whoever reads meanwhile sees all of it or nothing.
  writeFileSync(`${file}.new`, deflateSync(whole, { level: 1 }), { mode: 0o444 });
  renameSync(`${file}.new`, file);
  return id;
}

/** Null: it is not here, or in a pack. */
function readLoose(repository: string, id: string): Buffer | null {
  const file = fileOf(repository, id);
  if (!existsSync(file)) return null;
  const whole = inflateSync(readFileSync(file));
  return whole.subarray(whole.indexOf(0) + 1);
}

function readTree(repository: string, id: string): Tree | null {
  const content = readLoose(repository, id);
  if (content === null) return null;
  const tree: Tree = new Map();
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(0x20, at);
    const end = content.indexOf(0, space);
    const mode = content.toString("latin1", at, space);
    tree.set(content.toString("utf8", space + 1, end), { mode, id: content.toString("hex", end + 1, end + 21) });
    at = end + 21;
  }
  return tree;
}

/** Folders sort as if their names ended with a slash. */
const sortKey = ([name, { mode }]: readonly [string, Entry]): Buffer =>
  Buffer.from(mode === DIRECTORY ? `${name}/` : name);

function writeTree(repository: string, tree: Tree): string {
  const sorted = [...tree].sort((a, b) => Buffer.compare(sortKey(a), sortKey(b)));
  const parts = sorted.flatMap(([name, { mode, id }]) => [Buffer.from(`${mode} ${name}\0`), Buffer.from(id, "hex")]);
  return writeLoose(repository, "tree", Buffer.concat(parts));
}

/** The files by folder; null when a name or a content needs more thought than this gives it. */
function changesOf(files: PlainCommit["files"]): Changes | null {
  const changes: Changes = new Map();
  const all = Object.entries(files);
  if (all.length > MOST_FILES) return null;
  for (const [path, content] of all) {
    if (content !== null && typeof content !== "string" && !Buffer.isBuffer(content)) return null;
    const segments = path.split("/");
    if (!segments.every((segment) => PLAIN.test(segment) && segment.toLowerCase() !== ".git")) return null;
    const name = segments.pop() ?? "";
    let folder = changes;
    for (const segment of segments) {
      const inside = folder.has(segment) ? folder.get(segment) : new Map();
      if (!(inside instanceof Map)) return null;
      folder.set(segment, inside);
      folder = inside;
    }
    if (folder.has(name)) return null;
    folder.set(name, content === null ? null : Buffer.from(content));
  }
  return changes;
}

/** The tree with the changes; undefined when it needs git. Nothing is written before it is known that it does not. */
function changed(repository: string, from: string | null, changes: Changes): Tree | undefined {
  const tree = from === null ? new Map<string, Entry>() : readTree(repository, from);
  if (tree === null) return undefined;
  for (const [name, change] of changes) {
    const before = tree.get(name);
    const isFolder = before?.mode === DIRECTORY;
    if (change instanceof Map) {
      if (before !== undefined && !isFolder) return undefined;
      const inside = changed(repository, before?.id ?? null, change);
      if (inside === undefined) return undefined;
      if (inside.size === 0) tree.delete(name);
      else tree.set(name, { mode: DIRECTORY, id: writeTree(repository, inside) });
    } else {
      if (isFolder) return undefined;
      if (change === null) tree.delete(name);
      else tree.set(name, { mode: "100644", id: writeLoose(repository, "blob", change) });
    }
  }
  return tree;
}

/** Makes a commit without moving any branch; answers it, or null when git has to. */
export function commitLoosely(repository: string, commit: PlainCommit): string | null {
  const { parents, files, author, committer, message } = commit;
  const [parent] = parents;
  const changes = changesOf(files);
  if (changes === null || message.includes("\0") || !parents.every((each) => NAME.test(each))) return null;
  const before = parent === undefined ? null : readLoose(repository, parent)?.toString("latin1");
  if (before === undefined) return null;
  const from = before === null ? null : (/^tree ([0-9a-f]{40})\n/.exec(before)?.[1] ?? "");
  const tree = changed(repository, from, changes);
  if (tree === undefined) return null;
  const lines = [
    `tree ${writeTree(repository, tree)}`,
    ...parents.map((each) => `parent ${each}`),
    `author ${author}`,
    `committer ${committer}`,
    "",
    message,
  ];
  return writeLoose(repository, "commit", Buffer.from(lines.join("\n")));
}
