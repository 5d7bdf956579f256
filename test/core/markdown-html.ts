/** Markdown as GitHub would show it: CommonMark with GitHub's extensions, HTML let through, before its own filters. */

import { micromark } from "micromark";
import { gfm, gfmHtml } from "micromark-extension-gfm";

export const htmlOf = (markdown: string): string =>
  micromark(markdown, { allowDangerousHtml: true, extensions: [gfm()], htmlExtensions: [gfmHtml()] });

export const tagsOf = (html: string): string[] => html.match(/<!--[\s\S]*?-->|<[^>]*>/g) ?? [];

const NAMED: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"' };

export const decoded = (html: string): string =>
  html.replace(/&(?:#(\d+)|(lt|gt|amp|quot));/g, (_, code: string | undefined, name: string | undefined) =>
    code === undefined ? (NAMED[name ?? ""] ?? "") : String.fromCodePoint(Number(code)),
  );

/** What GitHub looks at for mentions, references, emoji and addresses: text outside code and links. */
export const proseOf = (html: string): string =>
  decoded(
    html
      .replace(/<!--[\s\S]*?-->/g, "")
      .replace(/<(code|pre|a)\b[^>]*>[\s\S]*?<\/\1>/g, "")
      .replace(/<[^>]*>/g, "\n"),
  );

export const hrefsOf = (html: string): string[] =>
  [...html.matchAll(/<a href="([^"]*)">/g)].map(([, href = ""]) => decoded(href));

/** Marks that keep text from acting are not seen. */
export const seen = (text: string): string => text.replace(/[\u200b\u2068\u2069]/g, "");
