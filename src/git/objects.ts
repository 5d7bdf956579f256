import { promises as fs } from "node:fs";
import { dirname, resolve } from "node:path";
import { LabkeeperError } from "../errors.ts";
import { type BlobContent, catFile, type GitObject } from "./cat-file.ts";
import { parseTree, type TreeEntry } from "./tree.ts";

export interface Commit {
  readonly tree: string;
  readonly parents: readonly string[];
  /** When it was committed, by its committer's clock, in seconds; 0 when it does not say. */
  readonly time: number;
}

/** The objects of one repository. Each method rejects with LK1004 when an object is missing or damaged. */
export interface Objects {
  commit(oid: string): Promise<Commit>;
  tree(oid: string): Promise<readonly TreeEntry[]>;
  rawTree(oid: string): Promise<Buffer>;
  /** The contents of blobs, each read once; null for those above `maxBytes`. */
  blobs(oids: readonly string[], maxBytes: number, signal?: AbortSignal): Promise<ReadonlyMap<string, BlobContent>>;
  /** The commit a ref's object stands for, through annotated tags. */
  peel(oid: string): Promise<string>;
  /** Whether a commit and its root tree are there; damage counts as LK1004, not as false. */
  hasCommit(oid: string): Promise<boolean>;
}

/** `gitCommand` is the git program for bulk reads; null to do without. */
export interface ObjectsOptions {
  /** The folder that holds `objects/` (a worktree's common folder). */
  readonly gitdir: string;
  readonly gitCommand: string | null;
}

/** Tells an object that is missing or damaged from one that is whole but not what it should be. */
export const isUnreadable = (error: unknown): boolean =>
  error instanceof LabkeeperError && error.code === "LK1004" && error.cause !== undefined;

/** Tells an object that is not there from one that is damaged. */
export const isMissing = (error: unknown): boolean => error instanceof LabkeeperError && isNotFound(error.cause);

const isNotFound = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "NotFoundError";

const MAX_TAG_DEPTH = 10;
const READS_AT_ONCE = 16;
const COMMITS_KEPT = 50_000;
const TREE_BYTES_KEPT = 8 * 1024 * 1024;

export function openObjects({ gitdir, gitCommand }: ObjectsOptions): Objects {
  let cache = {};
  let places: readonly string[] | null = null;
  const commits = new Map<string, Commit>();
  const trees = treeCache();

  const readFrom = async (folder: string, oid: string): Promise<GitObject> => {
    // Loaded when first needed: with the git program at hand most commands never read an object themselves.
    const { default: git } = await import("isomorphic-git");
    const found = await git.readObject({ fs: { promises: fs }, gitdir: folder, oid, format: "content", cache });
    return { type: found.type, bytes: found.object as Buffer };
  };

  const readAnywhere = async (oid: string): Promise<GitObject> => {
    places ??= [gitdir, ...(await alternates(gitdir))];
    let missing: unknown;
    for (const folder of places) {
      try {
        return await readFrom(folder, oid);
      } catch (error) {
        if (!isNotFound(error)) throw error;
        missing = error;
      }
    }
    throw new LabkeeperError("LK1004", `object ${oid} is not in the repository`, { cause: missing });
  };

  const read = async (oid: string): Promise<GitObject> => {
    try {
      return await readAnywhere(oid);
    } catch (error) {
      if (isMissing(error)) throw error;
      return await readAgain(oid, error);
    }
  };

  /** A `git gc` may have taken a pack away under us; and git reads some pack formats that isomorphic-git does not. */
  const readAgain = async (oid: string, first: unknown): Promise<GitObject> => {
    cache = {};
    places = null;
    try {
      return await readAnywhere(oid);
    } catch (error) {
      const found = gitCommand === null ? null : await catFile(gitCommand, gitdir, [oid], Number.MAX_SAFE_INTEGER);
      const object = found?.get(oid);
      if (object) return object;
      if (isMissing(error)) throw error;
      throw new LabkeeperError("LK1004", `object ${oid} cannot be read`, { cause: first });
    }
  };

  const readAs = async (oid: string, type: string): Promise<Buffer> => {
    const object = await read(oid);
    if (object.type === type) return object.bytes;
    throw new LabkeeperError("LK1004", `object ${oid} is a ${object.type}, not a ${type}`);
  };

  const blob = async (oid: string, maxBytes: number): Promise<BlobContent> => {
    const bytes = await readAs(oid, "blob");
    return bytes.length > maxBytes ? null : bytes;
  };

  const objects: Objects = {
    async commit(oid) {
      const known = commits.get(oid);
      if (known !== undefined) return known;
      const commit = parseCommit(oid, await readAs(oid, "commit"));
      if (commits.size >= COMMITS_KEPT) commits.clear();
      commits.set(oid, commit);
      return commit;
    },
    async tree(oid) {
      return parseTree(await objects.rawTree(oid));
    },
    async rawTree(oid) {
      const bytes = trees.get(oid) ?? (await readAs(oid, "tree"));
      trees.set(oid, bytes);
      return bytes;
    },
    async blobs(oids, maxBytes, signal) {
      const wanted = [...new Set(oids)];
      if (wanted.length === 0) return new Map();
      const found = gitCommand === null ? null : await catFile(gitCommand, gitdir, wanted, maxBytes, signal);
      if (found !== null) return onlyBlobs(found);
      const read = new Map<string, BlobContent>();
      for (let at = 0; at < wanted.length; at += READS_AT_ONCE) {
        signal?.throwIfAborted();
        const some = wanted.slice(at, at + READS_AT_ONCE);
        const contents = await Promise.all(some.map((oid) => blob(oid, maxBytes)));
        for (const [index, oid] of some.entries()) read.set(oid, contents[index] ?? null);
      }
      return read;
    },
    async peel(oid) {
      let at = oid;
      for (let depth = 0; depth < MAX_TAG_DEPTH; depth++) {
        const object = await read(at);
        if (object.type === "commit") return at;
        const next =
          object.type === "tag" ? /^object ([0-9a-f]{40})$/m.exec(object.bytes.toString("latin1", 0, 200)) : null;
        if (next?.[1] === undefined) break;
        at = next[1];
      }
      throw new LabkeeperError("LK1004", `object ${oid} is not a commit`);
    },
    async hasCommit(oid) {
      try {
        await objects.tree((await objects.commit(oid)).tree);
        return true;
      } catch (error) {
        if (isMissing(error)) return false;
        throw error;
      }
    },
  };
  return objects;
}

