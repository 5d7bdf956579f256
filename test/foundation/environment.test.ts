import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { programs } from "../../scripts/bundle.ts";
import { packageFile } from "../../src/package-root.ts";

/** May read the environment: the configuration, and programs that others start as processes of their own. */
const readers = new Set(["src/config.ts", ...Object.values(programs).filter((source) => source !== "src/main.ts")]);

/** A read of the environment in any of its spellings. `env:` as an option of a child process is none. */
const readsEnvironment = (source: string): boolean =>
  /\bprocess\s*(\?\.|\.)\s*env\b|\bprocess\s*\[\s*["'`]env|\{[^}]*\benv\b[^}]*\}\s*=\s*process\b|import\s*\{[^}]*\benv\b[^}]*\}\s*from\s*["'](node:)?process["']/.test(
    source.replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, ""),
  );

describe("the environment", () => {
  test("is read in config.ts alone", () => {
    const sources = readdirSync(packageFile("src"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
      .map((entry) => relative(packageFile("."), join(entry.parentPath, entry.name)));
    expect(sources.length).toBeGreaterThan(5);
    const offenders = sources.filter((path) => readsEnvironment(readFileSync(packageFile(path), "utf8")));
    expect(offenders.filter((path) => !readers.has(path))).toEqual([]);
  });

  test.each([
    ["process.env.HOME", true],
    ["process?.env", true],
    ['process["env"]', true],
    ["const { env } = process;", true],
    ['import { env, exit } from "node:process";', true],
    ["spawn(command, args, { env: {} })", false],
    ["// process.env is read in config.ts", false],
  ])("%s is a read of it: %s", (source, expected) => {
    expect(readsEnvironment(source)).toBe(expected);
  });
});
