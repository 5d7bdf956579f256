import { describe, expect, it } from "vitest";
import { statusAnswer } from "../../src/core/markdown/answer.ts";
import { boardHeadline } from "../../src/core/markdown/board.ts";
import { boardCell } from "../../src/core/markdown/board-row.ts";
import { checkConclusion, checkDraft } from "../../src/core/markdown/check.ts";
import { COMMENT_MARKER, reportMarkdown } from "../../src/core/markdown/report.ts";
import { reviewHeadline } from "../../src/core/markdown/review.ts";
import { statusLine } from "../../src/core/markdown/status.ts";
import { sourceOf } from "../../src/core/markdown/text.ts";
import { durationWords, money, timeWords } from "../../src/core/markdown/words.ts";
import type { BoardLab } from "../../src/core/pull-request.ts";
import {
  answers,
  boardLab,
  dangerousReview,
  failedBoard,
  goneBoard,
  merged,
  NOW,
  plainReview,
  policyReview,
  pullRequest,
  REPOSITORY,
  readyBoard,
  reportOf,
  workingBoard,
} from "./markdown-samples.ts";

const cellOf = (lab: BoardLab): string => sourceOf(boardCell(lab, { repositoryUrl: REPOSITORY, now: NOW }));

const running = (change: Partial<NonNullable<BoardLab["job"]>> = {}): BoardLab["job"] => ({
  kind: "provision",
  state: "running",
  step: "install",
  phase: null,
  percent: null,
  position: null,
  since: new Date("2026-03-02T11:00:00Z"),
  runAt: NOW,
  ...change,
});

const failure = {
  code: "LK5003",
  message: "exit code 4",
  remedy: "Ask for more.",
  step: "install",
  retryAt: null,
} as const;

const hold = {
  id: "hold-0123456789",
  guard: "quota",
  message: "too many",
  release: "Remove one.",
  state: "open",
  approvable: false,
} as const;

