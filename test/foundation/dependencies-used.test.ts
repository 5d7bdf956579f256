import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packageFile } from "../../src/package-root.ts";

test("every runtime dependency is imported by the product", () => {
  const manifest = JSON.parse(readFileSync(packageFile("package.json"), "utf8")) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const sources = readdirSync(packageFile("src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
    .join("\n");
  const isImported = (name: string) => new RegExp(`(from|import\\(|resolve\\()\\s*["']${name}["'/]`).test(sources);
  expect(Object.keys(manifest.dependencies).filter((name) => !isImported(name))).toEqual([]);
});
