/** What GitHub does to a bare repository, done with the git program. */

import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { GIT_ENV, git } from "../git/repository.ts";

export interface Person {
  readonly name: string;
  readonly email: string;
}

/** Text or bytes for a file, null to remove it. */
export type Changes = Readonly<Record<string, string | Buffer | null>>;

/** Where refs lie that nobody is shown. */
const HIDDEN = "refs/facade";

/** Makes a bare repository one that GitHub could serve: pushed to over HTTP, but not to `refs/pull`. */
export function configure(path: string): void {
  const lines = [
    "[http]\n\treceivepack = true",
    "[receive]\n\thideRefs = refs/pull",
    `[transfer]\n\thideRefs = ${HIDDEN}`,
    "[uploadpack]\n\tallowAnySHA1InWant = true",
  ];
  appendFileSync(join(path, "config"), `${lines.join("\n")}\n`);
}

/** Who commits what GitHub itself commits. */
export const GITHUB: Person = { name: "GitHub", email: "noreply@github.com" };

/** A ref's commit; null when there is none. Read from the files: asking git costs a process each time. */
export function tip(path: string, ref: string): string | null {
  const loose = join(path, ref);
  if (existsSync(loose) && statSync(loose).isFile()) return readFileSync(loose, "utf8").trim();
  const packed = join(path, "packed-refs");
  if (!existsSync(packed)) return null;
  const line = readFileSync(packed, "utf8")
    .split("\n")
    .find((one) => one.endsWith(` ${ref}`));
  return line?.slice(0, 40) ?? null;
}

/** A commit by anything that names one; null when nothing does. */
export function commitOf(path: string, name: string): string | null {
  if (/^-|[\s:^~]/.test(name)) return null;
  return attempt(path, ["rev-parse", "--verify", "--quiet", `${name}^{commit}`]) ?? tip(path, `refs/heads/${name}`);
}

/** Every branch with its commit. */
export function branches(path: string): ReadonlyMap<string, string> {
  const lines = git(path, ["for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", "refs/heads"]).split("\n");
  return new Map(lines.filter((line) => line !== "").map((line) => [line.slice(41), line.slice(0, 40)]));
}

/** Commits changes on top of `parent` (null: the first commit) without moving any branch; answers the commit. */
export function commitChanges(
  path: string,
  commit: {
    readonly parent: string | null;
    readonly changes: Changes;
    readonly message: string;
    readonly author: Person;
    readonly committer?: Person;
    /** Milliseconds. */
    readonly at: number;
  },
): string {
  const { parent, changes, message, author, committer = GITHUB, at } = commit;
  // fast-import needs a ref to commit to; which branch moves is the caller's.
  const ref = `${HIDDEN}/commit`;
  const text = Buffer.from(message);
  const parts: (string | Buffer)[] = [
    `commit ${ref}\nmark :1\nauthor ${signature(author, at)}\ncommitter ${signature(committer, at)}\n`,
    `data ${text.length}\n`,
    text,
    parent === null ? "\n" : `\nfrom ${parent}\n`,
  ];
  for (const [name, content] of Object.entries(changes)) {
    const quoted = `"${name.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n")}"`;
    const bytes = Buffer.from(content ?? "");
    if (content === null) parts.push(`D ${quoted}\n`);
    else parts.push(`M 100644 inline ${quoted}\ndata ${bytes.length}\n`, bytes, "\n");
  }
  parts.push("\nget-mark :1\n");
  return git(path, ["fast-import", "--quiet", "--force", "--cat-blob-fd=1"], joined(parts));
}

function joined(parts: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(parts.map((part) => Buffer.from(part)));
}

export function signature({ name, email }: Person, at: number): string {
  return `${name} <${email}> ${Math.floor(at / 1000)} +0000`;
}

/** The tree of `head` merged into `base`; null when they conflict or share no history. */
export function mergedTree(path: string, base: string, head: string): string | null {
  return fact(path, ["merge-tree", "--write-tree", base, head])?.split("\n")[0] ?? null;
}

