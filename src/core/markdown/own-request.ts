/** What labkeeper's own pull requests say. */

import type { RequestPurpose } from "../pull-request.ts";
import { code } from "./code.ts";
import { blocks, bold, list, type Markdown, marked, md, small, text } from "./text.ts";
import { timeWords } from "./words.ts";

export interface RequestWords {
  readonly lab: string;
  readonly path: string;
  readonly purpose: RequestPurpose;
  /** Of an extension: the new `ttlHours`, as `48h`. */
  readonly detail: string;
  /** A login, or labkeeper itself. */
  readonly askedBy: string;
  /** ISO 8601; null when it is not what the request is about. */
  readonly expiresAt: string | null;
}

/** A name in a title, which is also the subject of a commit: mentions, references and code marks would act there. */
const harmless = (value: string): string => value.slice(0, 63).replace(/[^\w .-]/g, "");

/** `Expire orders`, `Extend orders to 48 h`, `Destroy orders`. */
export const requestTitle = ({ lab, purpose, detail }: RequestWords): string => {
  switch (purpose) {
    case "expire":
      return `Expire ${harmless(lab)}`;
    case "extend":
      return `Extend ${harmless(lab)} to ${hoursOf(detail)} h`;
    case "destroy":
      return `Destroy ${harmless(lab)}`;
  }
};

const hoursOf = (detail: string): string => harmless(detail).replace(/h$/, "");

/** Says who asked, what merging does and what happens otherwise. The marker names lab and purpose. */
export const requestBody = (words: RequestWords): string =>
  marked(
    `<!-- labkeeper:request ${words.purpose} ${words.lab.replace(/[^a-z0-9.-]+/gi, "_").replace(/-{2,}|-$|^$/g, "_")} -->`,
    blocks([
      opening(words),
      list(consequences(words)),
      small(md`Opened by labkeeper. It only proposes: whoever may change ${code(words.path)} decides.`),
    ]),
  );

const opening = ({ lab, purpose, detail, askedBy, expiresAt }: RequestWords): Markdown => {
  const name = bold(text(lab, 80));
  const who = bold(text(askedBy, 80));
  switch (purpose) {
    case "expire":
      return md`${name} expires${expiresAt === null ? "" : ` at ${timeWords(expiresAt)}`}. This removes its file.`;
    case "extend":
      return md`${who} asked for more time for ${name}. This sets ${code("spec.ttlHours")} to ${bold(hoursOf(detail))}, counted from when the lab was ready.`;
    case "destroy":
      return md`${who} asked that ${name} be destroyed. This removes its file.`;
  }
};

const consequences = ({ lab, purpose }: RequestWords): Markdown[] => {
  switch (purpose) {
    case "expire":
      return [
        md`${bold("Merged before")} it expires: the lab is destroyed at once.`,
        md`${bold("Left alone:")} the lab is destroyed on time, and merging this afterwards only tidies the file away.`,
        md`${bold("Longer:")} ${code(`/lab extend ${lab} 8h`)} in a comment, as far as the profile allows.`,
      ];
    case "extend":
      return [
        md`${bold("Merged before")} the lab expires: it lives longer.`,
        md`${bold("Left alone or closed:")} it expires when it did before.`,
      ];
    case "destroy":
      return [
        md`${bold("Merged:")} the lab is destroyed, after the deletion grace of its profile if there is one.`,
        md`${bold("Left alone or closed:")} nothing happens.`,
      ];
  }
};
