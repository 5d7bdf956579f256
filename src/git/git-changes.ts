import { LabkeeperError } from "../errors.ts";
import { runGit } from "./git-command.ts";
import { displayPath } from "./tree.ts";
import type { Side } from "./tree-diff.ts";

/** One path of the catalog that a working tree changed. */
export interface ChangedPath {
  /** Relative to the catalog's folder. */
  readonly path: string;
  /** What the base has there; null: nothing. */
  readonly before: Side | null;
  readonly isThere: boolean;
}

const CATALOG = ["--", "catalog.yaml", "profiles", "labs"];
const KINDS: Readonly<Record<string, Side["kind"]>> = { "120000": "symlink", "160000": "submodule" };

/**
 * Asks git what a checkout changed: it knows from file times what need not be read, which takes 20 ms for 10,000
 * files. The comparison starts where the branch left `baseRef` (`base`), so that what others merged there meanwhile is
 * not taken for a change of this branch; a shallow clone may not know that place. Files that git ignores do not count.
 * Null when git is not there or cannot use this folder; rejects with LK1003 when there is no such commit.
 */
export async function gitChanges(
  command: string,
  folder: string,
  baseRef: string,
): Promise<{ readonly base: string; readonly changes: readonly ChangedPath[] } | null> {
  const git = async (args: readonly string[]): Promise<string | null> => {
    const result = await runGit(command, { args, cwd: folder });
    return result.kind === "ended" && result.code === 0 ? result.stdout.toString("latin1") : null;
  };
  const [fork, named, untracked] = await Promise.all([
    git(["merge-base", "--end-of-options", baseRef, "HEAD"]),
    git(["rev-parse", "--verify", "--quiet", "--end-of-options", `${baseRef}^{commit}`]),
    git(["ls-files", "-z", "--others", "--exclude-standard", ...CATALOG]),
  ]);
  if (untracked === null) return null;
  const base = (fork ?? named)?.trim().split("\n").pop();
  if (base === undefined) throw noSuchBase(baseRef);
  const format = ["--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff", "--relative"];
  const differing = await git(["diff", ...format, base, ...CATALOG]);
  if (differing === null) return null;
  return { base, changes: [...parseRaw(differing), ...parseNames(untracked)] };
}

export const noSuchBase = (baseRef: string, cause?: unknown): LabkeeperError =>
  new LabkeeperError("LK1003", `there is no commit "${baseRef.slice(0, 100)}" to compare with`, {
    cause,
    remedy: "Name a branch or commit that was fetched; in GitHub Actions check out with `fetch-depth: 0`.",
  });

/** https://git-scm.com/docs/git-diff (raw output format), NUL-terminated; bytes as one character each. */
function parseRaw(output: string): ChangedPath[] {
  const fields = output.split("\0");
  const changed: ChangedPath[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [mode = "", , oid = "", , status = ""] = (fields[at] ?? "").slice(1).split(" ");
    const before = /^0+$/.test(mode) ? null : { kind: KINDS[mode] ?? ("file" as const), oid };
    changed.push({ path: displayPath(fields[at + 1] ?? ""), before, isThere: status !== "D" });
  }
  return changed;
}

/** A folder with a repository of its own is listed with a slash at its end. */
function parseNames(output: string): ChangedPath[] {
  const names = output.split("\0").filter((name) => name !== "");
  return names.map((name) => ({ path: displayPath(name.replace(/\/$/, "")), before: null, isThere: true }));
}
