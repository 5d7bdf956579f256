import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CatalogPlanInput, catalogPlan, refusedCatalogPlan } from "../../src/core/catalog-plan.ts";
import type { CatalogPolicy, DesiredFile } from "../../src/core/types.ts";
import { aLabFile, aPolicy, aProfile, aRefusedFile, COMMIT, commitNumber } from "../fixtures.ts";

const NOW = new Date("2026-03-02T10:00:00Z");

const plan = (input: Partial<CatalogPlanInput>) =>
  catalogPlan({
    before: [],
    after: [],
    same: [],
    unread: 0,
    policyBefore: input.policy ?? aPolicy(),
    policy: aPolicy(),
    policyPaths: [],
    problems: [],
    commit: COMMIT,
    previousCommit: commitNumber(1),
    now: NOW,
    ...input,
  });

const reviewOf = (input: Partial<CatalogPlanInput>) => plan(input).review;

const rows = (input: Partial<CatalogPlanInput>): string[] =>
  plan(input).plan.changes.map(
    ({ lab, action, replace, held }) =>
      `${lab} ${replace ? "replace" : action}${held === null ? "" : ` held by ${held.guard}`}`,
  );

const one = aLabFile("one");
const moved = (file: DesiredFile, path: string): DesiredFile => ({ ...file, path });

describe("what a pull request does", () => {
  test.each<[string, Partial<CatalogPlanInput>, string[]]>([
    ["adds a file", { after: [one] }, ["one create"]],
    ["removes a file", { before: [one], unread: 1 }, ["one destroy"]],
    [
      "changes what can change in place",
      { before: [one], after: [aLabFile("one", { spec: { ttlHours: 48 } })] },
      ["one update"],
    ],
    ["writes the same in other words", { before: [one], after: [{ ...one, blobOid: "c".repeat(40) }] }, ["one keep"]],
    ["moves a file", { before: [one], after: [moved(one, "labs/team-a/one.yml")] }, ["one keep"]],
    ["gives a lab to another team", { before: [one], after: [aLabFile("one", { team: "team-b" })] }, ["one update"]],
    ["breaks a file", { before: [one], after: [aRefusedFile("one")] }, ["one keep"]],
    ["adds a broken file", { after: [aRefusedFile("one")] }, ["one keep"]],
    [
      "renames a file into one that is refused",
      { before: [one], after: [aRefusedFile("two", ["two", "one"])] },
      ["one keep", "two keep"],
    ],
    ["claims a name that another file has", { after: [moved(one, "labs/team-b/one.yaml")], same: [one] }, ["one keep"]],
    [
      "removes one of two files of a name",
      { before: [moved(one, "labs/team-b/one.yaml")], same: [one] },
      ["one create"],
    ],
    ["mends a file that was refused", { before: [aRefusedFile("one")], after: [one] }, ["one create"]],
    ["removes a file that was refused", { before: [aRefusedFile("one")] }, []],
    [
      "removes a lab that is protected",
      { before: [aLabFile("one", { spec: { protect: true } })], unread: 1 },
      ["one destroy held by protected"],
    ],
  ])("%s", (_, input, expected) => {
    expect(rows(input)).toEqual(expected);
  });

  test("changes of fields that are fixed are replacements, which wait", () => {
    const regions = { allowlist: ["here", "there"], default: "here" };
    const policy = aPolicy({ profiles: [aProfile("simulated", { regions })] });
    const after = [aLabFile("one", { spec: { region: "there" } })];
    expect(rows({ before: [one], after, policy })).toEqual(["one replace held by immutable-change"]);
    // Writing the default out asks for nothing else.
    expect(rows({ before: [one], after: [aLabFile("one", { spec: { region: "here" } })], policy })).toEqual([
      "one update",
    ]);
  });

  test("what labs pinned is what the base says, not what the pull request makes of the profile", () => {
    const grace = (hours: number): CatalogPolicy => {
      const { lifecycle } = aProfile().spec;
      return aPolicy({ profiles: [aProfile("simulated", { lifecycle: { ...lifecycle, deletionGraceHours: hours } })] });
    };
    const [change] = plan({ before: [one], policyBefore: grace(6), policy: grace(0) }).plan.changes;
    expect(change?.reason).toContain("after a grace of 6 h");
  });

  test("a changed profile is told with the labs that were made with it, and changes none of them", () => {
    const before = aPolicy({ profiles: [aProfile("simulated"), aProfile("other")] });
    const dearer = { costControls: { estimatedHourlyCost: 2 } };
    const policy = aPolicy({
      profiles: [aProfile("simulated", dearer), aProfile("other")],
      guards: { windowHours: 6 },
    });
    const same = [one, aLabFile("two"), aLabFile("three", { spec: { profile: "other" } })];
    const found = plan({
      same,
      policyBefore: before,
      policy,
      policyPaths: ["profiles/simulated.yaml", "catalog.yaml"],
    });
    expect(found.plan.summary).toMatchObject({ create: 0, update: 0, destroy: 0, keep: 3 });
    expect(found.review.policy).toEqual({
      paths: ["catalog.yaml", "profiles/simulated.yaml"],
      profiles: [{ name: "simulated", change: "changed", liveLabs: 2, labs: ["one", "two"] }],
      settings: [{ path: "guards.windowHours", before: 24, after: 6 }],
    });
    expect(plan({ after: [one] }).review.policy).toBeNull();
  });

  test("without a policy at the base, labs are taken to have pinned the present one", () => {
    expect(rows({ before: [one], unread: 1, policyBefore: null })).toEqual(["one destroy"]);
  });

  test("a policy that cannot be used changes nothing", () => {
    const about = {
      policyBefore: aPolicy(),
      policyPaths: ["catalog.yaml"],
      problems: [],
      commit: COMMIT,
      previousCommit: COMMIT,
    };
    const found = refusedCatalogPlan(about);
    expect(found.plan.changes).toEqual([]);
    expect(found.review).toMatchObject({ changes: [], teams: [], policy: { paths: ["catalog.yaml"], settings: [] } });
  });

  test("says of which names it cannot know whether they have a lab", () => {
    const twice = [moved(one, "labs/team-b/one.yaml"), one];
    expect(plan({ before: [aRefusedFile("bad", ["bad", "worse"]), aLabFile("two")] }).unknown).toEqual([
      "bad",
      "worse",
    ]);
    expect(plan({ before: twice }).unknown).toEqual(["one"]);
    expect(plan({ before: [aLabFile("two")], after: [one] }).unknown).toEqual([]);
  });
});

