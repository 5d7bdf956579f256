import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkDraft } from "../../src/core/markdown/check.ts";
import { code, fence } from "../../src/core/markdown/code.ts";
import { expiryMarkdown } from "../../src/core/markdown/expiry.ts";
import { alert, fold } from "../../src/core/markdown/fold.ts";
import { fileUrl, link, safeUrl } from "../../src/core/markdown/link.ts";
import { requestBody, requestTitle } from "../../src/core/markdown/own-request.ts";
import { COMMENT_MARKER, reportMarkdown } from "../../src/core/markdown/report.ts";
import { statusLine } from "../../src/core/markdown/status.ts";
import { table } from "../../src/core/markdown/table.ts";
import { bold, heading, list, type Markdown, md, sourceOf } from "../../src/core/markdown/text.ts";
import { ADDRESSES, everyPiece, hostile, withText } from "./markdown-hostile.ts";
import { decoded, hrefsOf, htmlOf, proseOf, seen, tagsOf } from "./markdown-html.ts";
import { everything, HEAD, REPOSITORY, readyBoard, workingBoard } from "./markdown-samples.ts";

/** GitHub's filters over what is rendered: each would make a link, a mention or a picture of what it finds. */
const ACTING: readonly RegExp[] = [
  /@[a-z0-9]/i,
  /#\d/,
  /\b(?:GH|GHSA|CVE)-\w/i,
  /(?<![0-9a-z])[0-9a-f]{7,40}(?![0-9a-z])/i,
  /:(?!\d+:)[\w+-]+:/,
  /:(?:100|1234):/,
  /:\/\//,
  /www\./i,
  /(?:mailto|xmpp):/i,
];

const expectHarmless = (html: string): void => {
  const prose = proseOf(html);
  for (const acting of ACTING) expect(prose).not.toMatch(acting);
  // Nothing unseen but the marks that keep text from acting, and those in pairs.
  expect(prose.replace(/[\u200b\u2068\u2069]/g, "")).not.toMatch(/\p{Cf}/u);
  expect(prose.match(/\u2068/g)?.length).toBe(prose.match(/\u2069/g)?.length);
  expect(html.isWellFormed()).toBe(true);
};

const OWN_TAGS =
  /^<\/?(?:p|br|strong|h[34]|ul|li|table|thead|tbody|tr|th|td|blockquote|details|summary|sub|code|pre|a)(?: \/)?>$|^<code class="language-text">$|^<a href="[^"<>]*">$|^<!-- labkeeper:[\w:. -]*[\w:.] -->$/;

const expectOwnTags = (html: string): void => {
  expect(tagsOf(html).filter((tag) => !OWN_TAGS.test(tag))).toEqual([]);
};

const normal = (value: string): string =>
  value
    .toWellFormed()
    .replace(/\s+/g, " ")
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "")
    .trim();

/** Where a text may stand, and the element in which it is then found. */
const PLACES: readonly (readonly [name: string, put: (value: string) => Markdown])[] = [
  ["a paragraph", (value) => md`${value}`],
  ["the middle of a line", (value) => md`before ${value} after`],
  ["bold text", (value) => bold(value)],
  ["bold text before more", (value) => md`${bold(value)}: more`],
  ["a heading", (value) => heading(3, md`${value}`)],
  ["a list", (value) => list([md`${value}`, md`${bold(value)} (${value})`])],
  ["a table", (value) => table(["A", "B"], [[md`${value}`, md`x<br>${value}`]])],
  ["code", (value) => md`before ${code(value)} after`],
  ["code in a table", (value) => table(["A"], [[code(value)]])],
  ["a summary", (value) => fold(value, md`body`)],
  ["a fold", (value) => fold("x", md`${value}`)],
  ["an alert", (value) => alert("CAUTION", md`${value}`)],
  ["a link", (value) => link(md`${value}`, REPOSITORY)],
];

describe.each(PLACES)("text in %s", (name, put) => {
  const check = (value: string): void => {
    fc.pre(normal(value) !== "");
    const html = htmlOf(sourceOf(put(value)));
    // The same elements as around a word: none of them came from the text.
    expect(tagsOf(html)).toEqual(tagsOf(htmlOf(sourceOf(put("word")))));
    expectHarmless(html);
    const shown = seen(decoded(html.replace(/<[^>]*>/g, "\n")));
    const expected = name.startsWith("code") ? value.toWellFormed().replace(/\s+/g, " ").trim() : normal(value);
    expect(normal(shown).replaceAll(" ", "")).toContain(normal(expected).replaceAll(" ", ""));
  };

  it("reads as itself and makes no element", () => {
    fc.assert(fc.property(hostile, check), { numRuns: 150 });
  });

  it("whichever dangerous piece it is", () => {
    for (const piece of everyPiece.filter((each) => normal(each) !== ""))
      for (const value of [piece, `word ${piece}`, `word${piece}word`]) check(value);
  });
});

