import { execFileSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { packageFile } from "../src/package-root.ts";

/** Seeds are below it. */
export const SEEDS = 2 ** 31;

/**
 * Another for each content of the repository, and the same for the same: the first 31 bits of the tree of HEAD in `folder`.
 * Drawn where there is no git or no commit. What is not committed does not count.
 */
export function freshSeed(folder = packageFile(".")): number {
  try {
    const stdio = ["ignore", "pipe", "ignore"] as const;
    const tree = execFileSync("git", ["rev-parse", "--verify", "HEAD^{tree}"], { cwd: folder, stdio: [...stdio] });
    return Number.parseInt(tree.toString("latin1").slice(0, 8), 16) >>> 1;
  } catch {
    return randomInt(SEEDS);
  }
}
