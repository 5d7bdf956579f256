import fc from "fast-check";
import { expect, test } from "vitest";
import { validationGithub } from "../../src/cli/views/validation.ts";
import type { Problem } from "../../src/core/types.ts";

const problem: Problem = {
  path: "labs/team-a/one.yaml",
  line: 1,
  column: 2,
  code: "LK2004",
  message: "message",
  remedy: "remedy",
};

const shown = (changes: Partial<Problem>, folder = ""): string =>
  validationGithub({ files: 1, problems: [{ ...problem, ...changes }] }, folder);

test("what a terminal takes for a command shows as its code", () => {
  const text = "a\u001b[2Jb\u009b\u007fc\u202e\u0000";
  const code = "a\\u{1b}[2Jb\\u{9b}\\u{7f}c\\u{202e}\\u{0}";
  const [annotation = ""] = shown({ path: `labs/${text}.yaml`, message: text, remedy: text }).split("\n");
  expect(annotation).toBe(`::error file=labs/${code}.yaml,line=1,col=2,title=LK2004::${code} → ${code}`);
});

test("line breaks, percent signs, colons and commas are GitHub's own escapes", () => {
  expect(shown({ path: "a\r\n%:,", message: "a\r\n%:," }).split("\n")[0]).toBe(
    "::error file=a%0D%0A%25%3A%2C,line=1,col=2,title=LK2004::a%0D%0A%25:, → remedy",
  );
});

test("whatever a file holds: one line for each problem, nothing raw in it and three separators of properties", () => {
  const part = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("\u001b[31m", "\n::warning::x", "\r", "\u0085", ","),
  );
  const text = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, text, text, text, (folder, path, message, remedy) => {
      const lines = shown({ path, message, remedy }, folder).split("\n");
      expect(lines).toHaveLength(2);
      for (const line of lines) expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      expect(lines[0]).toMatch(/^::error file=[^:,]*,line=1,col=2,title=LK2004::/);
    }),
  );
});
