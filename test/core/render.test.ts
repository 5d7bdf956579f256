import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { guard } from "../../src/core/guard.ts";
import { makePlan } from "../../src/core/plan.ts";
import { escapeMarkdown, escapeTerminal } from "../../src/core/render-escape.ts";
import { planToJson } from "../../src/core/render-json.ts";
import { planMarkdown } from "../../src/core/render-markdown.ts";
import { NO_COLOURS, planText } from "../../src/core/render-text.ts";
import { COMMIT, compared, factsOf, fileOf, inputOf, labOf, NOW, PREVIOUS, policyOf, refusedFile } from "./builders.ts";
import { htmlOf, tagsOf } from "./markdown-html.ts";

const plan = guard(
  makePlan(
    inputOf(
      [
        compared("fresh", null, [fileOf("fresh", { spec: { ttlHours: 10 } })]),
        compared("longer-name", labOf("longer-name"), [fileOf("longer-name", { spec: { ttlHours: 48 } })]),
        compared("newer", labOf("newer"), [fileOf("newer", { spec: { version: "4.21.0" } })]),
        compared("away", labOf("away"), []),
        compared("bad", labOf("bad"), [refusedFile("bad")]),
      ],
      { unchanged: 12 },
    ),
  ),
  factsOf(),
  policyOf(),
  NOW,
);