/** A lab, what its cell says, and its commit status. */
const STORIES: readonly (readonly [
  story: string,
  lab: BoardLab,
  says: readonly string[],
  status: readonly [string, string],
])[] = [
  [
    "not taken up",
    boardLab({ state: null, outputs: {}, expiresAt: null }),
    ["⏳ not taken up yet"],
    ["pending", "not taken up yet"],
  ],
  [
    "queued",
    boardLab({ state: "pending", job: running({ state: "queued", step: null, position: 3 }) }),
    ["**queued** to provision, number 3 in the queue; such labs take about 42 min from their start"],
    ["pending", "queued to provision"],
  ],
  [
    "being made",
    boardLab({
      state: "provisioning",
      job: running({ percent: 61.7, phase: "operators", since: new Date("2026-03-02T11:48:10Z") }),
    }),
    ["**being made** for 11 min, about 31 min to go", "`install`: operators, 62 %"],
    ["pending", "provision: install"],
  ],
  [
    "taking long",
    boardLab({ state: "provisioning", job: running() }),
    ["**being made** for 1 h, longer than the usual 42 min"],
    ["pending", "provision: install"],
  ],
  [
    "made without any history",
    boardLab({ state: "provisioning", typicalSeconds: null, job: running() }),
    ["⏳ **being made** for 1 h<br>"],
    ["pending", "provision: install"],
  ],
  [
    "ready",
    boardLab({ name: "orders" }),
    [
      "✅ **ready** until 2026-03-03 11:45 UTC",
      "[Console](https://console-openshift-console.apps.orders.labs.example.com/)",
      "API `https://api.orders.labs.example.com:6443`",
      "[Credentials](https://labkeeper.example.com/labs/orders/credentials)",
    ],
    ["success", "ready until 2026-03-03 11:45 UTC"],
  ],
  [
    "ready, without a page for its credentials",
    boardLab({ name: "orders", credentialsUrl: null, outputs: { apiUrl: "postgres://nobody", consoleUrl: 7 } }),
    ["Credentials: `labkeeper credentials orders`"],
    ["success", "ready until 2026-03-03 11:45 UTC"],
  ],
  [
    "expiring",
    boardLab({ name: "orders", expiring: true, expiryRequest: 19 }),
    [`[pull request 19](${REPOSITORY}/pull/19) removes its file; longer: \`/lab extend orders 8h\``],
    ["success", "ready until 2026-03-03 11:45 UTC"],
  ],
  [
    "ready after a change that failed",
    boardLab({ failure }),
    ["❌ **ready, but its last change failed**: exit code 4", "→ Ask for more."],
    ["failure", "ready, but its last change failed: LK5003 exit code 4"],
  ],
  [
    "failed and tried again",
    boardLab({ state: "failed", failure: { ...failure, retryAt: "2026-03-02T12:10:00Z" } }),
    ["❌ **failed** in `install`", "`LK5003` exit code 4", "→ Ask for more.", "Tried again at 2026-03-02 12:10 UTC"],
    ["pending", "failed, tried again: LK5003 exit code 4"],
  ],
  [
    "given up",
    boardLab({ name: "orders", state: "failed_permanent", failure }),
    ["❌ **given up** in `install`", "Once more: `/lab retry orders`"],
    ["failure", "given up: LK5003 exit code 4"],
  ],
  [
    "timed out",
    boardLab({ name: "orders", state: "timed_out" }),
    ["❌ **given up: it took too long**", "Once more: `/lab retry orders`"],
    ["failure", "given up"],
  ],
  [
    "held, for the catalog to release",
    boardLab({ holds: [hold] }),
    ["⏸️ **held** by `quota`: too many<br>Remove one."],
    ["pending", "held by quota: too many"],
  ],
  [
    "held, for a person to release",
    boardLab({ state: null, holds: [{ ...hold, approvable: true }] }),
    ["⏸️ **held** by `quota`", "Release it: `/lab approve hold-0123456789`"],
    ["pending", "held by quota: too many"],
  ],
  [
    "released",
    boardLab({ holds: [{ ...hold, state: "approved" }] }),
    ["✅ **ready**"],
    ["success", "ready until 2026-03-03 11:45 UTC"],
  ],
  [
    "ready and about to change",
    boardLab({ job: running({ kind: "update", state: "queued", position: 1 }) }),
    ["⏳ **queued** to update, number 1 in the queue<br>✅ **ready**", "[Console]"],
    ["pending", "queued to update"],
  ],
  [
    "about to be destroyed",
    boardLab({ action: "destroy", job: running({ kind: "destroy", state: "queued", position: null }) }),
    ["⏳ **queued** to destroy"],
    ["pending", "queued to destroy"],
  ],
  [
    "leaving",
    boardLab({ action: "destroy", leavingUntil: new Date("2026-03-02T15:10:00Z") }),
    ["⏳ **leaves** at 2026-03-02 15:10 UTC: it is destroyed then, unless its file comes back before"],
    ["pending", "is destroyed at 2026-03-02 15:10 UTC unless its file comes back"],
  ],
  [
    "still there after its file went",
    boardLab({ action: "destroy" }),
    ["✅ **ready** until 2026-03-03 11:45 UTC: its removal is not taken up yet, or was called off"],
    ["success", "ready until 2026-03-03 11:45 UTC"],
  ],
  [
    "being destroyed",
    boardLab({ state: "destroying", job: running({ kind: "destroy", step: "observe" }) }),
    ["⏳ **being destroyed** for 1 h<br>`observe`"],
    ["pending", "destroy: observe"],
  ],
  [
    "not destroyed yet",
    boardLab({ state: "destroy_failed", failure }),
    ["❌ **could not be destroyed; it may still cost money** in `install`"],
    ["error", "could not be destroyed yet: LK5003 exit code 4"],
  ],
  [
    "gone after it expired",
    boardLab({ state: "destroyed", destroyCause: { kind: "expired", expiresAt: "2026-03-01T00:00:00Z" } }),
    ["✅ **destroyed** after it expired"],
    ["success", "destroyed"],
  ],
  [
    "proven gone",
    goneBoard[0] ?? boardLab(),
    ["✅ **destroyed**, proven gone at 2026-03-02 09:31 UTC"],
    ["success", "destroyed, proven gone at 2026-03-02 09:31 UTC"],
  ],
];

describe("a lab that is", () => {
  it.each(STORIES)("%s", (_, lab, says, [state, description]) => {
    const cell = cellOf(lab);
    for (const words of says) expect(cell).toContain(words);
    expect(cell).not.toMatch(/^<br>|<br>$|<br><br>/);
    expect(statusLine(lab)).toEqual({ state, description });
  });

  it("ready says nothing of addresses that are none", () => {
    const cell = cellOf(boardLab({ outputs: { consoleUrl: "javascript:alert(1)", apiUrl: "http://plain" } }));
    expect(cell).not.toMatch(/Console|API|javascript|plain/);
  });

  it("told in one line has a status of at most 140 characters", () => {
    const { description } = statusLine(
      boardLab({ state: "failed", failure: { ...failure, message: "\u{1f389}".repeat(300) } }),
    );
    expect(description.length).toBeLessThanOrEqual(140);
    expect(description.isWellFormed()).toBe(true);
  });
});

