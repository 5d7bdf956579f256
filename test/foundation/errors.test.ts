import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ERRORS } from "../../src/errors.ts";
import { packageFile } from "../../src/package-root.ts";

const page = readFileSync(packageFile("docs/errors.md"), "utf8");
const entries = page
  .split(/^### /m)
  .slice(1)
  .map((section) => ({
    heading: section.split("\n", 1)[0] ?? "",
    disposition: /^- Disposition: (.+)$/m.exec(section)?.[1],
    when: /^- When: (.+)$/m.exec(section)?.[1],
    whatToDo: /^- What to do: (.+)$/m.exec(section)?.[1],
  }));

describe("docs/errors.md", () => {
  test("describes every code of the catalogue and no other, with its title and disposition", () => {
    const catalogue = Object.entries(ERRORS).map(([code, { title, disposition }]) => [
      `${code}: ${title}`,
      disposition,
    ]);
    expect(entries.map(({ heading, disposition }) => [heading, disposition])).toEqual(catalogue.sort());
  });

  test("says of each when it happens and what to do", () => {
    expect(entries.filter(({ when, whatToDo }) => !when || !whatToDo).map(({ heading }) => heading)).toEqual([]);
  });
});
