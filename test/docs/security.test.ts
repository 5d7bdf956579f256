/** SECURITY.md names tests; each is there, under that name, in that file. */

import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { packageFile } from "../../src/package-root.ts";
import { page, section, table } from "./pages.ts";

const rows = table(section(page("SECURITY.md"), "## Threats"));

interface Named {
  readonly path: string;
  readonly titles: readonly string[];
}

/** `[name](path): "title"; "title"; [name](path): "title"` */
const testsOf = (cell: string): Named[] =>
  [...cell.matchAll(/\[[^\]]+\]\(([^)]+)\):((?: ?"[^"]+";?)+)/g)].map(([, path = "", titles = ""]) => ({
    path,
    titles: [...titles.matchAll(/"([^"]+)"/g)].map(([, title = ""]) => title),
  }));

describe("threats", () => {
  test("cover all of STRIDE", () => {
    expect([...new Set(rows.map(([letter = ""]) => letter))].sort()).toEqual([..."DEIRST"]);
    expect(rows.length).toBeGreaterThan(30);
  });

  test.each(rows.map(([, threat = "", , shown = ""]) => [threat, shown] as const))(
    "%s: is shown by tests that are there",
    (_, shown) => {
      const named = testsOf(shown);
      expect(named.length).toBeGreaterThan(0);
      // Nothing of the cell was overlooked.
      expect(shown.match(/\]\(/g)).toHaveLength(named.length);
      for (const { path, titles } of named) {
        expect(path).toMatch(/^test\/.+\.test\.ts$/);
        expect(existsSync(packageFile(path)), path).toBe(true);
        const text = page(path);
        expect(titles.length).toBeGreaterThan(0);
        for (const title of titles) expect(text, `${path}: ${title}`).toMatch(called(title));
      }
    },
  );
});

/** As the first argument of test, it or describe, or as the title after a table of cases. */
const called = (title: string): RegExp =>
  new RegExp(
    `(?:test|it|describe)?(?:\\.[\\w.]+)?(?:\\([^"]*\\))?\\(\\s*"${title.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}",`,
  );
