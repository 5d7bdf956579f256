import { promises as fs } from "node:fs";
import { LabkeeperError } from "../errors.ts";
import { type RepositoryFolders, readText } from "./local-repository.ts";

const OID = /^[0-9a-f]{40}$/;
/** What git itself shortens to at least, so that a word such as `face` stays a branch's name. */
const SHORT_OID = /^[0-9a-f]{7,39}$/i;
const MAX_SYMREFS = 5;

export const isOid = (text: string): boolean => OID.test(text);

/** The names a ref may mean, in order; throws LK1003 for what can be no ref. https://git-scm.com/docs/git-check-ref-format */
export function refCandidates(ref: string): readonly string[] {
  const allowed = /^[^\s\p{Cc}~^:?*[\\]+$/u.test(ref) && !/^[-/]|\.\.|\/\/|@\{|[./]$|\.lock$|(^|\/)\./.test(ref);
  if (!allowed) throw new LabkeeperError("LK1003", `"${ref.slice(0, 100)}" is not a name that a branch can have`);
  return ref.startsWith("refs/") ? [ref] : [`refs/heads/${ref}`, `refs/tags/${ref}`, `refs/remotes/${ref}`];
}

/**
 * The object a ref names in a repository on this machine: a branch, tag, remote branch or full ref name; a commit's
 * oid stands for itself, and so does its beginning (7 digits or more) when nothing else begins so; null and `HEAD` are
 * HEAD. Looks at the files each time, so it sees what git has just written.
 * Rejects with LK1003 when there is no such ref, LK1004 when its file holds something else.
 */
export async function resolveRef(repository: RepositoryFolders, ref: string | null): Promise<string> {
  if (ref === null || ref === "HEAD") return await resolveHead(repository);
  if (isOid(ref)) return ref;
  for (const name of refCandidates(ref)) {
    const oid = await follow(repository, name);
    if (oid !== null) return oid;
  }
  if (SHORT_OID.test(ref)) return await completeOid(repository, ref);
  throw new LabkeeperError("LK1003", `there is no branch or tag "${ref}"`);
}

async function completeOid(repository: RepositoryFolders, short: string): Promise<string> {
  const { default: git } = await import("isomorphic-git");
  try {
    return await git.expandOid({ fs: { promises: fs }, gitdir: repository.common, oid: short.toLowerCase() });
  } catch (cause) {
    const why =
      cause instanceof git.Errors.AmbiguousError
        ? `more than one object begins with "${short}"`
        : `there is no branch, tag or commit "${short}"`;
    throw new LabkeeperError("LK1003", why, { cause });
  }
}

async function resolveHead(repository: RepositoryFolders): Promise<string> {
  const head = (await readText(`${repository.gitdir}/HEAD`))?.trim() ?? "";
  if (isOid(head)) return head;
  const branch = /^ref: (refs\/\S+)$/.exec(head)?.[1];
  if (branch === undefined) throw new LabkeeperError("LK1004", "HEAD names neither a branch nor a commit");
  const oid = await follow(repository, branch);
  if (oid !== null) return oid;
  throw new LabkeeperError("LK1003", `${branch.replace("refs/heads/", "")} has no commits yet`, {
    remedy: "Commit the catalog to it, or set LABKEEPER_CATALOG_REF to a branch that exists.",
  });
}

async function follow(repository: RepositoryFolders, name: string, depth = 0): Promise<string | null> {
  refCandidates(name);
  const value = (await readText(`${repository.common}/${name}`))?.trim() ?? (await packed(repository, name));
  if (value === null || isOid(value)) return value;
  const target = /^ref: (refs\/\S+)$/.exec(value)?.[1];
  if (target !== undefined && depth < MAX_SYMREFS) return await follow(repository, target, depth + 1);
  throw new LabkeeperError("LK1004", `${name} does not hold a commit`);
}

async function packed(repository: RepositoryFolders, name: string): Promise<string | null> {
  const text = (await readText(`${repository.common}/packed-refs`)) ?? "";
  const line = text.split("\n").find((line) => line.endsWith(` ${name}`) && isOid(line.slice(0, 40)));
  return line?.slice(0, 40) ?? null;
}

/** A branch's short name from its full one; null for what is no branch. */
export const branchOf = (name: string): string | null =>
  name.startsWith("refs/heads/") ? name.slice("refs/heads/".length) : null;

/** The branch that a ref of a repository on this machine means; null when it means something else. */
export async function branchNamed(repository: RepositoryFolders, ref: string): Promise<string | null> {
  if (isOid(ref)) return null;
  for (const name of refCandidates(ref)) if ((await follow(repository, name)) !== null) return branchOf(name);
  return null;
}
