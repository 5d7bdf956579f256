/** Markdown as GitHub reads it, by another reader than ours: what of it is an element, what is text, and what the text would do. */

import { decoded, htmlOf, proseOf } from "../test/core/markdown-html.ts";
import { must } from "./target.ts";

const TAG = /<!--[\s\S]*?(?:-->|$)|<[!?][^>]*>?|<(\/?)([a-z][\w-]*)(?:"[^"]*"|'[^']*'|[^'">])*>/gi;
const VOID = new Set(["area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"]);

/** The elements around the place where a text is shown; null when it is no text there: it is in a tag, a comment or gone. */
export function elementsAround(html: string, text: string): readonly string[] | null {
  const open: string[] = [];
  let from = 0;
  for (const match of html.matchAll(TAG)) {
    if (html.slice(from, match.index).includes(text)) return open;
    from = match.index + match[0].length;
    const name = match[2]?.toLowerCase();
    if (name === undefined || VOID.has(name)) continue;
    if (match[1] === "") open.push(name);
    else if (open.includes(name)) open.length = open.lastIndexOf(name);
  }
  return html.slice(from).includes(text) ? open : null;
}

export const rendered = htmlOf;

/** GitHub's filters over what is rendered: each would make a link, a mention or a picture of what it finds. */
const ACTING: readonly (readonly [RegExp, string])[] = [
  [/@[a-z0-9]/i, "a mention"],
  [/#\d/, "a reference"],
  [/\b(?:GH|GHSA|CVE)-\w/i, "a reference"],
  [/(?<![0-9a-z])[0-9a-f]{7,40}(?![0-9a-z])/i, "a commit"],
  [/:(?!\d+:)[\w+-]+:|:(?:100|1234):/, "an emoji"],
  [/:\/\/|www\.|(?:mailto|xmpp):/i, "an address"],
];

const OWN_TAG =
  /^<\/?(?:p|br|strong|h[34]|ul|li|table|thead|tbody|tr|th|td|blockquote|details|summary|sub|code|pre|a)(?: \/)?>$|^<code class="language-text">$|^<a href="https:\/\/[^"<>]*">$|^<!-- labkeeper:[\w:. -]*[\w:.] -->$/;

/** Has labkeeper's own elements alone, and no text that acts, hides or reorders what stands around it. */
export function mustBeHarmless(markdown: string): void {
  const html = htmlOf(markdown);
  for (const tag of html.match(/<!--[\s\S]*?-->|<[^>]*>/g) ?? [])
    must(OWN_TAG.test(tag), `a comment has an element of somebody else's: ${tag.slice(0, 60)}`);
  const prose = proseOf(html);
  for (const [pattern, what] of ACTING) must(!pattern.test(prose), `a comment has ${what}`);
  must(!/\p{Cf}/u.test(prose.replace(/[\u200b\u2068\u2069]/g, "")), "a comment has characters that hide or reorder");
  must(prose.split("\u2068").length === prose.split("\u2069").length, "an isolate is left open");
  must(html.isWellFormed() && !decoded(html).includes("\0"), "a comment has half a character");
}
