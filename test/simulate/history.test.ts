import { describe, expect, test } from "vitest";
import { type History, historyOf, KINDS, type Step } from "../../simulate/history.ts";
import type { Ran } from "../../simulate/run.ts";
import { shrink } from "../../simulate/shrink.ts";
import { simplest } from "../../simulate/simplest.ts";

describe("a history", () => {
  test("is the same for the same seed, and another for another", () => {
    const options = { steps: 200, realProcesses: true };
    expect(historyOf(7, options)).toEqual(historyOf(7, options));
    expect(historyOf(8, options).steps).not.toEqual(historyOf(7, options).steps);
  });

  test("has as many steps as were asked for, of every kind", () => {
    const { steps, hosted } = historyOf(4, { steps: 3_000, realProcesses: true });
    expect(steps).toHaveLength(3_000);
    expect(hosted).toBe(true);
    expect(new Set(steps.map((step) => step.do))).toEqual(KINDS);
  });

  test("is plain data: a file gives it back", () => {
    const history = historyOf(4, { steps: 300, realProcesses: true });
    expect(JSON.parse(JSON.stringify(history))).toEqual(history);
  });

  test("has faults as often as they are meant to come", () => {
    const { steps } = historyOf(12, { steps: 6_000, realProcesses: false });
    const share = (fated: readonly (readonly unknown[])[]): number =>
      fated.filter(({ length }) => length > 0).length / fated.length;
    expect(share(steps.flatMap((step) => (step.do === "work" ? step.processes : [])))).toBeCloseTo(0.7, 1);
    expect(share(steps.flatMap((step) => (step.do === "reconcile" ? step.processes : [])))).toBeCloseTo(0.35, 1);
  });
});

const never = (): boolean => false;
/** Fails while the steps that satisfy these are all there, in this order. */
const needs =
  (...wanted: readonly ((step: Step) => boolean)[]) =>
  ({ steps }: History): boolean => {
    let at = 0;
    for (const step of steps) if (wanted[at]?.(step)) at += 1;
    return at === wanted.length;
  };
const drawn = historyOf(8, { steps: 60, realProcesses: true });
const long: History = {
  ...drawn,
  steps: [
    ...drawn.steps.slice(0, 20),
    {
      do: "write",
      lab: "elm",
      file: { team: "team-b", ending: "yml", spec: { profile: "graceful", workers: 4, ttlHours: 72 } },
    },
    ...drawn.steps.slice(20, 40),
    { do: "work", processes: [[], [{ kind: "cut", at: 17 }], [{ kind: "slow", at: 2 }]] },
    { do: "remove", labs: ["oak"] },
    ...drawn.steps.slice(40),
  ],
};
const shrunk = (from: History, fails: (history: History) => boolean): Promise<History> =>
  shrink(from, async (candidate) => (fails(candidate) ? candidate : null), never);

describe("a history that fails", () => {
  test("loses every step that does not matter, and the rest of what happens in those that do", async () => {
    const fails = needs(
      (step) => step.do === "write" && (step.file.spec?.workers ?? 0) >= 2,
      (step) =>
        step.do === "work" && step.processes.some((fates) => fates.some(({ kind, at }) => kind === "cut" && at > 5)),
    );
    expect(fails(long)).toBe(true);
    const { hosted, steps } = await shrunk(long, fails);
    expect({ hosted, steps }).toEqual({
      hosted: false,
      steps: [
        {
          do: "write",
          lab: "ash",
          file: { team: "team-a", ending: "yaml", spec: { profile: "quick", workers: 2, ttlHours: 24 } },
        },
        { do: "work", processes: [[{ kind: "cut", at: 6 }]] },
      ],
    });
  });

  test.each<[string, Step, (step: Step) => boolean, Step]>([
    [
      "hours",
      { do: "hours pass", hours: 25 },
      (step) => step.do === "hours pass" && step.hours > 6,
      { do: "hours pass", hours: 7 },
    ],
    [
      "clocks",
      { do: "clock jump", hours: -48 },
      (step) => step.do === "clock jump" && step.hours < -3,
      { do: "clock jump", hours: -4 },
    ],
    [
      "weather",
      { do: "weather", weather: { hangRate: { install: 0.3, destroy: 0.3, observe: 0.1 }, lies: { residue: 0.6 } } },
      (step) => step.do === "weather" && "hangRate" in step.weather,
      { do: "weather", weather: { hangRate: {} } },
    ],
    [
      "removals",
      { do: "remove", labs: ["ash", "birch", "cedar", "elm", "oak"] },
      (step) => step.do === "remove" && step.labs.includes("cedar"),
      { do: "remove", labs: ["cedar"] },
    ],
    [
      "what GitHub does",
      { do: "talk", fault: { kind: "lost", times: 4 } },
      (step) => step.do === "talk" && step.fault !== null,
      { do: "talk", fault: { kind: "500", times: 1 } },
    ],
  ])("has %s as simple as they may be", async (_, step, fails, simple) => {
    const fromFile = { why: "said in a file", seed: 1, hosted: false, steps: [{ do: "hurry" }, step] } as const;
    const found = await shrunk(fromFile, needs(fails));
    expect(found.steps).toEqual([simple]);
  });

  test("is cut after the step that broke a promise, and told with what it broke", async () => {
    const isCulprit = (step: Step): boolean => step.do === "remove";
    const play = async ({ steps }: History): Promise<Ran> => {
      const at = steps.findIndex(isCulprit);
      const violation = at < 0 ? null : { promise: "P1", message: `after ${at} steps` };
      return { steps: at < 0 ? steps.length : at, faults: {}, violation };
    };
    const { history, ran } = await simplest(long, await play(long), play, never);
    expect(history.steps).toEqual([{ do: "remove", labs: [] }]);
    expect(ran.violation?.message).toBe("after 0 steps");
  });

  test("is not taken for one that breaks another promise", async () => {
    const play = async (history: History): Promise<Ran> => {
      const promise = history === long ? "P1" : "P4";
      return { steps: history.steps.length, faults: {}, violation: { promise, message: promise } };
    };
    const { history } = await simplest(long, await play(long), play, never);
    expect(history.steps).toEqual(long.steps);
  });

  test("is simplified only while there is time", async () => {
    let tries = 0;
    const found = await shrink(
      long,
      async (candidate) => {
        tries += 1;
        return candidate;
      },
      () => tries >= 2,
    );
    expect(tries).toBe(2);
    expect(found.steps).toEqual([]);
  });
});