describe("as text", () => {
  it("aligns, explains, and says how to release", () => {
    const hold = plan.changes.find(({ lab }) => lab === "newer")?.held?.hold;
    expect(planText(plan)).toBe(`Commit cccccccccccc, after aaaaaaaaaaaa

    -  away         its file was removed
    +  fresh        the catalog has it and no such lab exists
        profile standard, 4.20.3, us-east-1, labs.example.com, 3 workers, 10 h, about $1.20/h and $12.00 in all
    ~  longer-name  the file changes spec.ttlHours
        spec.ttlHours: 24 → 48
  -/+  newer        spec.version cannot change in place: the lab is destroyed and created again
        spec.version: "4.20.3" → "4.21.0"
        held by immutable-change: spec.version cannot change in place: the lab would be destroyed and created again
        → Approve the replacement, or undo the edit and add a lab under another name.
        → labkeeper approve ${hold}

Problems
  labs/red/bad.yaml:3:5  LK2004 it is broken
        → mend it

Plan: 1 to create, 2 to update, 1 to destroy, 13 unchanged, 1 held, 1 problem.`);
  });

  it("shows what is kept when asked", () => {
    expect(planText(plan)).not.toContain("=  bad");
    expect(planText(plan, NO_COLOURS, { all: true })).toContain("=  bad ");
  });

  it("paints with the colours it is given", () => {
    expect(planText(plan, { ...NO_COLOURS, red: (text) => `<${text}>` })).toContain("<  -  away       >");
  });

  it("cannot be made to move the cursor", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(escapeTerminal(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
    expect(escapeTerminal("\u001b[31mred\u202e")).toBe("\\u{1b}[31mred\\u{202e}");
  });
});

describe("as JSON", () => {
  it("has the shape that other programs read", () => {
    expect(planToJson(plan, { all: false })).toMatchObject({
      apiVersion: "labkeeper.dev/v1",
      kind: "Plan",
      commit: COMMIT,
      previousCommit: PREVIOUS,
      hash: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      summary: { create: 1, update: 2, destroy: 1, keep: 13, held: 1, problems: 1 },
      problems: [
        { path: "labs/red/bad.yaml", line: 3, column: 5, code: "LK2004", message: "it is broken", remedy: "mend it" },
      ],
    });
    expect(planToJson(plan, { all: false })["changes"]).toEqual(
      expect.arrayContaining([
        {
          lab: "longer-name",
          team: "red",
          action: "update",
          reason: "the file changes spec.ttlHours",
          fields: [{ path: "spec.ttlHours", before: 24, after: 48 }],
          held: null,
          source: { path: "labs/red/longer-name.yaml", commit: COMMIT, pullRequest: null },
        },
      ]),
    );
  });

  it("marks a replacement and its hold", () => {
    const changes = planToJson(plan, { all: false })["changes"];
    expect(changes).toContainEqual(
      expect.objectContaining({
        lab: "newer",
        replace: true,
        held: expect.objectContaining({ guard: "immutable-change", hold: expect.stringMatching(/^hold-/) }),
      }),
    );
  });

  it("leaves out what is kept, unless all is asked", () => {
    const labs = (all: boolean) => JSON.stringify(planToJson(plan, { all })["changes"]);
    expect(labs(false)).not.toContain('"bad"');
    expect(labs(true)).toContain('"bad"');
  });
});

describe("as Markdown", () => {
  const nasty = fc.oneof(
    fc.string({ unit: "binary" }),
    fc
      .array(
        fc.constantFrom(
          "<",
          ">",
          "|",
          "\\",
          "`",
          "@",
          "octocat",
          "\n",
          "\r\n",
          "#12",
          "[a](b)",
          "http://x",
          "www.",
          "**",
          "&lt;",
          "- ",
          "1. ",
          "\u2028",
          "\u200b",
          "<!--",
          "~~~",
          " ",
          "GH-1",
          "$x$",
          "a@b.c",
        ),
        { maxLength: 12 },
      )
      .map((parts) => parts.join("")),
  );

  it("escapes everything that could act", () => {
    fc.assert(
      fc.property(nasty, (text) => {
        const escaped = escapeMarkdown(text);
        expect(escaped).not.toMatch(/[<>|`\\[\]*_~(){}!^$"'\p{Cc}\u2028\u2029\u202e]/u);
        expect(escaped).not.toMatch(/@\w/);
        expect(escaped).not.toMatch(/&(?!#\d+;)/);
        expect(escaped.replaceAll(/&#\d+;/g, "")).not.toContain("#\u0031");
        expect(escaped).not.toMatch(/:\/\/|www\.|gh-\d/i);
        expect(escaped).not.toMatch(/^ *([-+=]|\d+[.)])/);
      }),
      { numRuns: 500 },
    );
  });

  it("still reads as the text it was", () => {
    const decode = (text: string): string =>
      text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code))).replaceAll("\u200b", "");
    fc.assert(
      fc.property(fc.string({ unit: "grapheme-ascii" }), (text) => {
        expect(decode(escapeMarkdown(text))).toBe(text.replace(/\s+/g, " "));
      }),
    );
  });

  it("is a table with one line a change", () => {
    const text = planMarkdown(plan);
    expect(text.split("\n")[0]).toBe(
      "### Plan: 1 to create, 2 to update, 1 to destroy, 13 unchanged, 1 held, 1 problem.",
    );
    expect(text.split("\n").filter((line) => line.startsWith("| `"))).toHaveLength(4);
    expect(text).toContain("| `-/+` replace | **newer**<br>red<br>`labs/red/newer.yaml` |");
  });

  it("keeps its shape whatever the catalog says", () => {
    fc.assert(
      fc.property(nasty, nasty, nasty, (owner, path, message) => {
        const broken = refusedFile("bad");
        const problems = broken.problems.map((problem) => ({ ...problem, path, message }));
        const made = makePlan(
          inputOf([
            compared("one", labOf("one"), [
              fileOf("one", { metadata: { owner }, spec: { tags: { [path]: message } } }, path),
            ]),
            compared("bad", labOf("bad"), [{ ...broken, problems }]),
          ]),
        );
        const lines = planMarkdown(made).trimEnd().split("\n");
        expect(lines).toHaveLength(13);
        const rows = lines.filter((line) => line.startsWith("|"));
        expect(rows.map((line) => line.split("|").length - 2)).toEqual([3, 3, 3, 2, 2, 2]);
        const tags = tagsOf(htmlOf(lines.join("\n")));
        expect(
          tags.filter((tag) => !/^<\/?(?:h3|h4|p|sub|code|strong|br|table|thead|tbody|tr|th|td)>$/.test(tag)),
        ).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});
