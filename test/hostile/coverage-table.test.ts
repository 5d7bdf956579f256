/** docs/reliability.md says which test shows what about hostile input; each of them is there. */

import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { packageFile } from "../../src/package-root.ts";
import { codes, page, section, table } from "../docs/pages.ts";

const rows = table(section(page("docs/reliability.md"), "## Hostile input"));

test("every class has a test, by the name that the test has", () => {
  expect(rows.length).toBeGreaterThan(20);
  for (const [what, , shown = ""] of rows) {
    const files = [...shown.matchAll(/\]\(\.\.\/([^)]+)\)/g)].map(([, path = ""]) => path);
    expect(files.length, what).toBeGreaterThan(0);
    expect(
      files.filter((path) => !existsSync(packageFile(path))),
      what,
    ).toEqual([]);
    const texts = files.map(page).join("\n");
    expect(
      codes(shown).filter((name) => !texts.includes(name)),
      what,
    ).toEqual([]);
  }
});

test("every file of hostile tests is in the table", () => {
  const shown = rows.map((row) => row.join()).join("\n");
  for (const name of [
    "desired-state",
    "parsing",
    "redos",
    "addresses",
    "huge-plans",
    "man-in-the-middle",
    "comment-floods",
  ])
    expect(shown).toContain(`test/hostile/${name}.test.ts`);
});
