/** Every regular expression of the sources, found by the parser rather than by another regular expression. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync } from "@swc/core";
import { packageFile } from "../../src/package-root.ts";

export interface Found {
  /** File below `src/` and the expression itself. */
  readonly name: string;
  readonly pattern: string;
  readonly flags: string;
}

export interface Sources {
  readonly literals: readonly Found[];
  /** Files that build expressions at run time, as often as they do. */
  readonly built: readonly string[];
}

const walk = (node: unknown, visit: (node: Record<string, unknown>) => void): void => {
  if (Array.isArray(node)) for (const item of node) walk(item, visit);
  else if (typeof node === "object" && node !== null) {
    visit(node as Record<string, unknown>);
    for (const value of Object.values(node)) walk(value, visit);
  }
};

export function regularExpressions(): Sources {
  const literals = new Map<string, Found>();
  const built: string[] = [];
  const files = readdirSync(packageFile("src"), { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".ts"),
  );
  for (const file of files.sort()) {
    const text = readFileSync(join(packageFile("src"), file), "utf8");
    walk(parseSync(text, { syntax: "typescript", target: "es2022" }), (node) => {
      if (node["type"] === "RegExpLiteral") {
        const found = { pattern: String(node["pattern"]), flags: String(node["flags"] ?? "") };
        const name = `${file} /${found.pattern}/${found.flags}`;
        literals.set(name, { name, ...found });
      }
      const isCall = node["type"] === "NewExpression" || node["type"] === "CallExpression";
      if (isCall && (node["callee"] as { value?: string }).value === "RegExp") built.push(file);
    });
  }
  return { literals: [...literals.values()], built };
}

/** Every `pattern` of the JSON Schemas; `propertyNames` have theirs inside. */
export function schemaPatterns(): readonly Found[] {
  const found = new Map<string, Found>();
  for (const file of readdirSync(packageFile("schemas")).sort())
    walk(JSON.parse(readFileSync(join(packageFile("schemas"), file), "utf8")), (node) => {
      const keyword = node["pattern"];
      // ajv compiles patterns with the flag u.
      if (typeof keyword === "string") found.set(keyword, { name: `${file} ${keyword}`, pattern: keyword, flags: "u" });
      for (const key of Object.keys((node["patternProperties"] as object | undefined) ?? {}))
        found.set(key, { name: `${file} ${key}`, pattern: key, flags: "u" });
    });
  return [...found.values()];
}
