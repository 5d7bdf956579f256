/** What a pull request changes, as git sees it. */

import { fact } from "./git-work.ts";

export interface ChangedFile {
  readonly status: "added" | "removed" | "modified" | "renamed" | "changed";
  readonly path: string;
  readonly previous: string | null;
  /** Of the new content; of the old one when the file is removed. */
  readonly oid: string;
  readonly additions: number;
  readonly deletions: number;
  /** The hunks; null for what is not text. */
  readonly patch: string | null;
}

const STATUS: Readonly<Record<string, ChangedFile["status"]>> = {
  A: "added",
  D: "removed",
  M: "modified",
  R: "renamed",
  T: "changed",
};

/** By their hashes: between the commit where `head` left `base` and `head`, renames found. */
export function changedFiles(path: string, base: string, head: string): readonly ChangedFile[] {
  const range = `${base}...${head}`;
  const fields = (fact(path, ["diff", "--raw", "--numstat", "-p", "--abbrev=40", "-M", "-z", range]) ?? "").split("\0");
  // The patch follows the last field; what has a zero byte is no text and has no patch.
  const patches = (fields.at(-1) ?? "").split(/^diff --git /m).slice(1);
  const entries: { letter: string; path: string; previous: string | null; oid: string }[] = [];
  let at = 0;
  while (fields[at]?.startsWith(":")) {
    const [, , before = "", after = "", code = ""] = (fields[at] ?? "").split(" ");
    const letter = code.slice(0, 1);
    const renamed = letter === "R" || letter === "C";
    const [first = "", second = ""] = [fields[at + 1], fields[at + 2]];
    entries.push({
      letter,
      path: renamed ? second : first,
      previous: renamed ? first : null,
      oid: letter === "D" ? before : after,
    });
    at += renamed ? 3 : 2;
  }
  return entries.map((entry, index) => {
    const [additions = "", deletions = ""] = (fields[at] ?? "").split("\t");
    // A rename's names follow in fields of their own.
    at += entry.previous === null ? 1 : 3;
    const patch = patches[index] ?? "";
    const hunks = patch.indexOf("\n@@");
    return {
      status: STATUS[entry.letter] ?? "changed",
      path: entry.path,
      previous: entry.previous,
      oid: entry.oid,
      additions: Number(additions) || 0,
      deletions: Number(deletions) || 0,
      patch: hunks === -1 ? null : patch.slice(hunks + 1).trimEnd(),
    };
  });
}
