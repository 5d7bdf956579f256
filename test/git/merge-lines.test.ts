import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { mergeLines } from "../../src/git/merge-lines.ts";
import { GIT_ENV, temporaryFolder } from "../../standins/git/repository.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder.remove());

const bytes = (text: string): Uint8Array => Buffer.from(text);
const merge = (old: string, ours: string, theirs: string): string | null => {
  const merged = mergeLines(bytes(old), bytes(ours), bytes(theirs));
  return merged === null ? null : Buffer.from(merged).toString("utf8");
};

/** What git makes of it; null for a conflict. */
function gitMerge(old: string, ours: string, theirs: string): string | null {
  const files = { ours, old, theirs };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder.path, name), text);
  const { status, stdout } = spawnSync("git", ["merge-file", "-p", "ours", "old", "theirs"], {
    cwd: folder.path,
    env: GIT_ENV,
  });
  return status === 0 ? stdout.toString("utf8") : null;
}

const TEAMS = "spec:\n  teams:\n    - name: a\n    - name: b\n  guards:\n    maxDestroys: 5\n";

it("takes edits apart from each other, the same edit twice, and no edits that touch", () => {
  const added = TEAMS.replace("    - name: a\n", "    - name: 0\n    - name: a\n");
  const guarded = TEAMS.replace("5", "7");
  expect(merge(TEAMS, added, guarded)).toBe(added.replace("5", "7"));
  expect(merge(TEAMS, guarded, added)).toBe(added.replace("5", "7"));
  expect(merge(TEAMS, added, added)).toBe(added);
  expect(merge(TEAMS, added, TEAMS)).toBe(added);
  expect(merge(TEAMS, TEAMS, added)).toBe(added);
  expect(merge(TEAMS, guarded, TEAMS.replace("5", "9"))).toBeNull();
  expect(merge("a\nb\n", "A\nb\n", "a\nB\n")).toBeNull();
  expect(merge("", "a\n", "b\n")).toBeNull();
});

it("keeps bytes that are no text and a last line without its end", () => {
  const old = Buffer.from([0xff, 10, 1, 10, 2, 10, 3]);
  const ours = Buffer.from([0xfe, 10, 1, 10, 2, 10, 3]);
  const theirs = Buffer.from([0xff, 10, 1, 10, 2, 10, 4]);
  expect(mergeLines(old, ours, theirs)).toEqual(Buffer.from([0xfe, 10, 1, 10, 2, 10, 4]));
});

it("gives up on files with no end of differences instead of comparing them all", () => {
  const lines = (prefix: string): string => Array.from({ length: 9_000 }, (_, n) => `${prefix}${n}\n`).join("");
  expect(merge(lines("a"), lines("b"), lines("c"))).toBeNull();
});

it("merges as git does wherever it merges", () => {
  const line = fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h");
  const edit = fc.record({ at: fc.nat(12), remove: fc.nat(2), insert: fc.array(line, { maxLength: 2 }) });
  const edited = (lines: readonly string[], edits: readonly { at: number; remove: number; insert: string[] }[]) => {
    const copy = [...lines];
    for (const { at, remove, insert } of edits) copy.splice(at % (copy.length + 1), remove, ...insert);
    return copy;
  };
  const text = (lines: readonly string[]): string => lines.map((each) => `${each}\n`).join("");
  let merged = 0;
  fc.assert(
    fc.property(
      fc.uniqueArray(line, { minLength: 3, maxLength: 8 }),
      fc.array(edit, { maxLength: 2 }),
      fc.array(edit, { maxLength: 2 }),
      (old, left, right) => {
        const sides = [text(old), text(edited(old, left)), text(edited(old, right))] as const;
        const mine = merge(...sides);
        if (mine === null) return;
        merged++;
        expect(mine).toBe(gitMerge(...sides));
      },
    ),
    { numRuns: 200 },
  );
  expect(merged).toBeGreaterThan(50);
});
