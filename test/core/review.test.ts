import { describe, expect, it } from "vitest";
import { guard } from "../../src/core/guard.ts";
import type { GuardFacts } from "../../src/core/guard-facts.ts";
import { makePlan, type PlanInput } from "../../src/core/plan.ts";
import { makeReview, type ReviewInput, touchedLabs } from "../../src/core/review.ts";
import type { CatalogPolicy, Comparison, Plan } from "../../src/core/types.ts";
import {
  COMMIT,
  compared,
  factsOf,
  fileOf,
  hoursFromNow,
  inputOf,
  labOf,
  NOW,
  PREVIOUS,
  policyOf,
  profileOf,
  refusedFile,
  withGrace,
} from "./builders.ts";

const planOf = (
  comparisons: readonly Comparison[],
  facts: GuardFacts = factsOf(),
  change: Partial<PlanInput> = {},
): Plan => {
  const input = inputOf(comparisons, change);
  return guard(makePlan(input), facts, input.policy, NOW);
};

const reviewOf = (change: Partial<ReviewInput> = {}) =>
  makeReview({
    pullRequest: 12,
    headCommit: COMMIT,
    baseCommit: PREVIOUS,
    base: planOf([]),
    proposed: planOf([]),
    paths: new Set(),
    policy: { before: policyOf(), after: policyOf(), paths: [] },
    facts: factsOf(),
    lastUsed: new Map(),
    durations: [],
    liveLabs: new Map(),
    conflicts: [],
    now: NOW,
    ...change,
  });

const fresh = compared("fresh", null, [fileOf("fresh", { spec: { ttlHours: 10 } })]);
const away = (change = {}, policy = profileOf()) => compared("away", labOf("away", change, {}, policy), []);

describe("changes", () => {
  it("are those that the base branch would not make without the pull request", () => {
    const pending = compared("pending", null, [fileOf("pending")]);
    const base = planOf([pending, compared("other", labOf("other"), [])]);
    const proposed = planOf([pending, compared("other", labOf("other"), []), fresh]);
    const review = reviewOf({ base, proposed });
    expect(review.changes.map(({ lab, action }) => [lab, action])).toEqual([["fresh", "create"]]);
  });

  it("count anew when the pull request asks for something else of the same lab", () => {
    const base = planOf([compared("one", labOf("one"), [fileOf("one", { spec: { ttlHours: 30 } })])]);
    const proposed = planOf([compared("one", labOf("one"), [fileOf("one", { spec: { ttlHours: 40 } })])]);
    expect(reviewOf({ base, proposed }).changes.map(({ fields }) => fields[0]?.after)).toEqual([40]);
  });

  it("count anew when they are held because of it", () => {
    const teams = [{ name: "red", maxActiveLabs: 1 }];
    const pending = compared("pending", null, [fileOf("pending")]);
    const base = planOf([pending], factsOf(), { policy: policyOf({ teams }) });
    const proposed = planOf([pending, fresh], factsOf(), { policy: policyOf({ teams }) });
    const review = reviewOf({ base, proposed });
    expect(review.changes.map(({ lab, held }) => [lab, held?.guard ?? null])).toEqual([
      ["fresh", null],
      ["pending", "quota"],
    ]);
  });

  it("say what is asked for, what it costs, and where it is written", () => {
    const [change] = reviewOf({ proposed: planOf([fresh]) }).changes;
    expect(change).toMatchObject({
      lab: "fresh",
      team: "red",
      action: "create",
      path: "labs/red/fresh.yaml",
      labId: null,
      cost: { perDay: 28.8, untilExpiry: 12 },
      held: null,
      running: null,
    });
    expect(change?.order).toContain("profile standard");
  });

  it("leave out labs that are kept", () => {
    expect(reviewOf({ proposed: planOf([compared("bad", labOf("bad"), [refusedFile("bad")])]) }).changes).toEqual([]);
  });
});

describe("a running lab", () => {
  it("that would go is told with its owner, its age and its last use", () => {
    const lastUsed = new Map([["id-away", hoursFromNow(-2)]]);
    const [change] = reviewOf({ proposed: planOf([away()]), lastUsed }).changes;
    expect(change?.running).toEqual({
      owner: "octocat",
      state: "ready",
      since: hoursFromNow(-1).toISOString(),
      lastUsed: hoursFromNow(-2).toISOString(),
      graceHours: null,
    });
  });

  it("has the hours of its grace, or of its warning when an edit ends it", () => {
    const [leaving] = reviewOf({ proposed: planOf([away({}, withGrace(6))]) }).changes;
    expect(leaving?.running?.graceHours).toBe(6);
    const old = labOf("one", { readyAt: hoursFromNow(-20), expiresAt: hoursFromNow(4) });
    const [cut] = reviewOf({
      proposed: planOf([compared("one", old, [fileOf("one", { spec: { ttlHours: 1 } })])]),
    }).changes;
    expect(cut).toMatchObject({ action: "update", running: { graceHours: 4, lastUsed: null } });
  });

  it("is one that was ready: what is being made or is gone is in nobody's use", () => {
    const states = ["pending", "provisioning", "failed"] as const;
    for (const state of states) {
      const [change] = reviewOf({ proposed: planOf([away({ state })]) }).changes;
      expect(change).toMatchObject({ action: "destroy", running: null });
    }
  });

  it("that is replaced is told too", () => {
    const newer = compared("newer", labOf("newer"), [fileOf("newer", { spec: { version: "4.21.0" } })]);
    const [change] = reviewOf({ proposed: planOf([newer]) }).changes;
    expect(change).toMatchObject({ action: "replace", running: { owner: "octocat" }, held: { approvable: true } });
  });
});

