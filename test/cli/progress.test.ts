import { describe, expect, it } from "vitest";
import { palette } from "../../src/cli/palette.ts";
import { createProgress } from "../../src/cli/progress.ts";
import type { ClaimedJob } from "../../src/ports.ts";
import { aLab } from "./a-lab.ts";

const claimed = (name: string): ClaimedJob => ({
  id: name,
  kind: "provision",
  lab: aLab({ name }),
  cause: { kind: "commit", commit: "a".repeat(40), path: null },
  attempt: 1,
  maxAttempts: 3,
  correlationId: "c",
  lease: { resource: "lab:x", holder: "w", token: 1 },
  outputs: {},
  recoveries: 0,
  poisonous: false,
  doneSteps: [],
});

const FAILURE = {
  code: "LK5003",
  message: "no",
  remedy: "mend it",
  step: "install",
  attempt: 1,
  at: "",
  retryAt: null,
};

/** What a terminal shows in the end: text, and the two codes the renderer uses. */
const screenOf = (output: string): string[] => {
  const lines = [""];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is read here
  for (const [part] of output.matchAll(/\u001b\[(\d*)([AJ])|\n|[^\u001b\n]+/g)) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
    const up = /^\u001b\[(\d+)A$/.exec(part);
    if (up) lines.splice(lines.length - 1 - Number(up[1]));
    else if (part === "\n") lines.push("");
    else if (!part.startsWith("\u001b")) lines[lines.length - 1] += part;
    if (up) lines.push("");
  }
  return lines.filter((line) => line !== "");
};

describe("progress without a terminal", () => {
  it("is one line for each thing that happened, and nothing twice", () => {
    const written: string[] = [];
    const job = claimed("a");
    const progress = createProgress({
      write: (text) => written.push(text),
      colours: palette(false),
      columns: () => null,
      clock: () => 0,
    });
    progress.jobStarted(job);
    progress.step(job, "install");
    progress.progress(job, "waiting", 10);
    progress.progress(job, "waiting", 10);
    progress.jobEnded(job, { kind: "dead", failure: FAILURE, timedOut: false });
    progress[Symbol.dispose]();
    expect(written.join("")).toBe(
      "a: create started\na: install\na: install, waiting 10%\na: ✘ LK5003 no after 0s\n  → mend it\n",
    );
  });
});

describe("progress on a terminal", () => {
  it("keeps one line a running lab below what has ended, and leaves only that", () => {
    let output = "";
    const [a, b] = [claimed("a"), claimed("b")];
    const progress = createProgress({
      write: (text) => {
        output += text;
      },
      colours: palette(false),
      columns: () => 40,
      clock: () => 0,
    });
    progress.jobStarted(a);
    progress.jobStarted(b);
    progress.step(a, "install");
    progress.progress(b, "x".repeat(100), 5);
    progress.jobEnded(a, { kind: "provisioned", outputs: {} });
    const during = screenOf(output);
    progress[Symbol.dispose]();
    expect(during[0]).toBe("a: ✔ ready after 0s");
    expect(during).toHaveLength(2);
    expect([...(during[1] ?? "")].length).toBeLessThanOrEqual(40);
    expect(screenOf(output)).toEqual(["a: ✔ ready after 0s"]);
  });
});
