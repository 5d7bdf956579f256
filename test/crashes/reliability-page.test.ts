/** docs/reliability.md says which test shows what about crashes and secrets; each of them is there. */

import { existsSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { packageFile } from "../../src/package-root.ts";
import { codes, page, section, table } from "../docs/pages.ts";

const rows = ["## Crash points, leases, clocks", "## Secrets"].flatMap((heading) =>
  table(section(page("docs/reliability.md"), heading)),
);

test.each(rows.map(([fault = "", , shown = ""]) => [fault, shown]))("%s: by a test that is there", (_, shown) => {
  const files = [...shown.matchAll(/\]\(\.\.\/([^)]+)\)/g)].map(([, path = ""]) => path);
  expect(files.length).toBeGreaterThan(0);
  expect(files.filter((path) => !existsSync(packageFile(path)))).toEqual([]);
  const texts = files.map(page).join("\n");
  expect(codes(shown).length).toBeGreaterThan(0);
  expect(codes(shown).filter((title) => !texts.includes(title))).toEqual([]);
});

test("every test of crashes is on the page", () => {
  const tests = readdirSync(packageFile("test/crashes")).filter((name) =>
    /(?<!reliability-page)\.test\.ts$/.test(name),
  );
  expect(tests.length).toBeGreaterThan(3);
  const shown = rows.flat().join("\n");
  expect(tests.filter((name) => !shown.includes(`test/crashes/${name}`))).toEqual([]);
});
