/** The project's Markdown as tests read it. */

import { readdirSync, readFileSync } from "node:fs";
import { packageFile } from "../../src/package-root.ts";

/** Every Markdown file of the project, by its path from the root. */
export const pages: readonly string[] = readdirSync(packageFile("."), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith(".md"))
  .map((entry) => `${entry.parentPath}/${entry.name}`.slice(packageFile(".").length).replace(/^\/+/, ""))
  .filter((path) => !/(^|\/)(node_modules|dist|coverage|\.git)\//.test(path))
  .sort();

export const page = (path: string): string => readFileSync(packageFile(path), "utf8");

/** What stands under a heading, up to the next one of the same or a higher rank. */
export function section(text: string, heading: string): string {
  const lines = text.split("\n");
  const start = lines.indexOf(heading);
  if (start < 0) throw new Error(`there is no heading ${heading}`);
  const rank = heading.indexOf(" ");
  const end = lines.findIndex((line, index) => index > start && /^#+ /.test(line) && line.indexOf(" ") <= rank);
  return lines.slice(start + 1, end < 0 ? undefined : end).join("\n");
}

export interface Block {
  /** What follows the opening fence: `yaml`, `console tour`. */
  readonly info: string;
  readonly text: string;
}

export const blocks = (text: string): readonly Block[] =>
  [...text.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)].map(([, info = "", body = ""]) => ({ info, text: body }));

export const withoutBlocks = (text: string): string => text.replaceAll(/^```[\s\S]*?^```$/gm, "");

/** The first table of a text: its rows, without head and rule, as trimmed cells. */
export function table(text: string): readonly (readonly string[])[] {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => line.startsWith("|"));
  const length = lines.slice(start).findIndex((line) => !line.startsWith("|"));
  return lines
    .slice(start, length < 0 ? undefined : start + length)
    .slice(2)
    .map((line) =>
      line
        .replace(/^\||\|$/g, "")
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );
}

/** What stands between backticks, in order. */
export const codes = (text: string): readonly string[] =>
  [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code);

/** The id that GitHub gives a heading. */
export const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(" ", "-");

export const anchors = (text: string): readonly string[] =>
  [...withoutBlocks(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => anchor(heading));