/** Keeps the trees used last: the next comparison starts from those that this one ended with. */
function treeCache(): Pick<Map<string, Buffer>, "get" | "set"> {
  const kept = new Map<string, Buffer>();
  let size = 0;
  const drop = (oid: string): void => {
    size -= kept.get(oid)?.length ?? 0;
    kept.delete(oid);
  };
  const cache = {
    get: (oid: string) => kept.get(oid),
    set(oid: string, bytes: Buffer) {
      drop(oid);
      kept.set(oid, bytes);
      size += bytes.length;
      for (const oldest of kept.keys()) {
        if (size <= TREE_BYTES_KEPT) break;
        drop(oldest);
      }
      return kept;
    },
  };
  return cache;
}

function onlyBlobs(found: ReadonlyMap<string, GitObject | null>): Map<string, BlobContent> {
  const blobs = new Map<string, BlobContent>();
  for (const [oid, object] of found) {
    if (object !== null && object.type !== "blob") {
      throw new LabkeeperError("LK1004", `object ${oid} is a ${object.type}, not a blob`);
    }
    blobs.set(oid, object?.bytes ?? null);
  }
  return blobs;
}

function parseCommit(oid: string, bytes: Buffer): Commit {
  const end = bytes.indexOf("\n\n");
  const header = bytes.toString("latin1", 0, end === -1 ? bytes.length : end);
  const tree = /^tree ([0-9a-f]{40})\n/.exec(header)?.[1];
  if (tree === undefined) throw new LabkeeperError("LK1004", `commit ${oid} is malformed`);
  // Parents stand right after the tree; a signature further down may hold anything.
  const parents = /^(?:parent [0-9a-f]{40}\n)*/.exec(header.slice(tree.length + 6))?.[0] ?? "";
  const time = Number(/^committer .* (\d{1,15}) [+-]\d{4}$/m.exec(header)?.[1] ?? 0);
  return { tree, parents: [...parents.matchAll(/[0-9a-f]{40}/g)].map(([parent]) => parent), time };
}

/** Folders that share their objects with this one. https://git-scm.com/docs/gitrepository-layout (info/alternates) */
async function alternates(gitdir: string, depth = 0): Promise<string[]> {
  if (depth > 5) return [];
  const text = await fs.readFile(`${gitdir}/objects/info/alternates`, "utf8").catch(() => "");
  const found: string[] = [];
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const folder = dirname(resolve(gitdir, "objects", line));
    found.push(folder, ...(await alternates(folder, depth + 1)));
  }
  return found;
}
