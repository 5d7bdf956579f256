import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { commands } from "../../src/cli/commands.ts";
import type { CommandContext } from "../../src/cli/context.ts";
import { palette } from "../../src/cli/palette.ts";
import { createProgram, registerAll } from "../../src/cli/program.ts";
import { VARIABLES } from "../../src/config.ts";
import { ERRORS } from "../../src/errors.ts";
import { blocks, codes, page, pages, withoutBlocks } from "./pages.ts";

const program = createProgram("0", palette(false));
// Registering only describes the commands; nothing of the context is used before one runs.
registerAll(program, {} as CommandContext, commands);

const shell = /^(?:sh|console)\b/;

/** Everything that a page shows as typed: lines of shell blocks, and code in the text. */
const typed = (path: string): readonly string[] => {
  const text = page(path);
  const inBlocks = blocks(text)
    .filter(({ info }) => shell.test(info))
    .flatMap(({ info, text: body }) => {
      const lines = body.split("\n");
      return info.startsWith("console") ? lines.filter((line) => line.startsWith("$ ")) : lines;
    });
  return [...inBlocks, ...codes(withoutBlocks(text))].map((line) => line.replace(/^\$ /, "").replace(/\s+#.*$/, ""));
};

const calls = pages.flatMap((path) =>
  typed(path).flatMap((line) =>
    [...line.matchAll(/(?:^|[\s(])labkeeper(?: --)? ((?:--?)?[a-z][^&|;)]*)/g)].map(([, words = ""]) => ({
      path,
      words: words.trim().split(/\s+/),
    })),
  ),
);

const flagsOf = (command: Command): readonly string[] =>
  [...command.options, ...program.options]
    .flatMap(({ long, short }) => [long, short])
    .filter((flag) => flag !== null) as string[];

const mistake = ({ words }: { readonly words: readonly string[] }): string | null => {
  const [name = ""] = words;
  if (name.startsWith("-")) return ["--help", "--version"].includes(name) ? null : `no option ${name}`;
  const outer = program.commands.find((each) => each.name() === name);
  if (outer === undefined) return `no command ${name}`;
  const [, next = ""] = words;
  const command = outer.commands.find((each) => each.name() === next) ?? outer;
  if (outer.commands.length > 0 && command === outer && next !== "" && !/^[-A-Z[]/.test(next))
    return `no command ${name} ${next}`;
  const flags = [...flagsOf(command), "--help", "-h"];
  const unknown = words.filter((word) => /^-/.test(word)).find((word) => !flags.includes(word.replace(/=.*$/, "")));
  return unknown === undefined ? null : `${name} has no option ${unknown}`;
};

describe("what pages tell people to type", () => {
  test("are commands and options that exist", () => {
    expect(calls.length).toBeGreaterThan(30);
    expect(calls.map((call) => [call.path, mistake(call)]).filter(([, wrong]) => wrong !== null)).toEqual([]);
  });

  test("leaves no command untold", () => {
    const told = new Set(calls.map(({ words: [name] }) => name));
    const here = [...page("README.md"), ...page("docs/operations.md")].join("");
    expect(
      program.commands.map((command) => command.name()).filter((name) => !told.has(name) && !here.includes(name)),
    ).toEqual([]);
  });

  test("are scripts of this package", () => {
    const { scripts } = JSON.parse(page("package.json")) as { scripts: Record<string, string> };
    const named = pages.flatMap((path) =>
      typed(path).flatMap((line) => [...line.matchAll(/npm run (?:-s )?([\w:-]+)/g)].map(([, name = ""]) => name)),
    );
    expect(named).toContain("demo");
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});

test("the README's two commands are one line each", () => {
  const lines = blocks(page("README.md")).flatMap(({ text }) => text.split("\n"));
  expect(lines).toContain("npm ci && npm run demo");
  expect(lines).toContain("npm ci && npm test");
});

test("variables are those that are read", () => {
  const named = pages.flatMap((path) => page(path).match(/\bLABKEEPER_[A-Z_]+[A-Z]\b/g) ?? []);
  expect([...new Set(named)].filter((name) => !VARIABLES.includes(name))).toEqual([]);
});

test("error codes exist", () => {
  const named = pages.flatMap((path) => page(path).match(/\bLK\d{4}\b/g) ?? []);
  expect(named.length).toBeGreaterThan(50);
  expect([...new Set(named)].filter((code) => !(code in ERRORS))).toEqual([]);
});
