import { readdirSync, readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { markdownView } from "../../src/cli/markdown-view.ts";
import { palette } from "../../src/cli/palette.ts";
import { widthOf } from "../../src/cli/table.ts";
import { packageFile } from "../../src/package-root.ts";

const plainly = (markdown: string, width = 100, open?: (summary: string) => boolean): string =>
  markdownView(markdown, { width, colours: palette(false), ...(open && { open }) }).join("\n");

const EXAMPLES = readdirSync(packageFile("docs/examples")).map(
  (name) => [name, readFileSync(packageFile(`docs/examples/${name}`), "utf8")] as const,
);

describe.each(EXAMPLES)("%s", (_, markdown) => {
  test("shows its words and none of its markup", () => {
    const shown = plainly(markdown, 200, () => true);
    expect(shown).not.toMatch(/\*\*|<br>|<\/?sub>|<\/?details>|&#\d|\]\(|^#|^\|/m);
    expect(shown.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u200b]|<!--/u);
    const [, heading] = /^#+ (.*)$/m.exec(markdown) ?? [];
    if (heading !== undefined) expect(shown).toContain(heading.replaceAll("*", ""));
  });

  test.each([60, 100])("fits %i columns, but for what is to be copied whole", (width) => {
    const lines = plainly(markdown, width).split("\n");
    const tooWide = lines.filter((line) => widthOf(line) > width && !/^\s*\S+$|https:|sha256:/.test(line));
    expect(tooWide.filter((line) => !line.startsWith("  "))).toEqual([]);
  });

  test("says the same in colours", () => {
    const coloured = markdownView(markdown, { width: 100, colours: palette(true) }).join("\n");
    expect(coloured).toContain("\u001b[");
    expect(stripVTControlCharacters(coloured)).toBe(plainly(markdown));
  });
});

test("tables are columns, whose last one wraps under itself", () => {
  const table = "| A | Why |\n| --- | --- |\n| **one**<br>team | because it is so and not otherwise |\n| two | no |";
  expect(plainly(table, 30)).toBe(
    ["A     Why", "one   because it is so and not", "team  otherwise", "two   no"].join("\n"),
  );
});

test("folds are their summary, until they are wanted", () => {
  const fold = "<details>\n<summary>The plan: 1 to create</summary>\n\nInside.\n\n</details>\n\nAfter.";
  expect(plainly(fold)).toBe("▸ The plan: 1 to create\n\nAfter.");
  expect(plainly(fold, 100, (summary) => summary.startsWith("The plan"))).toBe(
    "▾ The plan: 1 to create\n\nInside.\n\nAfter.",
  );
});

test("alerts stand out", () => {
  expect(plainly("> [!CAUTION]\n> **Merging this ends 1 lab.**\n>\n> - **one** of octocat")).toBe(
    "▌ CAUTION\n▌ Merging this ends 1 lab.\n▌\n▌ • one of octocat",
  );
});

test("nothing that is shown can steer the terminal", () => {
  const steering = fc.array(
    fc.constantFrom("&#27;", "&#155;", "\u001b[2J", "\u009b", "\r", "\b", "`", "a", "| ", "**", "\n> "),
  );
  fc.assert(
    fc.property(steering, (parts) => {
      expect(plainly(parts.join(""), 40).replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
    }),
  );
});