describe("a line", () => {
  it("never begins with what makes the line above it a heading or a table, or itself a list", () => {
    for (const start of ["---", "===", ":-:", ":---", "- a", "+ a", "1. a", "12) a"]) {
      const html = htmlOf(`head\n${sourceOf(md`${start}`)}`);
      expect(tagsOf(html)).toEqual(["<p>", "</p>"]);
      // One column needs no pipe to be a table at GitHub.
      expect(sourceOf(md`${start}`)).toMatch(/^\u200b/);
    }
  });

  it("of nothing has no marks around it, which would be a rule", () => {
    for (const nothing of ["", " ", "\u0000", "\u200b"]) {
      expect(sourceOf(bold(nothing)).replaceAll("\u200b", "")).toBe("");
      expect(sourceOf(code(nothing)).replaceAll("\u200b", "")).toMatch(/^(?:<code><\/code>)?$/);
    }
  });

  it("of a table is one row, whatever is in its cells", () => {
    const html = htmlOf(sourceOf(table(["A", "B"], [[fence(["one", "two"]), list([md`three`, md`four`])]])));
    expect(html.match(/<tr>/g)).toHaveLength(2);
    expect(html).toContain("four");
  });
});

describe("a block of code", () => {
  it("is closed by no piece alone on a line", () => {
    for (const piece of everyPiece) {
      const html = htmlOf(sourceOf(fold("log", fence([piece, "word", `  ${piece}`]))));
      expect(tagsOf(html)).toEqual(tagsOf(htmlOf(sourceOf(fold("log", fence(["word"]))))));
      expect(html.isWellFormed()).toBe(true);
    }
  });

  it("is closed by nothing in it", () => {
    fc.assert(
      fc.property(fc.array(hostile, { minLength: 1, maxLength: 5 }), (lines) => {
        const html = htmlOf(sourceOf(fold("log", fence(lines))));
        expect(tagsOf(html)).toEqual(tagsOf(htmlOf(sourceOf(fold("log", fence(["word"]))))));
      }),
      { numRuns: 200 },
    );
  });
});

