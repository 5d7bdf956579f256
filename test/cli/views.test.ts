import { describe, expect, it } from "vitest";
import { failureAsJson, failureAsText, failureOf } from "../../src/cli/failure.ts";
import { palette, plain } from "../../src/cli/palette.ts";
import { shorten, table, widthOf } from "../../src/cli/table.ts";
import { duration, relative } from "../../src/cli/time.ts";
import { labDetailMarkdown, labDetailText } from "../../src/cli/views/lab-detail.ts";
import { labView } from "../../src/cli/views/lab-view.ts";
import { workWords } from "../../src/cli/views/lab-words.ts";
import { statusListMarkdown, statusListText } from "../../src/cli/views/status-list.ts";
import { storyText } from "../../src/cli/views/story.ts";
import { LabkeeperError } from "../../src/errors.ts";
import type { LabDetail, LabEvent, LabSummary } from "../../src/ports.ts";
import { aLab } from "./a-lab.ts";

const NOW = new Date("2026-01-02T12:00:00Z");
const colours = palette(false);
const secondsAgo = (seconds: number): Date => new Date(NOW.getTime() - seconds * 1000);

type Job = NonNullable<LabSummary["job"]>;

const job = (change: Partial<Job> = {}): Job => ({
  id: "job",
  kind: "provision",
  state: "running",
  step: "install",
  phase: null,
  percent: null,
  attempt: 1,
  since: secondsAgo(60),
  runAt: secondsAgo(90),
  position: null,
  ...change,
});

describe("time", () => {
  it.each([
    [-5, "0s"],
    [0, "0s"],
    [59.6, "1m"],
    [61, "1m 1s"],
    [3600, "1h"],
    [3605, "1h"],
    [90_061, "1d 1h"],
  ])("%d seconds are %s", (seconds, words) => expect(duration(seconds)).toBe(words));

  it("says before and after", () => {
    expect(relative(secondsAgo(60), NOW)).toBe("1m ago");
    expect(relative(secondsAgo(-60), NOW)).toBe("in 1m");
  });
});

describe("tables", () => {
  it("aligns columns whatever their colours", () => {
    const red = palette(true).red("ab");
    expect(
      table([
        [red, "x"],
        ["abcd", "y"],
      ]),
    ).toBe(`${red}    x\nabcd  y`);
    expect(widthOf(red)).toBe(2);
  });

  it("shortens without cutting a character in half", () => {
    expect(shorten("añb😀cd", 4)).toBe("añb…");
    expect(shorten("abc", 3)).toBe("abc");
  });
});

describe("what a lab is doing", () => {
  const words = (change: Partial<Job> | null, typical: number | null = null): string =>
    workWords(labView({ lab: aLab(), job: change === null ? null : job(change), typicalSeconds: typical }, NOW), NOW);

  it.each([
    ["a step", {}, null, "provision: install for 1m"],
    [
      "a phase and a percentage",
      { phase: "waiting", percent: 50 },
      null,
      "provision: install (waiting) 50% for 1m, about 1m left",
    ],
    ["history before percentage", { percent: 50 }, 100, "provision: install 50% for 1m, about 40s left"],
    ["no guess from the first percents", { percent: 3 }, null, "provision: install 3% for 1m"],
    ["no history for an update", { kind: "update" as const }, 100, "update: install for 1m"],
    ["a place in the queue", { state: "queued", position: 3 }, null, "provision: queued, place 3"],
    ["a retry to come", { state: "queued", runAt: secondsAgo(-30), attempt: 2 }, null, "provision: again in 30s"],
    ["attempts", { attempt: 2 }, null, "provision: install for 1m (attempt 2)"],
    ["the end of all attempts", { state: "dead", attempt: 3 }, null, "provision: given up after 3 attempts"],
  ])("shows %s", (_what, change, typical, expected) => expect(words(change, typical)).toBe(expected));

  it("shows nothing for an idle lab", () => expect(words(null)).toBe(""));
});

