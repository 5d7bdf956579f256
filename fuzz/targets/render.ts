import { validationGithub } from "../../src/cli/views/validation.ts";
import { escapeMarkdown, escapeTerminal, shownValue } from "../../src/core/render-escape.ts";
import { must, mustBeShowable, type Target, textOf } from "../target.ts";

/** What Markdown, HTML and GitHub's own text filters would read as more than text. */
const ACTS_IN_MARKDOWN: readonly (readonly [RegExp, string])[] = [
  [/[<>|`\\[\]*_~(){}!^$"']/, "structure"],
  [/&(?!#\d{1,6};)/, "an entity of its own"],
  [/@[\w-]/, "a mention"],
  [/#(?!\d{1,6};)\w/, "a reference"],
  [/\bgh-\d/i, "a reference"],
  [/:\/\/|\bwww\./i, "an address"],
  [/(?:mailto|xmpp):/i, "an address"],
  [/^ *(?:[-+=]|\d+[.)])/, "a list or a heading"],
  [/:(?:\d*[a-z+-][\w+-]*|100|1234):/, "an emoji"],
  [/[\r\n\p{Cc}\p{Zl}\p{Zp}]/u, "a line break or a control character"],
];

/** Text from a catalog in a comment, a terminal and a workflow's log: shown, never acting. */
export const render: Target = {
  name: "render",
  seeds: [
    "team-a-test-01",
    "@octocat please see #12, GH-12 and https://example.com/a_b or www.example.com",
    "<!-- x --><b onclick='a'>&amp;</b> `code` **bold** ~~no~~ [a](b) ![c](d) | cell |",
    "- item\n1. item\n# head\n```\nfence\n```\n$x$ :tada: a@example.com mailto:a@b.c",
    "\u001b[31mred\u001b[0m \u202eback \u200b \u2028 ::error file=a,line=1::x%0A",
  ],
  dictionary: [
    ...[
      "<",
      ">",
      "|",
      "`",
      "```",
      "~~~",
      "@",
      "#",
      "#1",
      "GH-1",
      "://",
      "www.",
      "mailto:",
      "xmpp:",
      "](",
      "![",
      "<!--",
    ],
    ...[
      "-->",
      "&lt;",
      "&#60;",
      "\\",
      "$",
      ":tada:",
      ":100:",
      ":8ball:",
      "\r\n",
      "\u2028",
      "\u0085",
      "\u202e",
      "\u200b",
      "\u001b[",
      "::",
    ],
    ...["%0A", "%25", "::set-output ", "::add-mask::", "- ", "1. ", "=== ", "\ufeff", "\u{e0001}"],
  ],
  run(input) {
    const text = textOf(input);
    const markdown = escapeMarkdown(text);
    // References stand for characters; what they are made of is ours. Filters read what they stand for.
    for (const [pattern, what] of ACTS_IN_MARKDOWN) must(!pattern.test(markdown), `Markdown is left with ${what}`);
    mustBeShowable(escapeTerminal(text), "what a terminal is told");
    must(escapeMarkdown(shownValue(text)).length < 1_500, "a value is shown without end");
    const problem = { path: text, line: 1, column: 1, code: "LK2001", message: text, remedy: text };
    const lines = validationGithub({ files: 1, problems: [problem] }, text).split("\n");
    must(lines.length === 2, "a workflow command has more than its own lines");
    for (const line of lines) mustBeShowable(line, "a workflow command");
    must(
      /^::error file=[^:,]*,line=1,col=1,title=LK2001::/.test(lines[0] ?? ""),
      "a property of a workflow command ends early",
    );
  },
};
