import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkDraft } from "../../src/core/markdown/check.ts";
import { always, andMore, fitted, GITHUB_LIMIT, type Part } from "../../src/core/markdown/fit.ts";
import { COMMENT_MARKER, reportMarkdown } from "../../src/core/markdown/report.ts";
import { list, md, sourceOf } from "../../src/core/markdown/text.ts";
import type { PullRequestReport } from "../../src/core/pull-request.ts";
import { htmlOf, tagsOf } from "./markdown-html.ts";
import {
  answers,
  dangerousReview,
  everything,
  failedBoard,
  goneBoard,
  merged,
  policyReview,
  REPOSITORY,
  readyBoard,
  reportOf,
  workingBoard,
} from "./markdown-samples.ts";

const sizeOf = (text: string): number => Buffer.byteLength(text, "utf8");

/** Every row of a list many times over, with names that tell them apart. */
const many = <Row>(rows: readonly Row[], times: number): Row[] =>
  Array.from({ length: times }, (_, round) =>
    rows.map((row) => JSON.parse(JSON.stringify(row).replaceAll("team-a-", `team-a-${round}-`)) as Row),
  ).flat();

const revived = <Row>(rows: readonly Row[]): Row[] =>
  rows.map(
    (row) =>
      JSON.parse(JSON.stringify(row), (_, value) =>
        typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value) ? new Date(value) : value,
      ) as Row,
  );

const hugeReview = (times: number) => ({
  ...dangerousReview,
  changes: many(dangerousReview.changes, times),
  problems: many(dangerousReview.problems, times),
  policy: policyReview.policy && { ...policyReview.policy, settings: many(policyReview.policy.settings, times) },
  teams: many(dangerousReview.teams, times),
  conflicts: many(dangerousReview.conflicts, times),
});

const hugeBoard = (times: number): PullRequestReport =>
  reportOf({
    pullRequest: merged,
    review: hugeReview(times),
    labs: revived(many([...failedBoard, ...workingBoard, ...readyBoard, ...goneBoard], times)),
    commands: many(answers, times).map((answer) => ({ ...answer, at: new Date(answer.at) })),
  });

/** Each opening tag is closed in its order, which a cut in the wrong place would not leave so. */
const expectWhole = (markdown: string): void => {
  const open: string[] = [];
  for (const tag of tagsOf(htmlOf(markdown))) {
    const name = /^<\/?([a-z0-9]+)/.exec(tag)?.[1];
    if (name === undefined || name === "br") continue;
    if (tag.startsWith("</")) expect(open.pop()).toBe(name);
    else open.push(name);
  }
  expect(open).toEqual([]);
};

describe("a text that fits", () => {
  it("is said whole", () => {
    for (const report of everything) {
      const markdown = reportMarkdown(report, COMMENT_MARKER);
      expect(markdown).not.toContain("shortened");
      expectWhole(markdown);
    }
  });
});

describe("a text that is too long", () => {
  it.each([3, 10, 60, 400])("fits with %i times of everything, whole, and says where the rest is", (times) => {
    for (const report of [reportOf({ review: hugeReview(times), commands: answers }), hugeBoard(times)]) {
      const markdown = reportMarkdown(report, COMMENT_MARKER);
      expect(sizeOf(markdown)).toBeLessThanOrEqual(GITHUB_LIMIT);
      expect(markdown.startsWith(`${COMMENT_MARKER}\n### `)).toBe(true);
      expectWhole(markdown);
      if (times >= 60) {
        expect(markdown).toMatch(/This is shortened to what GitHub takes/);
        expect(sizeOf(markdown)).toBeGreaterThan(GITHUB_LIMIT * 0.9);
      }
    }
  });

  it("keeps what is loudest: running labs, problems and holds before costs and times", () => {
    const markdown = reportMarkdown(reportOf({ review: hugeReview(60) }), COMMENT_MARKER);
    expect(markdown).toContain("Merging this ends 120 running labs.");
    expect(markdown).toContain("team-a-59-search");
    expect(markdown.match(/`LK2103`/g)).toHaveLength(60);
    expect(markdown).toMatch(/\d+ left out here|and \d+ more/);
  });

  it("keeps the board before the plan and the logs", () => {
    const markdown = reportMarkdown(hugeBoard(30), COMMENT_MARKER);
    expect(markdown).not.toContain("<summary>Last lines of the log of team-a-29-orders</summary>");
    expect(markdown.match(/\| ❌/g)).toHaveLength(60);
  });

  it("fits as the summary of a check as well", () => {
    const { summary, title } = checkDraft(hugeReview(400), REPOSITORY);
    expect(sizeOf(summary)).toBeLessThanOrEqual(65_535);
    expect(title.length).toBeLessThanOrEqual(140);
    expectWhole(summary);
  });

  it("fits when every text is as long as texts get", () => {
    const long = "\u{1f389}|".repeat(20_000);
    const [change] = dangerousReview.changes;
    if (change === undefined) throw new Error("no change");
    const review = {
      ...dangerousReview,
      changes: Array.from({ length: 50 }, () => ({
        ...change,
        lab: long,
        reason: long,
        warning: long,
        fields: Array.from({ length: 50 }, () => ({ path: long, before: long, after: [long] })),
      })),
    };
    const markdown = reportMarkdown(reportOf({ review }), COMMENT_MARKER);
    expect(sizeOf(markdown)).toBeLessThanOrEqual(GITHUB_LIMIT);
    expectWhole(markdown);
  });
});

describe("parts", () => {
  const rows = (importance: number, items: number): Part => ({
    importance,
    items,
    render: (shown, brief) =>
      list([
        ...Array.from({ length: shown }, (_, index) => md`part ${importance}, row ${index}${brief ? "" : " in full"}`),
        ...(andMore(items, shown) === null ? [] : [md`${andMore(items, shown) ?? ""}`]),
      ]),
  });
  const size = fc.integer({ min: 0, max: 60 });

  it("never exceed the room, as long as what must be said fits", () => {
    fc.assert(
      fc.property(fc.array(size, { maxLength: 6 }), fc.integer({ min: 400, max: 3_000 }), (sizes, limit) => {
        const parts = [always(md`first`), ...sizes.map((items, index) => rows(index, items)), always(md`last`)];
        const text = sourceOf(fitted(parts, md`the rest is elsewhere`, limit));
        expect(sizeOf(text)).toBeLessThanOrEqual(limit);
        expect(text.startsWith("first")).toBe(true);
        const whole = sizes.every(
          (items, index) => items === 0 || text.includes(`part ${index}, row ${items - 1} in full`),
        );
        expect(text.endsWith(whole ? "last" : "the rest is elsewhere")).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it("lose detail before rows, the least important first, and later rows before earlier ones", () => {
    const parts = [rows(9, 20), rows(1, 20)];
    const brief = sourceOf(fitted(parts, md`elsewhere`, 900));
    expect(brief).toContain("part 9, row 19 in full");
    expect(brief).toContain("part 1, row 19");
    expect(brief).not.toContain("part 1, row 19 in full");
    const cut = sourceOf(fitted(parts, md`elsewhere`, 760));
    expect(cut).toContain("part 9, row 19 in full");
    expect(cut).toMatch(/part 1, row 0\n/);
    expect(cut).toMatch(/- and \d+ more/);
  });
});