describe("a lab's steps", () => {
  const step = (name: string, change: object = {}): LabDetail["steps"][number] => ({
    job: "job",
    kind: "provision",
    attempt: 2,
    step: name,
    startedAt: secondsAgo(60),
    finishedAt: null,
    ...change,
  });
  const failure = { code: "LK5002", message: "m", remedy: "r", step: "install", attempt: 2, at: "", retryAt: null };
  const shown = (change: Partial<LabDetail>): string =>
    labDetailText(
      {
        lab: aLab(),
        job: null,
        outputs: {},
        steps: [step("install")],
        holds: [],
        receipt: null,
        typicalSeconds: null,
        ...change,
      },
      NOW,
      colours,
    );

  it.each([
    ["runs", { job: job({ attempt: 2 }) }, "running for 1m"],
    ["belongs to an earlier attempt", { job: job({ attempt: 3 }) }, "interrupted"],
    ["belongs to another job", { job: job({ id: "other", attempt: 2 }) }, "interrupted"],
    ["waits to go on", { job: job({ state: "queued", attempt: 1 }) }, "interrupted"],
    ["failed for good", { job: job({ state: "dead", attempt: 2 }), lab: aLab({ failure }) }, "failed"],
    ["failed and is tried again", { job: job({ state: "queued", attempt: 2 }), lab: aLab({ failure }) }, "failed"],
  ])("say so when one %s", (_what, change, expected) =>
    expect(shown(change)).toMatch(new RegExp(`provision +install .* ${expected}  `)),
  );
});

describe("text from outside (promise P10)", () => {
  const evil = "a\u001b[2Jb\u0007\u202e|c<img src=x>@octocat`";
  const failing = aLab({
    failure: {
      code: "LK5002",
      message: evil,
      remedy: evil,
      step: null,
      attempt: 1,
      at: NOW.toISOString(),
      retryAt: null,
    },
  });
  const status = {
    now: NOW,
    labs: [labView({ lab: failing, job: null, typicalSeconds: null }, NOW)],
    holds: [
      {
        id: "hold-1",
        lab: evil,
        team: "t",
        action: "destroy",
        guard: "g",
        message: evil,
        release: evil,
        state: "open",
        createdAt: NOW,
      },
    ],
    problems: [{ path: evil, line: 1, column: 1, code: "LK2004", message: evil, remedy: evil }],
    queue: { queued: 0, running: 0, dead: 0 },
  };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the point
  const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/;

  it("cannot move the cursor in status, story or an error", () => {
    const event: LabEvent = {
      id: "e",
      type: "lab.updated",
      at: NOW,
      labId: null,
      lab: "x",
      actor: evil,
      cause: { kind: "command", command: evil, actor: evil },
      correlationId: "c",
      payload: { message: evil, fields: [{ path: evil, before: evil, after: evil }] },
    };
    expect(statusListText(status, colours, null)).not.toMatch(control);
    expect(storyText([event], colours)).not.toMatch(control);
    expect(failureAsText(failureOf(new LabkeeperError("LK5002", evil)), colours)).not.toMatch(control);
    expect(plain(`${evil}\n\t${evil}`)).not.toMatch(control);
  });

  it("is no markup in Markdown", () => {
    const markdown = statusListMarkdown(status);
    expect(markdown).not.toContain("<img");
    expect(markdown).not.toContain("@octocat");
    const detail: LabDetail = {
      lab: failing,
      job: null,
      outputs: { note: "``` \n# heading" },
      steps: [],
      holds: [],
      receipt: null,
      typicalSeconds: null,
    };
    expect(labDetailMarkdown(detail, NOW).split("````")).toHaveLength(3);
  });
});

describe("errors", () => {
  it("say what happened and what to do, in text and in JSON", () => {
    const failure = failureOf(new LabkeeperError("LK3001", "nowhere"));
    expect(failureAsText(failure, colours)).toBe("LK3001: no such lab: nowhere\n→ See `labkeeper status`.");
    expect(JSON.parse(failureAsJson(failure))).toEqual({
      error: { code: "LK3001", message: "no such lab: nowhere", remedy: "See `labkeeper status`." },
    });
  });

  it("ask for a report when nobody expected them", () => {
    expect(failureOf(new TypeError("x is not a function"))).toMatchObject({ code: "internal" });
    expect(failureOf("a string")).toMatchObject({ message: "unexpected error: a string" });
  });
});