describe("problems", () => {
  it("are those of the pull request's own files", () => {
    const comparisons = [compared("bad", null, [refusedFile("bad")]), compared("other", null, [refusedFile("other")])];
    const paths = new Set(["labs/red/bad.yaml"]);
    expect(reviewOf({ proposed: planOf(comparisons), paths }).problems.map(({ path }) => path)).toEqual([
      "labs/red/bad.yaml",
    ]);
  });
});

describe("a change of the policy", () => {
  const policyReview = (before: CatalogPolicy | null, after: CatalogPolicy | null, paths = ["catalog.yaml"]) =>
    reviewOf({
      policy: { before, after, paths },
      liveLabs: new Map([["standard", { count: 12, names: Array.from({ length: 12 }, (_, index) => `lab-${index}`) }]]),
    }).policy;

  it("is none when none of its files changes", () => {
    expect(policyReview(policyOf(), policyOf({ guards: { maxDestroys: 9 } }), [])).toBeNull();
  });

  it("tells profiles with the labs that pinned them", () => {
    const dearer = profileOf("standard", { costControls: { estimatedHourlyCost: 2 } });
    const changed = policyReview(policyOf(), policyOf({ profiles: [dearer, profileOf("tiny")] }));
    expect(changed?.profiles).toEqual([
      { name: "standard", change: "changed", liveLabs: 12, labs: Array.from({ length: 10 }, (_, at) => `lab-${at}`) },
      { name: "tiny", change: "added", liveLabs: 0, labs: [] },
    ]);
    expect(policyReview(policyOf(), policyOf({ profiles: [] }))?.profiles).toMatchObject([
      { name: "standard", change: "removed" },
    ]);
    const unusable = { ...policyOf({ profiles: [] }), unusableProfiles: new Set(["standard"]) };
    expect(policyReview(policyOf(), unusable)?.profiles).toMatchObject([{ name: "standard", change: "changed" }]);
  });

  it("tells settings by where they are written", () => {
    const before = policyOf({ teams: [{ name: "red", monthlyBudget: 100 }, { name: "blue" }] });
    const after: CatalogPolicy = {
      ...policyOf({
        teams: [
          { name: "red", maxActiveLabs: 2 },
          { name: "green", monthlyBudget: 7 },
        ],
        guards: { maxDestroys: 9 },
      }),
      roles: { approvers: ["octocat"] },
    };
    expect(policyReview(before, after)?.settings).toEqual([
      { path: "guards.maxDestroys", before: 5, after: 9 },
      { path: "roles.approvers", before: null, after: ["octocat"] },
      { path: "teams.blue", before: { name: "blue" }, after: null },
      { path: "teams.green", before: null, after: { name: "green", monthlyBudget: 7 } },
      { path: "teams.red.maxActiveLabs", before: null, after: 2 },
      { path: "teams.red.monthlyBudget", before: 100, after: null },
    ]);
  });

  it("compares nothing with a policy that cannot be used, and still says that it changes", () => {
    expect(policyReview(policyOf(), null)).toEqual({ paths: ["catalog.yaml"], profiles: [], settings: [] });
    expect(policyReview(null, policyOf())).toEqual({ paths: ["catalog.yaml"], profiles: [], settings: [] });
  });
});

describe("the rest of it", () => {
  it("says what teams have and would have, within the limits that would hold then", () => {
    const facts = factsOf({ liveLabsByTeam: new Map([["red", 2]]), monthlyCostByTeam: new Map([["red", 1752]]) });
    const after = policyOf({ teams: [{ name: "red", maxActiveLabs: 4, monthlyBudget: 3000 }] });
    const review = reviewOf({
      proposed: planOf([fresh], facts),
      facts,
      policy: { before: policyOf(), after, paths: ["catalog.yaml"] },
    });
    expect(review.teams).toEqual([
      {
        team: "red",
        labs: { before: 2, after: 3, limit: 4 },
        monthly: { before: 1752, after: 2628, limit: 3000 },
      },
    ]);
  });

  it("keeps durations of profiles that are asked for, and sorts conflicts", () => {
    const durations = ["standard", "other"].map((profile) => ({ profile, count: 3, p50: 1, p90: 2 }));
    const review = reviewOf({ proposed: planOf([fresh]), durations, conflicts: ["b", "a"] });
    expect(review.durations.map(({ profile }) => profile)).toEqual(["standard"]);
    expect(review.conflicts).toEqual(["a", "b"]);
  });

  it("is JSON, and has the same hash whenever the same is asked for", () => {
    const review = reviewOf({ proposed: planOf([fresh, away()]) });
    expect(JSON.parse(JSON.stringify(review))).toEqual(review);
    const later = makePlan(inputOf([away(), fresh], { commit: "e".repeat(40), now: hoursFromNow(1) }));
    const again = reviewOf({ proposed: guard(later, factsOf(), policyOf(), hoursFromNow(1)), now: hoursFromNow(1) });
    expect(again.hash).toBe(review.hash);
    expect(reviewOf({ proposed: planOf([fresh]) }).hash).not.toBe(review.hash);
    expect(reviewOf({ proposed: planOf([fresh, away({ id: "another" })]) }).hash).not.toBe(review.hash);
  });

  it("names the labs it touches", () => {
    expect(touchedLabs(reviewOf({ proposed: planOf([fresh, away()]) }))).toEqual([
      { lab: "away", team: "red", path: "labs/red/away.yaml", action: "destroy", labId: "id-away" },
      { lab: "fresh", team: "red", path: "labs/red/fresh.yaml", action: "create", labId: null },
    ]);
  });
});
