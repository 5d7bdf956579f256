import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { COMMAND_FORMS, commandLines, parseCommand } from "../../src/core/comment-command.ts";

describe("commands in a comment", () => {
  it.each([
    ["alone", "/lab status", ["/lab status"]],
    ["among words", "Thanks!\n\n/lab retry team-a-test-01\n\nCheers", ["/lab retry team-a-test-01"]],
    ["with Windows line ends", "hello\r\n/lab help\r\n", ["/lab help"]],
    ["indented by up to three spaces", "   /lab help", ["/lab help"]],
    ["two of them", "/lab help\n/lab status", ["/lab help", "/lab status"]],
    ["bare", "/lab", ["/lab"]],
  ])("are found %s", (_, body, found) => expect(commandLines(body)).toEqual(found));

  it.each([
    ["a quote", "> /lab destroy team-a-test-01"],
    ["a quote within a quote", ">> /lab destroy team-a-test-01"],
    ["the lazy end of a quote", "> somebody wrote\n/lab destroy team-a-test-01"],
    ["a fence", "```\n/lab destroy team-a-test-01\n```"],
    ["a fence that is never closed", "~~~yaml\n/lab destroy team-a-test-01"],
    ["a fence that holds a shorter one", "````\n```\n/lab destroy team-a-test-01\n```\n````"],
    ["indented code", "    /lab destroy team-a-test-01"],
    ["code in a line", "`/lab destroy team-a-test-01`"],
    ["an HTML comment", "<!--\n/lab destroy team-a-test-01\n-->"],
    ["an HTML comment that is never closed", "<!-- \n/lab destroy team-a-test-01"],
    ["a fence inside of a list", "- ```\n  /lab destroy team-a-test-01\n  ```"],
    ["a fence inside of a numbered list", "1. ```\n   /lab destroy team-a-test-01\n   ```"],
    ["a fence that holds indented marks", "```\n    ```\n/lab destroy team-a-test-01\n```"],
    ["a quote inside of a list", "- > they said\n  /lab destroy team-a-test-01"],
    ["preformatted HTML", "<pre>\n/lab destroy team-a-test-01\n</pre>"],
    ["a quote in HTML", "<blockquote>\n\n/lab destroy team-a-test-01\n\n</blockquote>"],
    ["code in HTML that is never closed", "<code>\n/lab destroy team-a-test-01"],
    ["a span of code over lines", "as in `\n/lab destroy team-a-test-01\n`"],
    ["what stands below any HTML", "<pre>code</pre>\n/lab destroy team-a-test-01"],
    ["the middle of a line", "please /lab destroy team-a-test-01"],
    ["what has a control character", "/lab destroy team-a-test-01\u0000"],
    ["another word", "/labs destroy team-a-test-01"],
    ["a very long line", `/lab destroy team-a-test-01 ${"x".repeat(300)}`],
  ])("are not found in %s", (_, body) => expect(commandLines(body)).toEqual([]));

  it("are found again after a quote and a fence have ended", () => {
    expect(commandLines("> quoted\n\n/lab help")).toEqual(["/lab help"]);
    expect(commandLines("```\ncode\n```\n/lab help")).toEqual(["/lab help"]);
    expect(commandLines("- ```\n  code\n  ```\n/lab help")).toEqual(["/lab help"]);
    expect(commandLines("```\n<pre>\n```\n/lab help")).toEqual(["/lab help"]);
    expect(commandLines("it's `one` and\n/lab help")).toEqual(["/lab help"]);
  });

  it.each([
    ["/lab", { verb: "help" }],
    ["/lab help", { verb: "help" }],
    ["/lab status", { verb: "status", lab: null }],
    ["/lab\tstatus  team-a-test-01", { verb: "status", lab: "team-a-test-01" }],
    ["/lab retry team-a-test-01", { verb: "retry", lab: "team-a-test-01" }],
    ["/lab cancel team-a-test-01", { verb: "cancel", lab: "team-a-test-01" }],
    ["/lab destroy team-a-test-01", { verb: "destroy", lab: "team-a-test-01" }],
    ["/lab extend team-a-test-01 8h", { verb: "extend", lab: "team-a-test-01", hours: 8 }],
    ["/lab extend team-a-test-01 2d", { verb: "extend", lab: "team-a-test-01", hours: 48 }],
    ["/lab approve hold-0123456789", { verb: "approve", hold: "hold-0123456789" }],
  ])("%s is read", (line, command) => expect(parseCommand(line)).toEqual(command));

  it.each([
    "/lab extend team-a-test-01",
    "/lab extend team-a-test-01 8",
    "/lab extend team-a-test-01 -8h",
    "/lab extend team-a-test-01 0h",
    "/lab extend team-a-test-01 9999h",
    "/lab extend team-a-test-01 8h 9h",
    "/lab retry",
    "/lab retry ../../etc/passwd",
    "/lab retry Team-A",
    "/lab approve 0123456789",
    "/lab approve hold-0123456789 hold-0123456780",
    "/lab status a b",
    "/lab constructor",
    "/lab __proto__",
    "/lab rm -rf /",
  ])("%s is refused with its form", (line) =>
    expect(parseCommand(line)).toEqual({ verb: "refused", message: expect.stringContaining("/lab") }),
  );

  it("every form that help shows can be read", () => {
    const examples = COMMAND_FORMS.map((form) =>
      form.replace(/\[?NAME\]?/, "team-a-test-01").replace("HOLD", "hold-0123456789"),
    );
    expect(examples.map((line) => parseCommand(line).verb)).toEqual(expect.not.arrayContaining(["refused"]));
    expect(examples.length).toBe(7);
  });

  it("no comment makes reading throw, and nothing quoted or fenced ever asks for something", () => {
    const line = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("/lab destroy a", "```", "~~~~", "> q", "<!--", "-->", "", "    x"),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
        const body = lines.join("\n");
        for (const found of commandLines(body)) {
          expect(found.startsWith("/lab")).toBe(true);
          expect(parseCommand(found).verb).toBeTypeOf("string");
        }
        const quoted = lines.map((each) => `> ${each.replace(/[\r\n]/g, " ")}`).join("\n");
        expect(commandLines(quoted)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
