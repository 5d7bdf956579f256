import { existsSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { outputEntry } from "../../src/action/command-file.ts";
import { temporaryFolder } from "../../standins/git/repository.ts";
import { hrefsOf, htmlOf, proseOf, tagsOf } from "../core/markdown-html.ts";
import { CATALOG, labText } from "../documents/samples.ts";
import { commandsIn, outputsIn, pullRequest, type Step, step } from "./runner.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder.remove());

/** What would make the runner, a shell or a reader's browser do something. */
const WORDS: readonly string[] = [
  "\n::set-env name=PATH::/tmp",
  "\r\n::add-path::/tmp",
  "::error::x",
  "%0A::add-mask::a",
  "%250A::stop-commands::x",
  "##[add-mask]a",
  "##[set-env name=A;]x]]",
  "]]>",
  "\n##[error]x",
  "EOF\nvalid=true",
  "\nlabkeeper_0\nvalid<<X\ntrue\nX",
  "ghadelimiter_00000000-0000-0000-0000-000000000000",
  "$(touch hacked)",
  "`touch hacked`",
  "; touch hacked #",
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "[click](javascript:alert(1))",
  "![x](https://example.com/x.png)",
  "@octocat and @example/team-a",
  "https://example.com/?q=1 www.example.com",
  "closes #1, fixes example/labs#2, GH-3",
  "| a | b |\n| --- | --- |",
  "</td></tr></table>",
  "\n\n# heading\n\n```\ncode",
  "$\\href{https://example.com}{x}$",
  "\u202etxt.exe\u0000\u001b[2J\u0085\u2028::warning::x",
  "a\\|b\\\\|c",
  ":tada: <!-- comment -->",
  ":tada: www.example.com __x__",
];

const lab = (name: string, text: string): string =>
  labText({
    "test-01": name,
    sandbox: JSON.stringify(text).replaceAll("\u0085", "\\u0085").replaceAll("\u2028", "\\u2028"),
  });

const named = (text: string): string => `${text.replaceAll("/", "_").replaceAll("\u0000", "").slice(0, 60)}.yaml`;

/** Files whose values, keys, names and places hold the words; some are refused and some are taken. */
const FILES: Readonly<Record<string, string>> = Object.fromEntries([
  ...WORDS.map((word, at) => [`labs/team-a/lab-${at}.yaml`, lab(`lab-${at}`, word)]),
  ...WORDS.map((word, at) => [`labs/team-a/key-${at}.yaml`, `${JSON.stringify(word)}: 1\n`]),
  ...WORDS.map((word) => [`labs/team-a/${named(word)}`, "x: ["]),
  ...WORDS.map((word, at) => [
    `labs/team-a/tag-${at}.yaml`,
    labText({ "test-01": `tag-${at}` }, `  tags: { purpose: ${JSON.stringify(word)} }\n`),
  ]),
]);

const LATER = Object.fromEntries(
  WORDS.map((word, at) => [
    `labs/team-a/tag-${at}.yaml`,
    labText({ "test-01": `tag-${at}` }, `  tags: { purpose: ${JSON.stringify(`${word} later`)} }\n`),
  ]),
);

const TAGS = /^<(\/?(h[34]|p|ul|li|table|thead|tbody|tr|th|td|code|strong|sub|blockquote|a)|br|a href="[^"]*")( \/)?>$/;

/** The summary as GitHub shows it: HTML passes, so only what labkeeper itself wrote may be there. */
const isInert = (markdown: string): void => {
  const html = htmlOf(markdown);
  expect(tagsOf(html).filter((tag) => !TAGS.test(tag))).toEqual([]);
  for (const href of hrefsOf(html))
    expect(href).toMatch(/^https:\/\/github\.example\.com\/example\/labs\/blob\/[0-9a-f]{40}\/labs\//);
  const prose = proseOf(html);
  expect(prose.match(/@[\w-]+|[\w/]#\d+|(?<![&\w])#\d+|gh-\d+|https?:\/\/\S+|www\.\w+|:[a-z]+:/gi) ?? []).toEqual([]);
  // Mathematics is GitHub's own reading of the source.
  expect(markdown.replaceAll(/`[^`\n]+`/g, "").match(/\$/g) ?? []).toEqual([]);
};

const isHarmless = ({ log, outputs, errors }: Step): void => {
  expect(errors).toBe("");
  const commands = commandsIn(log);
  expect(commands.filter(({ name }) => name !== "error")).toEqual([]);
  for (const { properties } of commands) expect(Object.keys(properties)).toEqual(["file", "line", "col", "title"]);
  for (const line of log.trimEnd().split("\n"))
    expect(line).toMatch(/^(::error file=[^:,]+,line=\d+,col=\d+,title=LK\d{4}::|\d+ lab files?, |Plan: )/);
  expect(log.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  expect(Object.keys(outputs)).toEqual(["valid", "plan", "problems"]);
  expect(outputs["valid"]).toBe("false");
  expect(JSON.parse(outputs["problems"] ?? "")).toMatchObject({ kind: "Validation", valid: false });
};

describe("a catalog full of what others would carry out", () => {
  test("says problems and nothing else: to the runner, to later steps and to readers", async () => {
    const { event, checkout } = pullRequest(folder.path, { before: { "catalog.yaml": CATALOG }, change: FILES });
    const workspace = checkout({ depth: 2 });
    const result = await step({ workspace, event });
    expect(result.code).toBe(1);
    isHarmless(result);
    isInert(result.summary);
    const problems = commandsIn(result.log);
    expect(problems.length).toBeGreaterThan(3 * WORDS.length);
    const { problems: told } = JSON.parse(result.outputs["problems"] ?? "") as { problems: unknown[] };
    expect(told).toHaveLength(problems.length);
    expect(existsSync(join(workspace, "hacked"))).toBe(false);
  });

  test("shows changes of such values as they are, and inert", async () => {
    const { event, checkout } = pullRequest(folder.path, {
      before: { "catalog.yaml": CATALOG, ...FILES },
      change: LATER,
    });
    const result = await step({ workspace: checkout({ depth: 2 }), event });
    isInert(result.summary);
    expect(commandsIn(result.log).filter(({ name }) => name !== "error")).toEqual([]);
    const shown = WORDS.filter((word) => (result.outputs["plan"] ?? "").includes(JSON.stringify(`${word} later`)));
    expect(shown).toEqual(expect.arrayContaining(["@octocat and @example/team-a", ":tada: www.example.com __x__"]));
  });

  test("drivers that it names for git are not run", async () => {
    const attributes = "*.yaml diff=evil filter=evil merge=evil\n";
    const files = {
      ".gitattributes": attributes,
      ".gitmodules": '[submodule "x"]\n\tpath = labs/x\n\turl = ext::sh -c touch% hacked\n',
    };
    const before = { "catalog.yaml": CATALOG, ...files, "labs/team-a/one.yaml": labText({ "test-01": "one" }) };
    const change = { "labs/team-a/one.yaml": labText({ "test-01": "one", "ttlHours: 24": "ttlHours: 30" }) };
    const { event, checkout } = pullRequest(folder.path, { before, change });
    const workspace = checkout({ depth: 2 });
    expect(await step({ workspace, event })).toMatchObject({ code: 0, errors: "" });
    expect(existsSync(join(workspace, "hacked"))).toBe(false);
  });
});

describe("what GitHub bounds", () => {
  const text = "&<>".repeat(1_000);
  const files = Object.fromEntries(
    Array.from({ length: 1_500 }, (_, at) => [
      `labs/team-a/lab-${at}.yaml`,
      lab(`lab-${at}`, "sandbox").replace("spec:", `x-${text}: 1\nspec:`),
    ]),
  );
  const good = Object.fromEntries(
    Array.from({ length: 2_500 }, (_, at) => [`labs/team-a/good-${at}.yaml`, lab(`good-${at}`, "sandbox")]),
  );

  test("the summary and the outputs are cut, and say so", async () => {
    const { event, checkout } = pullRequest(folder.path, {
      before: { "catalog.yaml": CATALOG },
      change: { ...files, ...good },
    });
    const result = await step({ workspace: checkout({ depth: 2 }), event });
    expect(Buffer.byteLength(result.summary)).toBeLessThan(1024 * 1024);
    expect(result.summary.match(/(and \d+ more|\d+ left out here)/g)?.length).toBeGreaterThan(1);
    expect(result.summary.slice(-400)).toContain("This is shortened to what GitHub takes.");
    expect(Object.values(result.outputs).join("").length * 2).toBeLessThan(1_000_000);
    const plan = JSON.parse(result.outputs["plan"] ?? "") as {
      changes: unknown[];
      omitted: { changes: number };
      summary: { create: number };
    };
    expect(plan.changes.length + plan.omitted.changes).toBe(2_500);
    expect(plan.summary.create).toBe(2_500);
    const { problems, omitted } = JSON.parse(result.outputs["problems"] ?? "") as {
      problems: unknown[];
      omitted: { problems: number };
    };
    expect(problems.length + omitted.problems).toBe(commandsIn(result.log).length);
  });
});

describe("an output", () => {
  test("is what was given, whatever it holds", () => {
    const piece = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(...WORDS, "<<", "="));
    const value = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join("").replaceAll(/\r\n?/g, "\n"));
    fc.assert(
      fc.property(value, (given) => {
        expect(outputsIn(outputEntry("a", given) + outputEntry("b", "next"))).toEqual({ a: given, b: "next" });
      }),
    );
  });

  test("takes another delimiter when the value has guessed it", () => {
    const guesses = ["known", "known", "other"];
    const entry = outputEntry("a", "x\nlabkeeper_known\ny", () => guesses.shift() ?? "last");
    expect(outputsIn(entry)).toEqual({ a: "x\nlabkeeper_known\ny" });
    expect(entry).toContain("labkeeper_other");
  });
});
