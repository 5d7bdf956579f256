import { LabkeeperError } from "../errors.ts";
import type { Objects } from "./objects.ts";
import { changedEntries, type TreeEntry } from "./tree.ts";

export type Leaf = Exclude<TreeEntry["kind"], "tree">;

/** One path that differs; null where it does not exist on that side. */
export interface Difference {
  readonly path: string;
  readonly before: Side | null;
  readonly after: Side | null;
}

export interface Side {
  readonly kind: Leaf;
  readonly oid: string;
}

/** A lab lies two folders deep; deeper ones are only looked at so that misplaced files are reported. */
const MAX_DEPTH = 16;
/** More than any catalog; trees that name one subtree many times would otherwise grow without end. */
const MAX_ENTRIES = 250_000;

/**
 * The paths below `root` that differ between two trees, in any order; null stands for an empty tree. Reads a tree
 * only where its oid differs. Rejects with LK1004 when a tree cannot be read or there is no end of entries.
 */
export async function diffTrees(
  objects: Objects,
  root: string,
  before: string | null,
  after: string | null,
): Promise<Difference[]> {
  const differences: Difference[] = [];
  const seen = new Set<string>();

  const add = (path: string, before: Side | null, after: Side | null): void => {
    // Two names can be written alike only when neither is allowed; one refusal says enough.
    if (seen.has(path)) return;
    seen.add(path);
    if (seen.size > MAX_ENTRIES) throw new LabkeeperError("LK1004", `more than ${MAX_ENTRIES} entries under ${root}/`);
    differences.push({ path, before, after });
  };

  const descend = async (path: string, before: string | null, after: string | null, depth: number): Promise<void> => {
    if (before === after || depth > MAX_DEPTH) return;
    const changed = changedEntries(await rawTree(objects, before), await rawTree(objects, after));
    const [old, now] = [byName(changed.before), byName(changed.after)];
    for (const entry of now.values()) {
      const former = old.get(entry.key);
      if (former?.oid === entry.oid && former.kind === entry.kind) continue;
      await compare(`${path}/${entry.name}`, former ?? null, entry, depth);
    }
    for (const entry of old.values()) {
      if (!now.has(entry.key)) await compare(`${path}/${entry.name}`, entry, null, depth);
    }
  };

  const compare = async (path: string, old: TreeEntry | null, now: TreeEntry | null, depth: number): Promise<void> => {
    const [oldLeaf, nowLeaf] = [asLeaf(old), asLeaf(now)];
    if (oldLeaf !== null || nowLeaf !== null) add(path, oldLeaf, nowLeaf);
    await descend(path, asTree(old), asTree(now), depth + 1);
  };

  await descend(root, before, after, 0);
  return differences;
}

const NOTHING = Buffer.alloc(0);
const rawTree = async (objects: Objects, oid: string | null): Promise<Buffer> =>
  oid === null ? NOTHING : await objects.rawTree(oid);

const byName = (entries: readonly TreeEntry[]): ReadonlyMap<string, TreeEntry> =>
  new Map(entries.map((entry) => [entry.key, entry]));

const asTree = (entry: TreeEntry | null): string | null => (entry?.kind === "tree" ? entry.oid : null);
const asLeaf = (entry: TreeEntry | null): Side | null =>
  entry === null || entry.kind === "tree" ? null : { kind: entry.kind, oid: entry.oid };
