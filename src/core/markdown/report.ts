/** The one comment of a pull request. */

import type { PullRequestReport, Review } from "../pull-request.ts";
import { boardHeadline, boardParts } from "./board.ts";
import { changesPart } from "./changes.ts";
import { code } from "./code.ts";
import { commandsPart } from "./commands.ts";
import { always, fitted, GITHUB_LIMIT, type Part } from "./fit.ts";
import { fold } from "./fold.ts";
import { POINTER, reviewHeadline, reviewParts } from "./review.ts";
import { heading, inline, type Markdown, marked, md, small } from "./text.ts";

export const COMMENT_MARKER = "<!-- labkeeper:pull-request -->";

const BOARD_POINTER = md`This is shortened to what GitHub takes. All labs: ${code("labkeeper status")}`;

/**
 * The comment as it should read now: the plan while the pull request is open, the board of its labs once it is
 * merged. Its first line is the marker. Never longer than GitHub takes.
 */
export const reportMarkdown = (report: PullRequestReport, marker: string): string => {
  const room = GITHUB_LIMIT - Buffer.byteLength(marked(marker, md``), "utf8");
  const pointer = report.pullRequest.state === "merged" ? BOARD_POINTER : POINTER;
  return marked(
    marker,
    fitted([...partsOf(report), commandsPart(report.commands), always(hint(report))], pointer, room),
  );
};

const partsOf = (report: PullRequestReport): Part[] => {
  const { pullRequest, review, labs, repositoryUrl, now } = report;
  switch (pullRequest.state) {
    case "open":
      return review === null
        ? [always(heading(3, md`Not planned yet`)), always(md`The plan follows when the catalog could be read.`)]
        : [always(heading(3, md`${openHeadline(review)}`)), ...reviewParts(review, repositoryUrl)];
    case "merged":
      return [
        always(heading(3, md`${boardHeadline(labs)}`)),
        ...boardParts(labs, { repositoryUrl, now }),
        ...(review === null ? [] : [planFold(review, repositoryUrl)]),
      ];
    case "closed":
      return [
        always(heading(3, closedHeadline(report))),
        ...(review === null ? [] : [planFold(review, repositoryUrl)]),
      ];
  }
};

const closedHeadline = ({ pullRequest: { base }, branch }: PullRequestReport): Markdown =>
  branch === undefined || base.ref === branch
    ? md`Closed without a merge: nothing happens`
    : md`Sent to ${code(base.ref)}: nothing happens, for labs follow ${code(branch)}`;

const openHeadline = (review: Review): string =>
  review.problems.length > 0 ? `❌ ${reviewHeadline(review)}` : reviewHeadline(review);

/** The plan that was merged, for whoever wants to see it again. */
const planFold = (review: Review, repositoryUrl: string): Part => {
  const part = changesPart(review, repositoryUrl);
  return {
    importance: 10,
    items: part.items,
    render: (shown, brief) => fold(`The plan: ${reviewHeadline(review)}`, part.render(shown, brief)),
  };
};

const hint = ({ pullRequest }: PullRequestReport): Markdown =>
  small(
    inline([
      pullRequest.state === "open"
        ? md`This comment follows the pull request and becomes the board of its labs after the merge.`
        : md`This comment follows what becomes of the labs.`,
      md`Commands: ${code("/lab help")}`,
    ]),
  );
