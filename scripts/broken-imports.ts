import { join } from "node:path";
import type { Statement, VariableDeclaration } from "@swc/core";
import { Visitor } from "@swc/core/Visitor.js";
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

/** As the parser gives it; its published types do not have it. */
interface UsingDeclaration {
  readonly type: "UsingDeclaration";
  decls: VariableDeclaration["declarations"];
}

// swc parses `using` declarations, but its visitor, with which dependency-cruiser walks, stops at them.
const visitKnownStatement = Visitor.prototype.visitStatement;
Visitor.prototype.visitStatement = function (statement: Statement | UsingDeclaration): Statement {
  if (statement.type !== "UsingDeclaration") return visitKnownStatement.call(this, statement);
  statement.decls = this.visitVariableDeclarators(statement.decls);
  return statement as unknown as Statement;
};

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