describe("the board", () => {
  it("is headed by what is most urgent", () => {
    expect(boardHeadline([...readyBoard, ...workingBoard, ...failedBoard, ...goneBoard])).toBe(
      "❌ 2 failed, 1 held, 2 at work, 2 waiting, 3 ready, 1 destroyed",
    );
    expect(boardHeadline(readyBoard)).toBe("✅ 2 ready");
    expect(boardHeadline([])).toBe("Merged: no lab is concerned");
  });

  it("has the log of what failed and the receipt of what is gone in folds", () => {
    const markdown = reportMarkdown(
      reportOf({ pullRequest: merged, labs: [...failedBoard, ...goneBoard], commands: answers }),
      COMMENT_MARKER,
    );
    expect(markdown).toContain("<summary>Last lines of the log of team-a-orders</summary>\n\n```text\nlevel=info");
    expect(markdown).toContain("<summary>Receipt: team-a-reports is gone since 2026-03-02 09:31 UTC</summary>");
    expect(markdown).toContain("- us-east-1: ec2 DescribeInstances: none");
    expect(markdown).toContain("It is looked for again after a day and after a week.");
    expect(markdown.indexOf("/lab approve")).toBeGreaterThan(markdown.indexOf("/lab status"));
  });

  it("says when it was looked for again", () => {
    const [gone] = goneBoard;
    if (gone?.receipt == null) throw new Error("no receipt");
    const again = { ...gone, receipt: { ...gone.receipt, checkedAgain: [new Date("2026-03-03T09:31:00Z")] } };
    expect(reportMarkdown(reportOf({ pullRequest: merged, labs: [again] }), COMMENT_MARKER)).toContain(
      "Looked for again at 2026-03-03 09:31 UTC: still absent.",
    );
  });

  it("answers help with the commands", () => {
    const [answer] = answers;
    if (answer === undefined) throw new Error("no answer");
    const help = { ...answer, command: "/lab help", answer: "" };
    expect(reportMarkdown(reportOf({ commands: [help] }), COMMENT_MARKER)).toContain("| `/lab retry NAME` |");
  });
});

describe("the comment", () => {
  it("says so before there is a plan, and after a close without a merge", () => {
    expect(reportMarkdown(reportOf({ review: null }), COMMENT_MARKER)).toContain("### Not planned yet");
    const closed = reportMarkdown(reportOf({ pullRequest: pullRequest({ state: "closed" }) }), COMMENT_MARKER);
    expect(closed).toContain("### Closed without a merge: nothing happens");
    expect(closed).toContain("<summary>The plan: 1 to create, 1 to update</summary>");
  });

  it("takes no marker that could end before it ends", () => {
    for (const marker of ["<!-- labkeeper:a --> x -->", "<!-- other -->", "", "<!-- labkeeper:\n -->"])
      expect(() => reportMarkdown(reportOf(), marker)).toThrow(RangeError);
  });

  it("is headed by what would happen", () => {
    expect(reviewHeadline(plainReview)).toBe("1 to create, 1 to update");
    expect(reviewHeadline(policyReview)).toBe("No lab changes · policy change");
    expect(reviewHeadline(dangerousReview)).toBe(
      "1 to create, 1 to replace, 1 to destroy · 1 held · 1 problem · 1 conflict",
    );
  });
});

describe("the check", () => {
  const review = { ...plainReview, problems: dangerousReview.problems };

  it("fails for problems, is neutral when somebody should look, and succeeds otherwise", () => {
    expect(checkConclusion(plainReview)).toBe("success");
    expect(checkConclusion(policyReview)).toBe("success");
    expect(checkConclusion(review)).toBe("failure");
    const { changes } = dangerousReview;
    for (const change of changes.filter(({ held, running: lab }) => held !== null || lab !== null))
      expect(checkConclusion({ ...plainReview, changes: [change] })).toBe("neutral");
    expect(checkConclusion({ ...plainReview, conflicts: ["a"] })).toBe("neutral");
  });

  it("annotates problems at their lines", () => {
    expect(checkDraft(review, REPOSITORY)).toMatchObject({
      name: "labkeeper/plan",
      commit: review.headCommit,
      conclusion: "failure",
      title: "1 to create, 1 to update · 1 problem",
      annotations: [
        {
          path: "labs/team-a/team-a-billing.yaml",
          line: 9,
          level: "failure",
          title: expect.stringMatching(/^LK2103 spec\.region/),
          message: expect.stringContaining("\n→ Choose one"),
        },
      ],
    });
  });
});

describe("words", () => {
  it("are short", () => {
    expect([0, 59.4, 60, 3_599, 3_600, 5_400, 172_800, 200_000, Number.NaN].map(durationWords)).toEqual([
      "0 s",
      "59 s",
      "1 min",
      "1 h",
      "1 h",
      "1 h 30 min",
      "2 d",
      "2 d 7 h",
      "an unknown time",
    ]);
    expect(timeWords("2026-03-02T12:00:00+02:00")).toBe("2026-03-02 10:00 UTC");
    expect(timeWords("soon")).toBe("an unknown time");
    expect(sourceOf(money(1234.5))).toBe("&#36;1,234.50");
  });

  it("of an answer are one line a lab", () => {
    const lab = { name: "orders", team: "team-a", state: "updating", expiresAt: NOW } as const;
    const job = { kind: "update", state: "running", step: "apply", percent: 40.4, position: null };
    expect(
      statusAnswer([
        { lab, job },
        { lab: { ...lab, name: "wiki", expiresAt: null, state: "ready" }, job: null },
      ]),
    ).toBe("orders  updating  update: apply 40 %  until 2026-03-02 12:00 UTC\nwiki    ready");
    expect(statusAnswer([])).toBe("There are no labs.");
    expect(
      statusAnswer(Array.from({ length: 30 }, () => ({ lab, job: null })))
        .split("\n")
        .at(-1),
    ).toBe("and 10 more: labkeeper status");
  });
});
