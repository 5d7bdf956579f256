import { LabkeeperError } from "../errors.ts";
import { runGit } from "./git-command.ts";

/** What the catalog consists of; nothing else in the repository is looked at. */
export const CATALOG_PATHS = ["labs", "profiles", "catalog.yaml"] as const;

export interface ChangedKeys {
  /** The commit compared with. */
  readonly base: string;
  /** Paths in bytes, one character each, relative to the folder. */
  readonly keys: readonly string[];
}

/**
 * Asks git what in a working tree differs from a base: by the stat data in its index, so files that did not change
 * are not read. The base is where the current branch left `baseRef`, so what others have since merged there does not
 * count as changed here. Null when git cannot be used on this folder; rejects with LK1003 when there is no such ref.
 */
export async function changedKeys(
  command: string,
  folder: string,
  baseRef: string,
  signal?: AbortSignal,
): Promise<ChangedKeys | null> {
  const git = async (args: readonly string[]): Promise<string | null> => {
    const result = await runGit(command, { args, cwd: folder, signal });
    return result.kind === "ended" && result.code === 0 ? result.stdout.toString("latin1") : null;
  };
  const untracked = git(["ls-files", "-z", "--others", "--exclude-standard", "--", ...CATALOG_PATHS]);
  const fork = git(["merge-base", "--end-of-options", baseRef, "HEAD"]);
  const named = git(["rev-parse", "--verify", "--quiet", "--end-of-options", `${baseRef}^{commit}`]);
  if ((await untracked) === null) return null;
  const base = ((await fork) ?? (await named))?.trim().split("\n").pop();
  if (base === undefined) throw noSuchBase(baseRef);
  const differing = await git([
    ...["diff", "-z", "--name-only", "--no-renames", "--no-ext-diff", "--relative"],
    ...[base, "--", ...CATALOG_PATHS],
  ]);
  if (differing === null) return null;
  const names = `${await untracked}${differing}`.split("\0").filter((name) => name !== "");
  // A folder with a repository of its own is listed with a slash at the end.
  return { base, keys: [...new Set(names.map((name) => name.replace(/\/$/, "")))] };
}

export const noSuchBase = (baseRef: string, cause?: unknown): LabkeeperError =>
  new LabkeeperError("LK1003", `there is no commit "${baseRef.slice(0, 100)}" to compare with`, {
    cause,
    remedy: "Name a branch or commit that was fetched; in GitHub Actions check out with `fetch-depth: 0`.",
  });
