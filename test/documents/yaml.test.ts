import { describe, expect, test } from "vitest";
import { parseYaml } from "../../src/core/yaml.ts";
import { places } from "./samples.ts";

const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);

describe("what plain YAML means", () => {
  test.each([
    ["null", null],
    ["~", null],
    ["", null],
    ["a:", { a: null }],
    ["True", true],
    ["yes", "yes"],
    ["on", "on"],
    ["012", 12],
    ["0o17", 15],
    ["0x1F", 31],
    ["-0", 0],
    ["1e3", 1000],
    ["4.20", 4.2],
    ['"4.20"', "4.20"],
    ["2026-01-01", "2026-01-01"],
    ["12:30", "12:30"],
    ["1_000", "1_000"],
    ["[a, {b: c}]", ["a", { b: "c" }]],
    ["a: |\n  x\n  y\n", { a: "x\ny\n" }],
    ["---\na: 1\n...\n", { a: 1 }],
    ["\ufeffa: 1", { a: 1 }],
    ["a: &x {b: 1}\nc: *x\n", { a: { b: 1 }, c: { b: 1 } }],
    ["{a: 1, a2: *x}", { a: 1, a2: null }],
  ])("%j", (text, value) => {
    expect(parseYaml(text, "f.yaml").value).toEqual(value);
  });
});

describe("what is refused, and where", () => {
  test.each([
    ["duplicate key", "a: 1\nb: 2\na: 3\n", ["3:1 LK2001"]],
    ["duplicate key in quotes", 'a: 1\n"a": 3\n', ["2:1 LK2001"]],
    ["custom tag", "a: !secret x\n", ["1:4 LK2002"]],
    ["standard tag", "a: !!str 4.20\n", ["1:4 LK2002"]],
    ["tag on a collection", "a: !!map {b: 1}\n", ["1:4 LK2002"]],
    ["merge key", "a: &x {b: 1}\nc:\n  <<: *x\n", ["3:3 LK2002"]],
    ["second document", "a: 1\n---\nb: 2\n", ["2:1 LK2002"]],
    ["directive", "%YAML 1.2\n---\na: 1\n", ["1:1 LK2002"]],
    ["prototype key", "__proto__:\n  isAdmin: true\nconstructor: 1\n", ["1:1 LK2002", "3:1 LK2002"]],
    ["number as key", "1: a\n", ["1:1 LK2002"]],
    ["list as key", "? [a, b]\n: c\n", ["1:3 LK2002"]],
    ["infinity", "a: .inf\nb: -.INF\nc: .nan\n", ["1:4 LK2002", "2:4 LK2002", "3:4 LK2002"]],
    ["alias without anchor", "a: *x\n", ["1:4 LK2001"]],
    ["alias to what contains it", "a: &x [*x]\n", ["1:8 LK2002"]],
    ["too many aliases", `a: &x 1\nb: [${"*x, ".repeat(33)}]\n`, ["2:133 LK2002"]],
    ["deep nesting", `${"[".repeat(30)}${"]".repeat(30)}`, ["1:21 LK2002"]],
    ["nesting beyond the parser", "[".repeat(5000), ["1:100 LK2001"]],
    ["unclosed list", "a: [1, 2\n", ["2:1 LK2001"]],
    ["tab as indentation", "a:\n\tb: 1\n", ["2:1 LK2001"]],
    ["control character", "a: \u0007\n", ["1:4 LK2001"]],
    ["all at once", "a: !x 1\na: 2\n<<: 3\n", ["1:4 LK2002", "2:1 LK2001", "3:1 LK2002"]],
  ])("%s", (_name, text, expected) => {
    expect(places(parseYaml(text, "f.yaml").problems)).toEqual(expected);
  });

  test("an alias bomb costs no memory and is named once", () => {
    const lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"];
    for (let level = 1; level <= 9; level++)
      lines.push(
        `a${level}: &a${level} [${Array(3)
          .fill(`*a${level - 1}`)
          .join(",")}]`,
      );
    const { problems } = parseYaml(lines.join("\n"), "f.yaml");
    expect(problems.map(({ code }) => code)).toEqual(["LK2002"]);
    expect(problems[0]?.message).toContain("10000");
  });

  test.each([
    ["NUL", bytes(97, 0, 98)],
    ["not UTF-8", bytes(0xc3, 0x28)],
    ["Latin-1", bytes(97, 58, 32, 0xe9)],
    ["UTF-16 little endian", bytes(0xff, 0xfe, 97, 0)],
    ["UTF-16 big endian", bytes(0xfe, 0xff, 0, 97)],
    ["UTF-32", bytes(0xff, 0xfe, 0, 0, 97, 0, 0, 0)],
    ["too large", new Uint8Array(65_537).fill(32)],
  ])("%s", (_name, input) => {
    expect(places(parseYaml(input, "f.yaml").problems)).toEqual(["1:1 LK2003"]);
  });

  test("64 KiB exactly is read", () => {
    expect(parseYaml(new Uint8Array(65_536).fill(32), "f.yaml").problems).toEqual([]);
  });

  test("text from the file cannot drive a terminal through a message", () => {
    const { problems } = parseYaml('"\\e[31m\\u202e": 1\n"\\e[31m\\u202e": 2\n', "f.yaml");
    expect(problems[0]?.message).toMatch(/^[\x20-\x7e]*$/);
  });
});

describe("places", () => {
  const document = parseYaml(
    'spec:\r\n  tags: {"a/b": "x~y"}\r\n  list:\r\n    - one\r\n    - "two"\r\n  empty:\r\n',
    "f.yaml",
  );

  test.each([
    ["", 1, 1],
    ["/spec/tags", 2, 9],
    ["/spec/tags/a~1b", 2, 17],
    ["/spec/list/1", 5, 7],
    ["/spec/empty", 6, 3],
    ["/spec/missing/deeper", 2, 3],
  ])("value at %j", (pointer, line, column) => {
    expect(document.at(pointer)).toEqual({ line, column });
  });

  test("key", () => {
    expect(document.keyAt("/spec/tags/a~1b")).toEqual({ line: 2, column: 10 });
    expect(document.keyAt("/spec")).toEqual({ line: 1, column: 1 });
  });

  test("text as written", () => {
    expect(document.written("/spec/list/1")).toBe('"two"');
  });

  test("inside an alias: the alias", () => {
    expect(parseYaml("a: &x {b: 1}\nc: *x\n", "f.yaml").at("/c/b")).toEqual({ line: 2, column: 4 });
  });
});
