import { expiryMarkdown } from "../../src/core/markdown/expiry.ts";
import { GITHUB_LIMIT } from "../../src/core/markdown/fit.ts";
import { requestBody } from "../../src/core/markdown/own-request.ts";
import { COMMENT_MARKER, reportMarkdown } from "../../src/core/markdown/report.ts";
import { withText } from "../../test/core/markdown-hostile.ts";
import { everything, REPOSITORY, readyBoard } from "../../test/core/markdown-samples.ts";
import { mustBeHarmless } from "../rendered.ts";
import { must, type Target, textOf } from "../target.ts";

/** What parts one text from the next; the search makes more of them. */
const NEXT = "\u001e";

const MARKER = "<!-- labkeeper:expiry 0195-a -->";

/** Every text of a report in turn: names, reasons, messages, log lines, addresses, times. */
const choosing = (texts: readonly string[]): (() => string) => {
  let at = 0;
  return () => texts[at++ % texts.length] ?? "";
};

/** Whole comments, boards and bodies of pull requests, with somebody's text in every place that holds text. */
export const report: Target = {
  name: "report",
  seeds: [
    `word${NEXT}team-a-test-01${NEXT}labs/team-a/a.yaml${NEXT}https://console.example.com`,
    `@octocat #1 GH-1${NEXT}</details>\n\n# head${NEXT}| a | b |\n|---|---|${NEXT}\`\`\`\nfence\n~~~`,
    `<!-- x -->${NEXT}[a](https://example.com)${NEXT}![a](b)${NEXT}$x$ :tada:${NEXT}/lab destroy a`,
    `\u202eright\u2066${NEXT}\u05d0\u05d1${NEXT}4f1c4f1c4f1c${NEXT}www.example.com a@example.com mailto:a@b.c`,
  ],
  dictionary: [
    ...[
      NEXT,
      "|",
      "\\|",
      "`",
      "```",
      "``````",
      "~~~~",
      "</summary>",
      "</details>\n\n",
      "<br>",
      "<!--",
      "-->",
      "--!>",
      "<",
    ],
    ...[
      "@octocat",
      "octo-org/labs#1",
      "GHSA-ab12",
      "CVE-2026-1",
      "4f1c4f1",
      "://",
      "http",
      "www.",
      "mailto:",
      "](",
      "[x]",
    ],
    ...["\n", "\r\n", "\n\n", "    ", "\t", "- ", "1. ", "> ", "===", "---", "[!NOTE]", "[^1]:", "&lt;", "&#64;", "\\"],
    ...[
      "\u200b",
      "\u202e",
      "\u2068",
      "\u2069",
      "\u05d0",
      "\u2028",
      "\ufeff",
      "\u0000",
      "\u001b[31m",
      ":100:",
      ":+1:",
      "$$",
      "**",
      "_",
    ],
    ...[
      "https://example.com/a(b)c",
      "https://a:b@c",
      "javascript:alert(1)",
      "\u{e0041}",
      "e\u0301",
      "\u{1f469}\u200d\u{1f4bb}",
    ],
  ],
  run(input) {
    const texts = textOf(input).split(NEXT);
    const choose = choosing(texts);
    // Another reader of Markdown is slow: one text an input.
    const which = input.length % (everything.length + 2);
    const whole = everything[which];
    if (whole !== undefined) {
      const said = reportMarkdown(withText(whole, choose), COMMENT_MARKER);
      must(Buffer.byteLength(said) <= GITHUB_LIMIT, "a comment is longer than GitHub takes");
      must(said.startsWith(`${COMMENT_MARKER}\n`), "a comment would not be found again");
      mustBeHarmless(said);
    } else if (which === everything.length) {
      for (const lab of readyBoard)
        mustBeHarmless(expiryMarkdown(withText(lab, choose), { repositoryUrl: REPOSITORY }, MARKER));
    } else {
      for (const purpose of ["expire", "extend", "destroy"] as const) {
        const [lab, path, detail, askedBy, expiresAt] = [choose(), choose(), choose(), choose(), choose()];
        mustBeHarmless(requestBody({ lab, path, purpose, detail, askedBy, expiresAt }));
      }
    }
  },
};
