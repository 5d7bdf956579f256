/** The changes of a review, as a table. */

import type { Review, ReviewedChange } from "../pull-request.ts";
import { shownValue } from "../render-escape.ts";
import type { FieldChange, Json } from "../types.ts";
import { code } from "./code.ts";
import { andMore, type Part } from "./fit.ts";
import { fileUrl, link } from "./link.ts";
import { table } from "./table.ts";
import { blocks, bold, broken, EMPTY, inline, type Markdown, md, small, text } from "./text.ts";
import { money } from "./words.ts";

/** As Terraform marks them, because people know these marks. */
const SYMBOLS = { create: "+", update: "~", replace: "-/+", destroy: "-" } as const;

/** What takes something away is read first. */
const RANK = { destroy: 0, replace: 1, create: 2, update: 3 } as const;

const LONGEST_VALUE = 80;
const MOST_FIELDS = 6;

export const sortedChanges = (changes: readonly ReviewedChange[]): ReviewedChange[] =>
  [...changes].sort((a, b) => RANK[a.action] - RANK[b.action]);

/** A value as JSON says it; what is not there is not null to people. */
export const valueWords = (value: Json, most = LONGEST_VALUE): string =>
  value === null ? "not set" : shownValue(value, most);

export const fieldLine = ({ path, before, after }: FieldChange): Markdown =>
  md`${text(path, LONGEST_VALUE)}: ${valueWords(before)} → ${bold(valueWords(after))}`;

const fieldLines = (fields: readonly FieldChange[]): Markdown[] => {
  const rest = andMore(fields.length, Math.min(MOST_FIELDS, fields.length));
  return [...fields.slice(0, MOST_FIELDS).map(fieldLine), ...(rest === null ? [] : [md`${rest}`])];
};

const costLine = ({ action, cost }: ReviewedChange): Markdown =>
  action === "destroy" || cost.perDay === 0
    ? EMPTY
    : md`${money(cost.perDay)} a day, ${money(cost.untilExpiry)} from ready to expiry`;

const why = (change: ReviewedChange, brief: boolean): Markdown => {
  const { reason, order, warning, fields, held } = change;
  return broken([
    text(reason, brief ? 120 : 300),
    order === null || brief ? EMPTY : small(text(order)),
    ...(brief ? [] : fieldLines(fields)),
    costLine(change),
    warning === null || brief ? EMPTY : md`⚠️ ${warning}`,
    held === null ? EMPTY : md`⏸️ ${bold("held")} by ${code(held.guard)}`,
  ]);
};

/** A file that is added or changed is in the head; one that is removed still is in the base. */
const labLink = (change: ReviewedChange, { headCommit, baseCommit }: Review, repositoryUrl: string): Markdown => {
  const commit = change.action === "destroy" ? baseCommit : headCommit;
  return link(text(change.lab, 80), fileUrl(repositoryUrl, commit, change.path));
};

const totals = (changes: readonly ReviewedChange[]): Markdown => {
  const perDay = changes.reduce((sum, { cost }) => sum + cost.perDay, 0);
  const untilExpiry = changes.reduce((sum, { cost }) => sum + cost.untilExpiry, 0);
  return perDay === 0 || changes.length < 2
    ? EMPTY
    : md`Together about ${bold(money(perDay))} a day, ${bold(money(untilExpiry))} until they expire.`;
};

export const changesPart = (review: Review, repositoryUrl: string): Part => {
  const changes = sortedChanges(review.changes);
  return {
    importance: 70,
    items: changes.length,
    render: (shown, brief) => {
      const rows = changes
        .slice(0, shown)
        .map((change) => [
          md`${code(SYMBOLS[change.action])} ${change.action}`,
          broken([bold(labLink(change, review, repositoryUrl)), text(change.team, 80)]),
          why(change, brief),
        ]);
      const rest = andMore(changes.length, shown);
      return blocks([
        table(["Change", "Lab", "Why, and what it costs"], rows),
        rest === null ? EMPTY : md`… ${rest}.`,
        inline([totals(changes)]),
      ]);
    },
  };
};
