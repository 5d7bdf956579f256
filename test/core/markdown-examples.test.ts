import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { expiryMarkdown } from "../../src/core/markdown/expiry.ts";
import { helpMarkdown } from "../../src/core/markdown/help.ts";
import { requestBody, requestTitle } from "../../src/core/markdown/own-request.ts";
import { COMMENT_MARKER, reportMarkdown } from "../../src/core/markdown/report.ts";
import { packageFile } from "../../src/package-root.ts";
import { htmlOf, tagsOf } from "./markdown-html.ts";
import {
  answers,
  boardLab,
  dangerousReview,
  failedBoard,
  goneBoard,
  merged,
  plainReview,
  policyReview,
  REPOSITORY,
  readyBoard,
  reportOf,
  workingBoard,
} from "./markdown-samples.ts";

const comment = (change: Parameters<typeof reportOf>[0]): string => reportMarkdown(reportOf(change), COMMENT_MARKER);

const expiring = boardLab({ name: "team-a-reports", expiring: true, expiryRequest: 19 });

const extension = {
  lab: "team-a-orders",
  path: "labs/team-a/team-a-orders.yaml",
  purpose: "extend",
  detail: "32h",
  askedBy: "octocat",
  expiresAt: null,
} as const;

const removal = {
  ...extension,
  lab: "team-a-reports",
  path: "labs/team-a/team-a-reports.yaml",
  purpose: "expire",
  detail: "2026-03-03T11:45:00.000Z",
  askedBy: "labkeeper",
  expiresAt: "2026-03-03T11:45:00.000Z",
} as const;

/** File name → what labkeeper would write. docs/pull-requests.md tells of each. */
const EXAMPLES: Readonly<Record<string, string>> = {
  "plan.md": comment({ review: plainReview }),
  "plan-with-removal.md": comment({ review: dangerousReview }),
  "policy-change.md": comment({ review: policyReview }),
  "board-in-progress.md": comment({ pullRequest: merged, labs: workingBoard, commands: answers }),
  "board-ready.md": comment({ pullRequest: merged, labs: readyBoard }),
  "failure.md": comment({ pullRequest: merged, labs: failedBoard }),
  "deletion.md": comment({ pullRequest: merged, labs: goneBoard }),
  "expiry.md": expiryMarkdown(expiring, { repositoryUrl: REPOSITORY }, "<!-- labkeeper:expiry 0195-reports -->"),
  "expiry-request.md": `<!-- ${requestTitle(removal)} -->\n${requestBody(removal)}`,
  "extend-request.md": `<!-- ${requestTitle(extension)} -->\n${requestBody(extension)}`,
  "help.md": helpMarkdown(),
};

const FOLDER = packageFile("docs/examples");

describe("examples in docs", () => {
  if (process.env["UPDATE_EXAMPLES"] === "1") {
    mkdirSync(FOLDER, { recursive: true });
    for (const [name, markdown] of Object.entries(EXAMPLES)) writeFileSync(join(FOLDER, name), markdown);
  }

  it.each(Object.keys(EXAMPLES))("%s is what labkeeper writes (UPDATE_EXAMPLES=1 rewrites it)", (name) => {
    expect(readFileSync(join(FOLDER, name), "utf8")).toBe(EXAMPLES[name]);
  });

  it("are these and no others, and all of them are told of", () => {
    expect(readdirSync(FOLDER).sort()).toEqual(Object.keys(EXAMPLES).sort());
    const page = readFileSync(packageFile("docs/pull-requests.md"), "utf8");
    expect(Object.keys(EXAMPLES).filter((name) => !page.includes(`](examples/${name})`))).toEqual([]);
  });

  it("are made for a narrow window: no table has more than three columns, and nothing has a colour", () => {
    for (const markdown of Object.values(EXAMPLES)) {
      const html = htmlOf(markdown);
      for (const [, row = ""] of html.matchAll(/<tr>([\s\S]*?)<\/tr>/g))
        expect(row.match(/<t[hd]>/g)?.length).toBeLessThanOrEqual(3);
      expect(tagsOf(html).filter((tag) => /style|color|<img|<font|align/.test(tag))).toEqual([]);
    }
  });
});