describe("guards", () => {
  const many = (count: number, from = 0) => Array.from({ length: count }, (_, at) => aLabFile(`lab-${at + from}`));

  test("count the labs of the base, also those of files that were not read", () => {
    const policy = aPolicy({ guards: { maxDestroys: 5, maxDestroyPercent: 25 } });
    expect(plan({ before: many(3), unread: 97, policy }).plan.summary.held).toBe(0);
    expect(plan({ before: many(6), unread: 97, policy }).plan.summary.held).toBe(6);
    expect(plan({ before: many(3), unread: 7, policy }).plan.summary).toMatchObject({ destroy: 3, held: 3, keep: 7 });
  });

  test("hold everything back when the last files go", () => {
    expect(new Set(rows({ before: many(2) }))).toEqual(
      new Set(["lab-0 destroy held by catalog-empty", "lab-1 destroy held by catalog-empty"]),
    );
  });

  test("hold what exceeds a quota, and leave the id out where only the records know it", () => {
    const policy = aPolicy({ teams: [{ name: "team-a", maxActiveLabs: 3 }] });
    const { plan: found } = plan({ after: many(2, 10), same: many(2), policy });
    expect(found.changes.map(({ lab, held }) => [lab, held?.guard ?? null, held?.hold.slice(0, 5)])).toEqual([
      ["lab-10", null, undefined],
      ["lab-11", "quota", "hold-"],
    ]);
    const [removal] = plan({ before: [aLabFile("one", { spec: { suspend: true } })], same: many(1) }).plan.changes;
    expect(removal?.held).toMatchObject({ guard: "suspended", hold: "" });
  });
});

describe("what teams have", () => {
  const policy = aPolicy({
    profiles: [aProfile("simulated", { costControls: { estimatedHourlyCost: 1 } })],
    teams: [{ name: "team-a", maxActiveLabs: 4, monthlyBudget: 3500 }, { name: "team-b" }],
  });

  test("before and after, with limits; other teams are left out", () => {
    const { teams } = reviewOf({
      before: [one],
      after: [aLabFile("two"), aLabFile("three")],
      same: [aLabFile("four")],
      policy,
    });
    expect(teams).toEqual([
      {
        team: "team-a",
        labs: { before: 2, after: 3, limit: 4 },
        monthly: { before: 1460, after: 2190, limit: 3500 },
      },
    ]);
  });

  test("a lab that moves leaves the one and comes to the other", () => {
    const { teams } = reviewOf({ before: [one], after: [aLabFile("one", { team: "team-b" })], policy });
    expect(teams.map(({ team, labs }) => [team, labs.before, labs.after])).toEqual([
      ["team-a", 1, 0],
      ["team-b", 0, 1],
    ]);
  });

  test("what is held counts for nothing", () => {
    const after = ["one", "two", "three", "four", "five"].map((name) => aLabFile(name));
    expect(reviewOf({ after, policy }).teams).toMatchObject([{ labs: { before: 0, after: 4 } }]);
  });

  test("a lab costs by the day and until it expires", () => {
    const { changes } = reviewOf({
      after: [aLabFile("one", { spec: { ttlHours: 10 } })],
      before: [aLabFile("two")],
      policy,
    });
    expect(changes.map(({ lab, action, cost }) => [lab, action, cost])).toEqual([
      ["one", "create", { perDay: 24, untilExpiry: 10 }],
      ["two", "destroy", { perDay: 0, untilExpiry: 0 }],
    ]);
  });
});

test("whatever a pull request does: no lab goes whose file stays, every removed one is told, and the order says nothing", () => {
  const file = fc.record({ name: fc.constantFrom("a", "b", "c", "d"), hours: fc.integer({ min: 1, max: 3 }) });
  const side = fc.uniqueArray(file, { selector: ({ name }) => name });
  fc.assert(
    fc.property(side, side, fc.integer({ min: 0, max: 5 }), (was, is, unread) => {
      const files = (list: typeof was) => list.map(({ name, hours }) => aLabFile(name, { spec: { ttlHours: hours } }));
      const after = files(is);
      const { plan: found } = plan({ before: files(was), after, unread });
      const names = new Set<string>(is.map(({ name }) => name));
      for (const { lab, action } of found.changes) expect(action === "destroy").toBe(!names.has(lab));
      const { create, update, destroy, keep } = found.summary;
      expect(create + update + destroy + keep).toBe(new Set([...was, ...is].map(({ name }) => name)).size + unread);
      expect(plan({ before: files(was).reverse(), after: [...after].reverse(), unread }).plan).toEqual(found);
    }),
  );
});
