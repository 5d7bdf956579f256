import { createHash } from "node:crypto";
import { isLabFile } from "../core/lab-path.ts";
import type { CatalogEntry } from "../core/types.ts";
import { LabkeeperError } from "../errors.ts";
import type { Proposal } from "../github-ports.ts";
import { isPolicyFile, labFolder, MAX_FILE_BYTES, policyPaths, readEntries } from "./catalog-files.ts";
import { mergeBases } from "./merge-bases.ts";
import { mergeLines } from "./merge-lines.ts";
import { baseBefore } from "./merged-base.ts";
import type { Objects } from "./objects.ts";
import { type Difference, diffTrees, type Side } from "./tree-diff.ts";

/** The paths of one commit that differ from the pull request's head: `before` is the commit, `after` the head. */
type Versus = ReadonlyMap<string, Difference>;

/** One path that the pull request changes. `ancestor` is undefined where both sides' common past is ambiguous. */
interface Edit {
  readonly path: string;
  readonly ancestor: Side | null | undefined;
  readonly base: Side | null;
  readonly head: Side | null;
}

/**
 * What a merge of `head` into `base` would change of the catalog. Only trees that differ are read, and only the files
 * that the pull request changes. A base that has the head already is taken as it was before. Null when the history at
 * hand ends before it is certain where the two parted; LK1004 when they share none.
 */
export async function readProposal(
  objects: Objects,
  { head, base: asked }: { readonly head: string; readonly base: string },
  signal?: AbortSignal,
): Promise<Proposal | null> {
  const base = await baseBefore(objects, head, asked);
  const forks = base === null ? null : await mergeBases(objects, head, base);
  if (base === null || forks === null) return null;
  const [forkPoint, second] = forks;
  if (forkPoint === undefined) {
    throw new LabkeeperError("LK1004", "the pull request shares no history with the catalog's branch", {
      remedy: "Open it anew, from a branch of the catalog.",
    });
  }
  const roots = second === undefined ? [] : ((await mergeBases(objects, forkPoint, second)) ?? []);
  const versus = (commit: string): Promise<Versus> => differencesFrom(objects, commit, head);
  const atBase = await versus(base);
  const atForks = await Promise.all(forks.map(versus));
  const atRoot = roots[0] === undefined ? null : await versus(roots[0]);
  signal?.throwIfAborted();

  const edits = editsOf(atForks, atRoot, atBase);
  const { entries, conflicts } = await mergedEntries(objects, edits, signal);
  const policyEntries = entries.filter(({ path }) => isPolicyFile(path));
  const changed = new Set(policyEntries.map(({ path }) => path));
  const present = policyEntries.filter(({ kind }) => kind !== "removed");
  const kept = (await basePolicy(objects, base)).filter(({ path }) => !changed.has(path));
  return {
    head,
    forkPoint,
    labs: entries.filter(({ path }) => isLabFile(path)),
    addedLabs: edits.flatMap(({ path, ancestor }) => (ancestor === null && isLabFile(path) ? [path] : [])),
    policyFiles: [...(await readEntries(objects, kept, signal)), ...present].sort(byPath),
    policyPaths: [...changed].sort(),
    conflicts: conflicts.sort(),
    inBase: base !== asked || (edits.length > 0 && edits.every((edit) => isSame(edit.base, edit.head))),
  };
}

const byPath = (a: { readonly path: string }, b: { readonly path: string }): number => (a.path < b.path ? -1 : 1);

async function differencesFrom(objects: Objects, from: string, head: string): Promise<Versus> {
  const [before, after] = [(await objects.commit(from)).tree, (await objects.commit(head)).tree];
  if (before === after) return new Map();
  const labs = await diffTrees(objects, "labs", await labFolder(objects, before), await labFolder(objects, after));
  const differences = [...labs, ...(await policyDifferences(objects, before, after))];
  return new Map(
    differences.filter(({ path }) => isLabFile(path) || isPolicyFile(path)).map((each) => [each.path, each]),
  );
}