export function writeCommit(
  path: string,
  commit: {
    readonly tree: string;
    readonly parents: readonly string[];
    readonly author: string;
    readonly message: string;
    readonly at: number;
  },
): string {
  const lines = [
    `tree ${commit.tree}`,
    ...commit.parents.map((parent) => `parent ${parent}`),
    `author ${commit.author}`,
    `committer ${signature(GITHUB, commit.at)}`,
    "",
    commit.message,
  ];
  return git(path, ["hash-object", "-t", "commit", "-w", "--stdin"], lines.join("\n"));
}

/** The commits of `head` that `base` has not, oldest first. */
export function commitsBetween(path: string, base: string, head: string): readonly string[] {
  return lines(fact(path, ["rev-list", "--reverse", `${base}..${head}`]) ?? "");
}

/**
 * Each of the commits (oldest first) made again on top of `base`; null when one conflicts. Picks without a working
 * tree: a commit of base's tree beside the picked commit makes the pick's parent their merge base.
 */
export function rebased(path: string, base: string, commits: readonly string[], at: number): readonly string[] | null {
  const made: string[] = [];
  let onto = base;
  for (const commit of commits) {
    const { parents, author, message } = readCommit(path, commit);
    const [parent] = parents;
    if (parent === undefined || parents.length > 1) continue;
    const ours = readCommit(path, onto).tree;
    const beside = writeCommit(path, { tree: ours, parents: [parent], author, message: "beside", at });
    const tree = mergedTree(path, beside, commit);
    if (tree === null) return null;
    onto = writeCommit(path, { tree, parents: [onto], author, message, at });
    made.push(onto);
  }
  return made;
}

export interface CommitText {
  readonly tree: string;
  readonly parents: readonly string[];
  /** As in the commit: name, email, seconds, zone. */
  readonly author: string;
  readonly committer: string;
  readonly message: string;
}

export function readCommit(path: string, commit: string): CommitText {
  const text = fact(path, ["cat-file", "commit", commit]) ?? "";
  const end = text.indexOf("\n\n");
  const headers = text.slice(0, end).split("\n");
  const all = (name: string): string[] =>
    headers.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
  return {
    tree: all("tree")[0] ?? "",
    parents: all("parent"),
    author: all("author")[0] ?? "",
    committer: all("committer")[0] ?? "",
    message: text.slice(end + 2),
  };
}

export function isAncestor(path: string, ancestor: string, descendant: string): boolean {
  return fact(path, ["merge-base", "--is-ancestor", ancestor, descendant]) !== null;
}

/** Writes the ref's file as git does, by renaming; null removes it. */
export function moveRef(path: string, ref: string, to: string | null): void {
  if (to === null) {
    git(path, ["update-ref", "-d", ref]);
    return;
  }
  const file = join(path, ref);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.lock`, `${to}\n`, { flag: "wx" });
  renameSync(`${file}.lock`, file);
}

/** Brings a commit of one repository, with its history, into another. */
export function copyCommit(from: string, to: string, commit: string, ref: string): void {
  if (from !== to) git(to, ["-c", "protocol.file.allow=always", "fetch", "--quiet", "--no-tags", from, commit]);
  moveRef(to, ref, commit);
}

export function lines(text: string): readonly string[] {
  return text === "" ? [] : text.split("\n");
}

/** What commits, named by their hash, once were found to be never changes: asked once, as processes are dear. */
const facts = new Map<string, string | null>();

/** git's output on commits that are named by their hash, or null when it exits with anything but 0. */
export function fact(path: string, args: readonly string[]): string | null {
  const key = [path, ...args].join("\0");
  const known = facts.get(key);
  if (known !== undefined) return known;
  const found = attempt(path, args);
  facts.set(key, found);
  return found;
}

/** git's output, or null when it exits with anything but 0. Throws when it did not come to an end of its own. */
function attempt(path: string, args: readonly string[]): string | null {
  const options = { cwd: path, env: GIT_ENV, maxBuffer: 1 << 28, encoding: "utf8" } as const;
  const { status, stdout, error } = spawnSync("git", args, options);
  if (status === null) throw new Error(`git ${args[0]} did not end by itself`, { cause: error });
  return status === 0 ? stdout.replace(/\n$/, "") : null;
}
