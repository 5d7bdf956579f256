import { join } from "node:path";
import type { ICruiseResult } from "dependency-cruiser";
import { cruise } from "dependency-cruiser";
import extractDepcruiseOptions from "dependency-cruiser/config-utl/extract-depcruise-options";
import { packageRoot } from "../src/package-root.ts";

export interface BrokenImport {
  readonly rule: string;
  /** Why the rule is there. */
  readonly comment: string;
  readonly from: string;
  readonly to: string;
}

/** Cruises `folders` (relative to `root`, which must hold a package.json) with this project's import rules. */
export async function broken(root: string, folders: readonly string[]): Promise<readonly BrokenImport[]> {
  const { ruleSet, ...options } = await extractDepcruiseOptions(join(packageRoot, ".dependency-cruiser.mjs"));
  const answer = await cruise([...folders], { ...options, ...(ruleSet && { ruleSet }), validate: true, baseDir: root });
  const result = answer.output as ICruiseResult;
  const comments = new Map(ruleSet?.forbidden?.map((rule) => [rule.name, rule.comment ?? ""]));
  return result.summary.violations.map(({ rule, from, to }) => ({
    rule: rule.name,
    comment: comments.get(rule.name) ?? "",
    from,
    to,
  }));
}
