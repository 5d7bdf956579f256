/** The catalog as its authors know it: what every commit had, independently of how labkeeper reads it. */

import type { Files } from "../standins/git/repository.ts";
import { type LabChange, labPath } from "../test/promises/files.ts";

interface Entry {
  readonly text: string;
  /** What it says when it is a good lab file, null when it is broken. */
  readonly change: LabChange | null;
}

type Tree = ReadonlyMap<string, Entry>;

export interface CatalogWriter {
  /** Makes a commit on the branch; answers it. */
  commit(files: Files): string;
  /** Moves the branch to another commit. */
  move(commit: string): void;
  /** The branch's tree without any history; answers the commit. */
  orphan(): string;
}

/** undefined: no file; null: broken or there twice. */
export type Wanted = LabChange | null | undefined;

export interface ModelCatalog {
  commit(entries: Readonly<Record<string, Entry | null>>): void;
  /** Commits files that are no labs'. */
  beside(files: Files): void;
  revert(): void;
  forcePush(back: number): void;
  rewrite(): void;
  wanted(lab: string): Wanted;
  /** Whether a file for the lab was there at a commit; null for a commit that was never on the branch. */
  hadFile(lab: string, commit: string): boolean | null;
}

const endings = ["yaml", "yml"] as const;
/** Everywhere that a lab's file may be. */
export const pathsOf = (lab: string): readonly string[] =>
  ["team-a", "team-b"].flatMap((team) => endings.map((ending) => labPath(lab, { team, ending })));

export function modelCatalog(writer: CatalogWriter): ModelCatalog {
  const history: { readonly commit: string; readonly tree: Tree }[] = [];
  const known = new Map<string, Tree>();
  const tree = (): Tree => history.at(-1)?.tree ?? new Map<string, Entry>();
  const put = (commit: string, next: Tree): void => {
    history.push({ commit, tree: next });
    known.set(commit, next);
  };
  const replace = (next: Tree): void => {
    const now = tree();
    const files = Object.fromEntries([
      ...[...now.keys()].filter((path) => !next.has(path)).map((path) => [path, null] as const),
      ...[...next].filter(([path, { text }]) => now.get(path)?.text !== text).map(([path, { text }]) => [path, text]),
    ]);
    if (Object.keys(files).length > 0) put(writer.commit(files), next);
  };
  return {
    commit(entries) {
      const next = new Map(tree());
      for (const [path, entry] of Object.entries(entries)) {
        if (entry === null) next.delete(path);
        else next.set(path, entry);
      }
      replace(next);
    },
    beside(files) {
      put(writer.commit(files), tree());
    },
    revert() {
      const before = history.at(-2)?.tree;
      if (before !== undefined) replace(before);
    },
    forcePush(back) {
      const target = history.at(-1 - back);
      if (target === undefined) return;
      writer.move(target.commit);
      put(target.commit, target.tree);
    },
    rewrite() {
      if (history.length > 0) put(writer.orphan(), tree());
    },
    wanted(lab) {
      const found = pathsOf(lab).flatMap((path) => tree().get(path) ?? []);
      if (found.length === 0) return undefined;
      return found.length === 1 ? (found[0]?.change ?? null) : null;
    },
    hadFile(lab, commit) {
      const at = known.get(commit);
      return at === undefined ? null : pathsOf(lab).some((path) => at.has(path));
    },
  };
}
