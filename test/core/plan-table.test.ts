import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { guard } from "../../src/core/guard.ts";
import { makePlan } from "../../src/core/plan.ts";
import { TRANSITIONS } from "../../src/core/states.ts";
import type { Cause, Comparison, DesiredFile, JobKind, JobState, Lab, LabState } from "../../src/core/types.ts";
import {
  COMMIT,
  compared,
  factsOf,
  fileOf,
  hoursFromNow,
  inputOf,
  labOf,
  NOW,
  policyOf,
  refusedFile,
  withGrace,
} from "./builders.ts";

const STATES: readonly LabState[] = [
  ...new Set([...TRANSITIONS.map(([from]) => from), ...TRANSITIONS.map(([, to]) => to)]),
].sort();
const KINDS: readonly JobKind[] = ["provision", "update", "destroy"];
const JOB_STATES: readonly JobState[] = ["queued", "running", "succeeded", "dead", "cancelled"];
const JOBS: readonly Comparison["job"][] = [
  null,
  ...KINDS.flatMap((kind) => JOB_STATES.map((state) => ({ kind, state }))),
];

const commitCause: Cause = { kind: "commit", commit: COMMIT, path: "labs/red/one.yaml" };
const SITUATIONS = {
  nothing: {},
  due: { expiresAt: NOW, readyAt: hoursFromNow(-24) },
  leaving: { leaving: { since: hoursFromNow(-1), until: hoursFromNow(1), cause: commitCause } },
  left: { leaving: { since: hoursFromNow(-2), until: NOW, cause: commitCause } },
  "destroyed by commit": { destroyCause: commitCause },
  "destroyed by expiry": { destroyCause: { kind: "expired", expiresAt: NOW.toISOString() } },
  "destroyed by command": { destroyCause: { kind: "command", command: "cancel", actor: "octocat" } },
} as const satisfies Record<string, Partial<Lab>>;

const FILES = {
  none: [],
  same: [fileOf("one")],
  moved: [fileOf("one", {}, "labs/red/one.yml")],
  "record-only edit": [fileOf("one", { spec: { ttlHours: 48 } })],
  edit: [fileOf("one", { spec: { workers: 5 } })],
  "immutable edit": [fileOf("one", { spec: { version: "4.21.0" } })],
  refused: [refusedFile("one")],
  unreadable: [refusedFile("one", "LK2001")],
  two: [fileOf("one"), fileOf("one", {}, "labs/red/one.yml")],
  "good and refused": [fileOf("one"), refusedFile("one")],
} as const satisfies Record<string, readonly DesiredFile[]>;

type Situation = keyof typeof SITUATIONS;
type Files = keyof typeof FILES;
const names = <Key extends string>(of: Record<Key, unknown>): Key[] => Object.keys(of) as Key[];

const on = (state: LabState, situation: Situation, files: Files, job: Comparison["job"], grace = 0): Comparison =>
  compared("one", labOf("one", { state, ...SITUATIONS[situation] }, {}, withGrace(grace)), FILES[files], job);

describe.each(STATES)("a lab that is %s", (state) => {
  it("never starts a destroy without a cause, whatever its file and its job are", () => {
    for (const situation of names(SITUATIONS))
      for (const files of names(FILES))
        for (const job of JOBS)
          for (const grace of [0, 4]) {
            const comparison = on(state, situation, files, job, grace);
            const plan = makePlan(inputOf([comparison]));
            const { operation, action } = plan.changes[0]!;
            const about = `${state}, ${situation}, ${files}, ${job?.kind} ${job?.state}, grace ${grace}`;
            const starts = operation.kind === "destroy" || operation.kind === "leave";
            expect(action === "destroy", about).toBe(starts);
            if (operation.kind === "destroy" && operation.cause.kind === "expired")
              expect(situation, about).toBe("due");
            else if (starts) expect(files, about).toBe("none");
            if (["refused", "unreadable", "two", "good and refused"].includes(files))
              expect(
                operation.kind === "destroy" && operation.cause.kind === "expired" ? "none" : operation.kind,
                about,
              ).toBe("none");
            if (operation.kind === "replace") expect(files, about).toBe("immutable edit");
            if (operation.kind === "forget") expect([state, files], about).toEqual(["destroyed", "none"]);
            const running = state === "destroying" || state === "destroy_failed" || state === "destroyed";
            if (running) expect(["none", "forget", "provision"], about).toContain(operation.kind);
          }
  });
});

