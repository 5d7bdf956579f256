import { escapeMarkdown, shortened } from "../render-escape.ts";
import { isEmpty, type Markdown, sourceOf, trusted } from "./text.ts";

const LONGEST_SUMMARY = 200;

/**
 * Blocks that are read on demand. The summary is text: its line is HTML, in which Markdown would not be read. The
 * empty lines end the HTML, so that the body is Markdown again.
 */
export const fold = (summary: string, body: Markdown): Markdown => {
  if (isEmpty(body)) return body;
  const title = escapeMarkdown(shortened(summary, LONGEST_SUMMARY));
  return trusted(`<details>\n<summary>${title}</summary>\n\n${sourceOf(body)}\n\n</details>`);
};

export type AlertKind = "NOTE" | "IMPORTANT" | "WARNING" | "CAUTION";

/** A block that stands out on GitHub, and reads as a quote where alerts are not known. Not for use inside a fold. */
export const alert = (kind: AlertKind, body: Markdown): Markdown =>
  trusted([`[!${kind}]`, ...sourceOf(body).split("\n")].map((line) => `> ${line}`.trimEnd()).join("\n"));
