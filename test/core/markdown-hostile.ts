/** Text as the worst author of a pull request would choose it. */

import fc from "fast-check";

const PIECES = [
  "|",
  "\\|",
  "<",
  ">",
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<!--",
  "-->",
  "</details>",
  "</summary>",
  "<br>",
  "&lt;b&gt;",
  "&#60;i&#62;",
  "@octocat",
  "@octo-org/team",
  "octocat@4f1c4f1c4f1c4f1c4f1c4f1c4f1c4f1c4f1c4f1c",
  "#1",
  "# heading",
  "GH-1",
  "GHSA-abcd-efgh-ijkl",
  "CVE-2026-1234",
  "octo-org/labs#12",
  "octo-org/labs@4f1c4f1c",
  "4f1c4f1c4f1c4f1c4f1c4f1c4f1c4f1c4f1c4f1c",
  "4f1c4f1",
  "1234567",
  "http://example.com",
  "HTTPS://example.com/a?b=c#d",
  "ftp://example.com",
  "www.example.com",
  "WWW.example.com",
  "<https://example.com>",
  "a@example.com",
  "mailto:a@example.com",
  "xmpp:a@example.com/b",
  "javascript:alert(1)",
  "[a](https://example.com)",
  "[a][b]",
  "[b]: https://example.com",
  "![a](https://example.com/a.png)",
  "[^1]",
  "[^1]: note",
  "[ ] task",
  "[x]",
  "[!NOTE]",
  "`",
  "``",
  "```",
  "~~~",
  "~~gone~~",
  "**",
  "__",
  "_",
  "*",
  "$x^2$",
  "$$",
  "$`x`$",
  ":smile:",
  ":+1:",
  ":100:",
  ":1234:",
  "12:30:45",
  "::set-output name=a::b",
  "::error::",
  "\n",
  "\r\n",
  "\n\n",
  "\t",
  "    ",
  "\u2028",
  "\u0000",
  "\u001b[31m",
  "\u007f",
  "\u200b",
  "\u200d",
  "\u202e",
  "\u2066",
  "\ufeff",
  "\u{e0041}",
  "\ud800",
  "\u05d0\u05d1",
  "\u0627\u0644",
  "e\u0301",
  "\u{1f469}\u200d\u{1f4bb}",
  "---",
  "===",
  ":-:",
  "- a",
  "+ a",
  "1. a",
  "1) a",
  "> a",
  "/lab destroy team-a-orders",
  "a",
  "b c",
  " ",
  ".",
  ":",
  "/",
  "-",
];

/** Pieces that mean something somewhere, in any order, and anything else. */
export const hostile: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 8 }).map((all) => all.join("")),
  },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
);

/** Every piece alone, for whoever wants to see each of them once. */
export const everyPiece: readonly string[] = PIECES;

/** These are chosen from lists of our own, or are not text of the report. */
const OURS = ["state", "action", "kind", "change", "repositoryUrl", "headCommit", "baseCommit"];
/** Whether these are shown depends on whether they are addresses. */
export const ADDRESSES = ["consoleUrl", "apiUrl", "credentialsUrl", "commentUrl"];

/** The same value with every text in it replaced, whatever it stands for: names, times, addresses, codes. */
export const withText = <Value>(value: Value, choose: () => string, but: readonly string[] = []): Value =>
  replaced(value, choose, new Set([...OURS, ...but])) as Value;

const replaced = (value: unknown, choose: () => string, but: ReadonlySet<string>): unknown => {
  if (typeof value === "string") return choose();
  if (value === null || typeof value !== "object" || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map((each) => replaced(each, choose, but));
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, but.has(key) ? each : replaced(each, choose, but)]),
  );
};