describe("any plan", () => {
  const comparison = fc
    .record({
      state: fc.constantFrom(...STATES),
      situation: fc.constantFrom(...names(SITUATIONS)),
      files: fc.constantFrom(...names(FILES)),
      job: fc.constantFrom(...JOBS),
      grace: fc.constantFrom(0, 4),
      exists: fc.boolean(),
    })
    .map(({ state, situation, files, job, grace, exists }) => {
      const made = on(state, situation, files, job, grace);
      return exists ? made : { ...made, lab: null, job: null };
    });
  const renamed = (made: Comparison, index: number): Comparison => {
    const name = `lab-${index}`;
    return {
      ...made,
      name,
      lab: made.lab && { ...made.lab, name, id: `id-${name}` },
      files: made.files.map((file) => ({ ...file, name, path: file.path.replace("one", name) })),
    };
  };
  const comparisons = fc.array(comparison, { maxLength: 20 }).map((all) => all.map(renamed));
  const facts = fc
    .record({
      liveLabs: fc.integer({ min: 0, max: 40 }),
      recentDestroys: fc.integer({ min: 0, max: 8 }),
      catalogFiles: fc.integer({ min: 0, max: 3 }),
      historyRewritten: fc.boolean(),
    })
    .map(factsOf);

  it("does not depend on the order of its input", () => {
    fc.assert(
      fc.property(comparisons, facts, fc.infiniteStream(fc.nat()), (all, known, keys) => {
        const shuffled = all.map((each) => [keys.next().value as number, each] as const);
        shuffled.sort(([a], [b]) => a - b);
        const plans = [all, shuffled.map(([, each]) => each)].map((list) =>
          guard(makePlan(inputOf(list)), known, policyOf(), NOW),
        );
        expect(plans[1]).toEqual(plans[0]);
      }),
      { numRuns: 60 },
    );
  });

  it("has the same hash with and without the labs it keeps", () => {
    fc.assert(
      fc.property(comparisons, (all) => {
        const plan = makePlan(inputOf(all));
        const kept = new Set(plan.changes.filter(({ action }) => action === "keep").map(({ lab }) => lab));
        const narrow = makePlan(
          inputOf(
            all.filter(({ name }) => !kept.has(name)),
            { commit: "d".repeat(40), unchanged: kept.size },
          ),
        );
        expect(narrow.hash).toBe(plan.hash);
      }),
      { numRuns: 60 },
    );
  });

  it("passes no destroy that a guard's own terms forbid", () => {
    fc.assert(
      fc.property(comparisons, facts, (all, known) => {
        const plan = guard(makePlan(inputOf(all)), known, policyOf(), NOW);
        const passing = plan.changes.filter(({ held }) => held === null);
        const byCommit = passing.filter(
          ({ operation }) =>
            operation.kind === "leave" ||
            (operation.kind === "destroy" && operation.cause.kind === "commit" && operation.lab.leaving === null),
        );
        if (byCommit.length > 0) {
          expect(byCommit.length + known.recentDestroys).toBeLessThanOrEqual(5);
          expect(known.historyRewritten).toBe(false);
          expect(known.catalogFiles === 0 && known.liveLabs > 0).toBe(false);
        }
        expect(passing.filter(({ replace }) => replace)).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});

it("has another hash when anything that it does is different", () => {
  const hash = (...all: Comparison[]): string => makePlan(inputOf(all)).hash;
  const hashes = [
    hash(),
    hash(compared("one", null, [fileOf("one")])),
    hash(compared("one", null, [fileOf("one", { spec: { workers: 4 } })])),
    hash(compared("two", null, [fileOf("two")])),
    hash(compared("one", labOf("one"), [])),
    hash(compared("one", labOf("one", { id: "another" }), [])),
    hash(compared("one", labOf("one", {}, {}, withGrace(2)), [])),
    hash(compared("one", labOf("one", { expiresAt: NOW }), [])),
    hash(compared("one", labOf("one"), [fileOf("one", { spec: { workers: 4 } })])),
  ];
  expect(new Set(hashes).size).toBe(hashes.length);
});