async function policyDifferences(objects: Objects, before: string, after: string): Promise<Difference[]> {
  const [old, now] = [await policyPaths(objects, before), await policyPaths(objects, after)];
  if (old.key === now.key) return [];
  const sides = async (paths: typeof old) =>
    new Map((await paths.differences()).map(({ path, after: side }) => [path, side]));
  const [was, is] = [await sides(old), await sides(now)];
  return [...new Set([...was.keys(), ...is.keys()])]
    .map((path) => ({ path, before: was.get(path) ?? null, after: is.get(path) ?? null }))
    .filter((each) => !isSame(each.before, each.after));
}

const basePolicy = async (objects: Objects, base: string): Promise<Difference[]> =>
  (await policyPaths(objects, (await objects.commit(base)).tree)).differences();

const isSame = (a: Side | null, b: Side | null): boolean => a?.oid === b?.oid && a?.kind === b?.kind;

/** The paths at which the head differs from where it came from, with what the other sides have there. */
function editsOf(atForks: readonly Versus[], atRoot: Versus | null, atBase: Versus): Edit[] {
  const paths = new Set(atForks.flatMap((fork) => [...fork.keys()]));
  return [...paths].sort().flatMap((path) => {
    const head = atForks.find((fork) => fork.has(path))?.get(path)?.after ?? null;
    const at = (versus: Versus): Side | null => {
      const difference = versus.get(path);
      return difference === undefined ? head : difference.before;
    };
    const ancestor = ancestorOf(atForks.map(at), atRoot === null ? undefined : at(atRoot));
    return ancestor !== undefined && isSame(ancestor, head) ? [] : [{ path, ancestor, base: at(atBase), head }];
  });
}

/** After a criss-cross merge there are several pasts: as merging those would have it, the one that changed counts. */
function ancestorOf(pasts: readonly (Side | null)[], root: Side | null | undefined): Side | null | undefined {
  const [first = null] = pasts;
  if (pasts.every((past) => isSame(past, first))) return first;
  if (root === undefined) return undefined;
  const [moved = null, ...others] = pasts.filter((past) => !isSame(past, root));
  return others.every((past) => isSame(past, moved)) ? moved : undefined;
}

/** What a merge leaves at each path; where it would stop, what the pull request has there, said as a conflict. */
async function mergedEntries(
  objects: Objects,
  edits: readonly Edit[],
  signal: AbortSignal | undefined,
): Promise<{ readonly entries: CatalogEntry[]; readonly conflicts: string[] }> {
  const both = edits.filter(({ ancestor, base, head }) => {
    const onlyHead = ancestor !== undefined && isSame(base, ancestor);
    return !onlyHead && !isSame(base, head);
  });
  const oids = both.flatMap((edit) => (isMergeable(edit) ? [edit.ancestor.oid, edit.base.oid, edit.head.oid] : []));
  const contents = await objects.blobs(oids, MAX_FILE_BYTES, signal);
  const merged = new Map<string, CatalogEntry>();
  const conflicts: string[] = [];
  for (const edit of both) {
    const bytes = isMergeable(edit) ? mergedContent(edit, contents) : null;
    if (bytes === null) conflicts.push(edit.path);
    else merged.set(edit.path, { path: edit.path, kind: "file", blobOid: blobOid(bytes), bytes });
  }
  const taken = edits
    .filter(({ path }) => !merged.has(path))
    .map(({ path, ancestor = null, head }) => ({ path, before: ancestor, after: head }));
  const entries = [...(await readEntries(objects, taken, signal)), ...merged.values()].sort(byPath);
  return { entries, conflicts };
}

type MergeableEdit = Edit & { readonly ancestor: Side; readonly base: Side; readonly head: Side };

const isMergeable = (edit: Edit): edit is MergeableEdit =>
  [edit.ancestor, edit.base, edit.head].every((side) => side?.kind === "file");

function mergedContent(
  { ancestor, base, head }: MergeableEdit,
  contents: ReadonlyMap<string, Uint8Array | null>,
): Uint8Array | null {
  const [old, ours, theirs] = [contents.get(ancestor.oid), contents.get(base.oid), contents.get(head.oid)];
  const bytes = old && ours && theirs ? mergeLines(old, ours, theirs) : null;
  return bytes !== null && bytes.length <= MAX_FILE_BYTES ? bytes : null;
}

/** https://git-scm.com/book/en/v2/Git-Internals-Git-Objects#_object_storage */
const blobOid = (bytes: Uint8Array): string =>
  createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