describe("an address", () => {
  const BASE = /^https:\/\/github\.com\/octo-org\/labs\/blob\/[0-9a-f]{40}\/[^?]*$/;

  it("of a file leads into the repository, whatever the path", () => {
    fc.assert(
      fc.property(hostile, hostile, fc.integer({ min: 1, max: 99 }), (one, two, line) => {
        const url = fileUrl(REPOSITORY, HEAD, `labs/${one}/${two}.yaml`, line);
        if (url === null) return;
        expect(url).toMatch(BASE);
        expect(new URL(url).pathname.startsWith(`/octo-org/labs/blob/${HEAD}/labs/`)).toBe(true);
        expect(new URL(url).hash).toBe(`#L${line}`);
        expect(hrefsOf(htmlOf(sourceOf(link("file", url))))).toEqual([url]);
      }),
      { numRuns: 300 },
    );
    expect(fileUrl(REPOSITORY, HEAD, "labs/a/b.yaml", 3)).toBe(`${REPOSITORY}/blob/${HEAD}/labs/a/b.yaml#L3`);
    expect(fileUrl(REPOSITORY, HEAD, "labs/../../../x")).toBeNull();
    expect(fileUrl(REPOSITORY, "main", "labs/a/b.yaml")).toBeNull();
  });

  it("is https and nothing else", () => {
    expect(safeUrl("https://console.example.com:8443/a b?x=(1)&y=[2]")).toBe(
      "https://console.example.com:8443/a%20b?x=%281%29&y=%5B2%5D",
    );
    for (const refused of [
      "http://example.com",
      "javascript:alert(1)",
      "data:text/html,x",
      "https://user:password@example.com",
      "https://user@example.com",
      "https://:password@example.com",
      "https://[::1]/",
      "//example.com",
      "example.com",
      "",
      7,
      null,
      `https://example.com/${"a".repeat(3_000)}`,
    ])
      expect(safeUrl(refused)).toBeNull();
  });

  it("keeps what looks like a character reference", () => {
    const url = "https://example.com/?a=1&copy=2&lt;b&#62;";
    expect(hrefsOf(htmlOf(sourceOf(link("label", url))))).toEqual([url]);
  });

  it("of any kind is one link or none", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          hostile,
          hostile.map((tail) => `https://example.com/${tail}`),
          fc.webUrl(),
        ),
        (url) => {
          const html = htmlOf(sourceOf(table(["A"], [[link("label", url)]])));
          expectOwnTags(html);
          expect(hrefsOf(html).filter((href) => !href.startsWith("https://"))).toEqual([]);
          expect(hrefsOf(html).length).toBeLessThanOrEqual(1);
          expect(html).toContain("label");
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe.each(everything.map((report) => [report.pullRequest.state, report] as const))(
  "a pull request that is %s",
  (_, report) => {
    const withoutLinks = (html: string): string[] => tagsOf(html).filter((tag) => !/^<\/?a\b/.test(tag));

    it("has the same elements whatever anybody wrote anywhere", () => {
      const usual = withoutLinks(
        htmlOf(
          reportMarkdown(
            withText(report, () => "word", ADDRESSES),
            COMMENT_MARKER,
          ),
        ),
      );
      fc.assert(
        fc.property(
          fc.infiniteStream(hostile.filter((value) => normal(value) !== "" && !/[\r\n]/.test(value))),
          (texts) => {
            const html = htmlOf(
              reportMarkdown(
                withText(report, () => texts.next().value ?? "word", ADDRESSES),
                COMMENT_MARKER,
              ),
            );
            expect(withoutLinks(html)).toEqual(usual);
            expectHarmless(html);
          },
        ),
        { numRuns: 40 },
      );
    });

    it("has elements of its own alone, with empty, long and broken text too", () => {
      const odd = fc.oneof(hostile, fc.constant(""), fc.constant("\u200b"), fc.constant("x".repeat(5_000)));
      fc.assert(
        fc.property(fc.infiniteStream(odd), (texts) => {
          const html = htmlOf(
            reportMarkdown(
              withText(report, () => texts.next().value ?? ""),
              COMMENT_MARKER,
            ),
          );
          expectOwnTags(html);
          expectHarmless(html);
          for (const href of hrefsOf(html)) expect(href).toMatch(/^https:\/\//);
        }),
        { numRuns: 60 },
      );
    });
  },
);

describe("what else is said", () => {
  it("makes no element either", () => {
    const [lab, other] = [readyBoard[1], workingBoard[2]];
    if (lab === undefined || other === undefined) throw new Error("no labs");
    fc.assert(
      fc.property(fc.infiniteStream(hostile), (texts) => {
        const choose = (): string => texts.next().value ?? "";
        const said = [
          expiryMarkdown(withText(lab, choose), { repositoryUrl: REPOSITORY }, "<!-- labkeeper:expiry 0195-a -->"),
          ...(["expire", "extend", "destroy"] as const).map((purpose) =>
            requestBody({
              lab: choose(),
              path: choose(),
              purpose,
              detail: choose(),
              askedBy: choose(),
              expiresAt: choose(),
            }),
          ),
        ];
        for (const markdown of said) {
          const html = htmlOf(markdown);
          expectOwnTags(html);
          expectHarmless(html);
        }
        const title = requestTitle({
          lab: choose(),
          path: "",
          purpose: "destroy",
          detail: "",
          askedBy: "",
          expiresAt: null,
        });
        expect(title).not.toMatch(/[\p{Cc}\p{Cf}@#`]/u);
        const { state, description } = statusLine(withText(other, choose));
        expect(state).toBe("pending");
        expect(description).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect(description.length).toBeLessThanOrEqual(140);
      }),
      { numRuns: 100 },
    );
  });

  it("is plain text in annotations", () => {
    const review = everything[0]?.review;
    if (!review) throw new Error("no review");
    fc.assert(
      fc.property(fc.infiniteStream(hostile), (texts) => {
        const draft = checkDraft(
          withText(review, () => texts.next().value ?? ""),
          REPOSITORY,
        );
        for (const { title, message, line } of draft.annotations) {
          expect(title.length).toBeLessThanOrEqual(255);
          expect(title).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
          expect(message.split("\n")).toHaveLength(2);
          expect(line).toBeGreaterThan(0);
        }
        expectOwnTags(htmlOf(draft.summary));
      }),
      { numRuns: 60 },
    );
  });
});
