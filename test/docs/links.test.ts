import { existsSync } from "node:fs";
import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { packageFile } from "../../src/package-root.ts";
import { anchors, page, pages, table, withoutBlocks } from "./pages.ts";

interface Link {
  readonly from: string;
  readonly target: string;
}

const links: readonly Link[] = pages.flatMap((from) =>
  [...withoutBlocks(page(from)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => ({ from, target })),
);

const leadsNowhere = ({ from, target }: Link): boolean => {
  if (/^https?:/.test(target)) return false;
  const [path = "", fragment] = target.split("#");
  const to = path === "" ? from : posix.join(posix.dirname(from), path);
  if (!existsSync(packageFile(to))) return true;
  return fragment !== undefined && !anchors(page(to)).includes(fragment);
};

describe("links", () => {
  test("lead to files and headings that are there", () => {
    expect(links.length).toBeGreaterThan(40);
    expect(links.filter(leadsNowhere)).toEqual([]);
  });

  test("of the README lead to every page of docs/", () => {
    const linked = links.filter(({ from }) => from === "README.md").map(({ target }) => target);
    const documents = pages.filter((path) => /^docs\/[^/]+\.md$/.test(path));
    expect(documents.filter((path) => !linked.includes(path))).toEqual([]);
  });

  test("of the list of decisions lead to every decision, under its own title", () => {
    const listed = table(page("docs/adr/README.md")).map(([link = "", title]) => [/\]\((.+)\)/.exec(link)?.[1], title]);
    const decisions = pages.filter((path) => /^docs\/adr\/\d{4}-.+\.md$/.test(path));
    expect(listed).toEqual(decisions.map((path) => [posix.basename(path), /^# \d{4}: (.+)$/m.exec(page(path))?.[1]]));
  });
});

test("pages speak of the project alone", () => {
  const strange = /\/work\/(?:main|shared)|\/root\b|\.\.\/shared|\bissues? #?\d|[^&\w/]#\d+\b|\bvm-\d/gi;
  const found = pages.flatMap((path) => [...page(path).matchAll(strange)].map(([text]) => `${path}: ${text}`));
  expect(found).toEqual([]);
});
