import { describe, expect, it } from "vitest";
import { guard, RULES } from "../../src/core/guard.ts";
import type { GuardFacts } from "../../src/core/guard-facts.ts";
import { readLabFile } from "../../src/core/lab-file.ts";
import { makePlan } from "../../src/core/plan.ts";
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
  policyOf,
  profileOf,
  protect,
  refusedFile,
  suspend,
  withGrace,
} from "./builders.ts";

const plan = (comparisons: Comparison[], facts: Partial<GuardFacts> = {}, policy: CatalogPolicy = policyOf()): Plan =>
  guard(makePlan(inputOf(comparisons, { policy })), factsOf(facts), policy, NOW);

const guards = ({ changes }: Plan): Record<string, string | null> =>
  Object.fromEntries(changes.map(({ lab, held }) => [lab, held?.guard ?? null]));

const holds = ({ changes }: Plan): string[] => changes.flatMap(({ held }) => (held === null ? [] : [held.hold]));

const removed = (name: string) => compared(name, labOf(name), []);
const added = (name: string, change: Parameters<typeof fileOf>[1] = {}) => compared(name, null, [fileOf(name, change)]);
const edited = (name: string, change: Parameters<typeof fileOf>[1]) =>
  compared(name, labOf(name), [fileOf(name, change)]);
const expired = (name: string) =>
  compared(name, labOf(name, { expiresAt: NOW, readyAt: hoursFromNow(-24) }), [fileOf(name)]);
const many = (count: number) => Array.from({ length: count }, (_, index) => removed(`lab-${index}`));

it("lists the guards in the order in which they look", () => {
  expect(RULES.map(({ name }) => name)).toEqual([
    "catalog-empty",
    "history-rewritten",
    "unreadable-file",
    "unreadable-memory",
    "several-remembered",
    "unreviewed-destroy",
    "destroy-budget",
    "protected",
    "suspended",
    "freeze-window",
    "quota",
    "immutable-change",
  ]);
});

it("lets a harmless plan through as it is", () => {
  const made = makePlan(inputOf([added("one"), removed("two"), edited("three", { spec: { workers: 4 } })]));
  expect(guard(made, factsOf(), policyOf(), NOW)).toEqual(made);
});

it("says who can approve what waits, where the catalog names them", () => {
  const policy = policyOf();
  const team = { name: "red", githubTeam: "example/team-a" };
  const withTeam = (more: object) => ({ ...policy, teams: new Map([...policy.teams, ["red", { ...team, ...more }]]) });
  const releaseOf = (chosen: CatalogPolicy, comparison: Comparison) =>
    plan([comparison], { catalogFiles: 0, liveLabs: 1 }, chosen).changes[0]?.held?.release;
  expect(releaseOf(withTeam({}), removed("one"))).toContain("Approvers of red: the GitHub team example/team-a.");
  const named = withTeam({ approvers: ["octocat", "hubot"] });
  expect(releaseOf(named, removed("one"))).toContain("Approvers of red: octocat, hubot.");
  const roles = { approvers: ["example/platform"], operators: ["octocat", "monalisa"] };
  expect(releaseOf({ ...named, roles }, removed("one"))).toContain(
    "Approvers of red: octocat, hubot, the GitHub team example/platform, monalisa.",
  );
  expect(releaseOf(policy, removed("one"))).not.toContain("Approvers");
});

describe("catalog-empty", () => {
  it("holds every destroy, and keeps the names of labs that are gone", () => {
    const gone = compared("gone", labOf("gone", { state: "destroyed" }), []);
    expect(guards(plan([removed("one"), gone], { catalogFiles: 0, liveLabs: 1 }))).toEqual({
      one: "catalog-empty",
      gone: "catalog-empty",
    });
  });

  it("holds an expiry too", () => {
    const due = compared("one", labOf("one", { expiresAt: NOW }), []);
    expect(guards(plan([due], { catalogFiles: 0, liveLabs: 1 }))).toEqual({ one: "catalog-empty" });
  });

  it("does not look while one file is left", () => {
    expect(guards(plan([removed("one")], { catalogFiles: 1, liveLabs: 2 }))).toEqual({ one: null });
  });
});

describe("history-rewritten", () => {
  it("holds everything but what is kept", () => {
    const kept = compared("kept", labOf("kept"), [refusedFile("kept")]);
    const all = [added("one"), removed("two"), edited("three", { spec: { ttlHours: 48 } }), expired("four"), kept];
    expect(guards(plan(all, { historyRewritten: true }))).toEqual({
      one: "history-rewritten",
      two: "history-rewritten",
      three: "history-rewritten",
      four: "history-rewritten",
      kept: null,
    });
  });
});

describe("unreadable-file", () => {
  const orphan = compared("new", null, [refusedFile("new", "LK2001")]);

  it("holds the destroys of the same team that the commit causes", () => {
    const blue = compared("blu", labOf("blu", {}, { metadata: { team: "blue" } }), []);
    expect(guards(plan([removed("one"), blue, expired("two"), orphan]))).toEqual({
      one: "unreadable-file",
      blu: null,
      two: null,
      new: null,
    });
  });

  it("holds the start of a grace as well", () => {
    const leaves = compared("one", labOf("one", {}, {}, withGrace(2)), []);
    expect(guards(plan([leaves, orphan]))).toMatchObject({ one: "unreadable-file" });
  });

  it("does not mind a file whose name can be read, nor one that is a known lab's", () => {
    const readable = compared("new", null, [refusedFile("new", "LK2103")]);
    const known = compared("old", labOf("old"), [refusedFile("old", "LK2001")]);
    expect(guards(plan([removed("one"), readable, known]))).toMatchObject({ one: null });
  });
});

describe("unreviewed-destroy", () => {
  const reviewedDestroys = new Set<string>();
  const shortened = (name: string) =>
    compared(name, labOf(name, { readyAt: hoursFromNow(-3), expiresAt: hoursFromNow(21) }), [
      fileOf(name, { spec: { ttlHours: 4 } }),
    ]);

  it("holds what commits end, and nothing else", () => {
    const leaves = compared("leaves", labOf("leaves", {}, {}, withGrace(2)), []);
    const all = [removed("one"), leaves, shortened("short"), expired("four"), added("five")];
    const edit = edited("six", { spec: { workers: 4 } });
    expect(guards(plan([...all, edit], { reviewedDestroys }))).toEqual({
      one: "unreviewed-destroy",
      leaves: "unreviewed-destroy",
      short: "unreviewed-destroy",
      four: null,
      five: null,
      six: null,
    });
  });

  it("lets through the very lab that a plan showed, not another of its name", () => {
    const reviewed = { reviewedDestroys: new Set(["id-one", "id-short"]) };
    expect(guards(plan([removed("one"), shortened("short")], reviewed))).toEqual({ one: null, short: null });
    const another = compared("one", labOf("one", { id: "id-another" }), []);
    expect(guards(plan([another], reviewed))).toEqual({ one: "unreviewed-destroy" });
  });

  it("does not ask again at the end of a grace that was let begin", () => {
    const cause = { kind: "commit", commit: COMMIT, path: null } as const;
    const leaving = { since: hoursFromNow(-2), until: NOW, cause };
    expect(guards(plan([compared("one", labOf("one", { leaving }), [])], { reviewedDestroys }))).toEqual({ one: null });
  });

  it("is approvable, and has no objection where nobody reviews", () => {
    const [hold = ""] = holds(plan([removed("one")], { reviewedDestroys }));
    expect(guards(plan([removed("one")], { reviewedDestroys, approvedHolds: new Set([hold]) }))).toEqual({ one: null });
    expect(guards(plan([removed("one")], { reviewedDestroys: null }))).toEqual({ one: null });
    expect(guards(plan([removed("one")]))).toEqual({ one: null });
  });
});

describe("destroy-budget", () => {
  it("holds all destroys of commits once the count is exceeded", () => {
    expect(guards(plan(many(5)))).not.toMatchObject({ "lab-0": "destroy-budget" });
    const over = plan(many(6));
    expect(new Set(Object.values(guards(over)))).toEqual(new Set(["destroy-budget"]));
    expect(over.summary).toMatchObject({ destroy: 6, held: 6 });
  });

  it("adds up what went in the window before", () => {
    expect(guards(plan(many(1), { recentDestroys: 4 }))).toEqual({ "lab-0": null });
    expect(guards(plan(many(1), { recentDestroys: 5 }))).toEqual({ "lab-0": "destroy-budget" });
  });

  it("takes the stricter of count and share from ten labs on", () => {
    expect(holds(plan(many(3), { liveLabs: 9 }))).toEqual([]);
    expect(holds(plan(many(2), { liveLabs: 10 }))).toEqual([]);
    expect(holds(plan(many(3), { liveLabs: 10 }))).toHaveLength(3);
    expect(holds(plan(many(6), { liveLabs: 1_000 }))).toHaveLength(6);
  });

  it("does not count expiries, replacements, nor labs that already leave", () => {
    const cause = { kind: "commit", commit: COMMIT, path: null } as const;
    const left = compared("left", labOf("left", { leaving: { since: hoursFromNow(-9), until: NOW, cause } }), []);
    const all = [...many(5), expired("x"), left, edited("y", { spec: { version: "4.21.0" } })];
    expect(guards(plan(all))).toMatchObject({ "lab-0": null, x: null, left: null, y: "immutable-change" });
  });

  it("fails closed when a number is not one", () => {
    expect(holds(plan(many(1), { recentDestroys: Number.NaN }))).toHaveLength(1);
    expect(holds(plan(many(1), {}, policyOf({ guards: { maxDestroyPercent: Number.NaN } })))).toHaveLength(0);
    expect(
      holds(plan(many(1), { liveLabs: 20 }, policyOf({ guards: { maxDestroyPercent: Number.NaN } }))),
    ).toHaveLength(1);
  });

  it("lets an approved destroy go alone, and goes on holding the others", () => {
    const [first] = holds(plan(many(6)));
    const approved = plan(many(6), { approvedHolds: new Set([first!]) });
    expect(guards(approved)).toMatchObject({ "lab-0": null, "lab-1": "destroy-budget" });
  });
});

describe("protected", () => {
  const lab = labOf("one");
  const guarded = { ...lab, spec: protect(lab.spec), documentDigest: "sha256:x" };

  it("holds a removal and an expiry, and nobody can approve it", () => {
    for (const change of [guarded, { ...guarded, expiresAt: NOW }]) {
      const held = plan([compared("one", change, [])]);
      expect(held.changes[0]!.held).toMatchObject({ guard: "protected", approvable: false });
      const again = plan([compared("one", change, [])], { approvedHolds: new Set(holds(held)) });
      expect(guards(again)).toEqual({ one: "protected" });
    }
  });

  it("holds a replacement unless the same file lifts the protection", () => {
    const both = fileOf("one", { spec: { version: "4.21.0", protect: true } });
    const lifted = fileOf("one", { spec: { version: "4.21.0", protect: false } });
    expect(guards(plan([compared("one", guarded, [both])]))).toEqual({ one: "protected" });
    expect(guards(plan([compared("one", guarded, [lifted])]))).toEqual({ one: "immutable-change" });
  });

  it("does not mind other edits", () => {
    expect(guards(plan([compared("one", guarded, [fileOf("one", { spec: { workers: 4, protect: true } })])]))).toEqual({
      one: null,
    });
  });
});

describe("suspended", () => {
  const lab = labOf("one");
  const asleep = { ...lab, spec: suspend(lab.spec), documentDigest: "sha256:x" };

  it("holds everything but the edit that ends it", () => {
    const file = (spec: object) => [fileOf("one", { spec })];
    expect(guards(plan([compared("one", asleep, [])]))).toEqual({ one: "suspended" });
    expect(guards(plan([compared("one", { ...asleep, expiresAt: NOW }, file({ suspend: true }))]))).toEqual({
      one: "suspended",
    });
    expect(guards(plan([compared("one", asleep, file({ suspend: true, ttlHours: 48 }))]))).toEqual({
      one: "suspended",
    });
    expect(guards(plan([compared("one", asleep, file({ suspend: true, version: "4.21.0" }))]))).toEqual({
      one: "suspended",
    });
    expect(guards(plan([compared("one", asleep, file({ suspend: false, workers: 4 }))]))).toEqual({ one: null });
    expect(guards(plan([compared("one", asleep, file({}))]))).toEqual({ one: null });
  });

  it("does not hold the edit that begins it, and creates no suspended lab", () => {
    expect(guards(plan([edited("one", { spec: { suspend: true } })]))).toEqual({ one: null });
    expect(guards(plan([added("one", { spec: { suspend: true } })]))).toEqual({ one: "suspended" });
  });

  it("lets a lab return that was leaving", () => {
    const cause = { kind: "commit", commit: COMMIT, path: null } as const;
    const leaving = { ...asleep, leaving: { since: NOW, until: hoursFromNow(1), cause } };
    expect(guards(plan([compared("one", leaving, [fileOf("one")])]))).toEqual({ one: null });
  });
});

describe("freeze-window", () => {
  const frozen = (from: Date | string, to: Date | string) => {
    const iso = (at: Date | string) => (typeof at === "string" ? at : at.toISOString());
    return policyOf({ guards: { freezeWindows: [{ name: "release", from: iso(from), to: iso(to) }] } });
  };

  it("holds what touches labs from its first moment to before its last", () => {
    const all = [
      added("a"),
      removed("b"),
      expired("c"),
      edited("d", { spec: { workers: 4 } }),
      edited("e", { spec: { ttlHours: 48 } }),
    ];
    const held = { a: "freeze-window", b: "freeze-window", c: "freeze-window", d: "freeze-window", e: null };
    expect(guards(plan(all, {}, frozen(NOW, hoursFromNow(1))))).toEqual(held);
    expect(holds(plan(all, {}, frozen(hoursFromNow(-1), NOW)))).toEqual([]);
    expect(holds(plan(all, {}, frozen(hoursFromNow(1), hoursFromNow(2))))).toEqual([]);
  });

  it("stays shut when its times cannot be read", () => {
    expect(holds(plan([added("a")], {}, frozen("soon", "later")))).toHaveLength(1);
  });
});

describe("quota", () => {
  const team = (limits: object) => policyOf({ teams: [{ name: "red", ...limits }] });

  it("holds the creates beyond the team's labs, always the same ones", () => {
    const facts = { liveLabsByTeam: new Map([["red", 2]]) };
    const held = { a: null, b: "quota", c: "quota" };
    expect(guards(plan([added("c"), added("a"), added("b")], facts, team({ maxActiveLabs: 3 })))).toEqual(held);
    expect(guards(plan([added("a"), added("b"), added("c")], facts, team({ maxActiveLabs: 3 })))).toEqual(held);
  });

  it("does not free a place before the lab is gone", () => {
    const facts = { liveLabsByTeam: new Map([["red", 1]]) };
    expect(guards(plan([added("a"), removed("b")], facts, team({ maxActiveLabs: 1 })))).toEqual({
      a: "quota",
      b: null,
    });
  });

  it("counts a lab that moves in, not one that is held for another reason", () => {
    const facts = { liveLabsByTeam: new Map([["blue", 1]]) };
    const policy = policyOf({ teams: [{ name: "red" }, { name: "blue", maxActiveLabs: 2 }] });
    const moves = edited("a", { metadata: { team: "blue" } });
    const create = added("b", { metadata: { team: "blue" } });
    expect(guards(plan([moves, create], facts, policy))).toEqual({ a: null, b: "quota" });
    const asleep = added("a", { metadata: { team: "blue" }, spec: { suspend: true } });
    expect(guards(plan([asleep, create], facts, policy))).toEqual({ a: "suspended", b: null });
  });

  // A lab of the default profile costs 1.2 × 730 = 876 a month, and 146 more with each worker.
  it("holds what goes over the team's monthly budget", () => {
    const facts = { monthlyCostByTeam: new Map([["red", 1_000]]) };
    const budget = (monthlyBudget: number) => team({ monthlyBudget });
    expect(guards(plan([added("a"), added("b")], facts, budget(2_000)))).toEqual({ a: null, b: "quota" });
    expect(guards(plan([edited("a", { spec: { workers: 4 } })], facts, budget(1_146)))).toEqual({ a: null });
    expect(guards(plan([edited("a", { spec: { workers: 4 } })], facts, budget(1_145)))).toEqual({ a: "quota" });
    expect(guards(plan([edited("a", { spec: { workers: 1 } })], facts, budget(10)))).toEqual({ a: null });
  });

  it("counts an approved create against the next one", () => {
    const facts = { monthlyCostByTeam: new Map([["red", 0]]) };
    const policy = team({ monthlyBudget: 1_000 });
    const big = added("a", { spec: { workers: 6 } });
    const [hold] = holds(plan([big, added("b")], facts, policy));
    expect(guards(plan([big, added("b")], facts, policy))).toEqual({ a: "quota", b: null });
    const approvedHolds = new Set([hold!]);
    expect(guards(plan([big, added("b")], { ...facts, approvedHolds }, policy))).toEqual({ a: null, b: "quota" });
  });

  it("holds a lab that costs more than its profile allows", () => {
    const profile = profileOf("standard", { costControls: { estimatedHourlyCost: 1.2, maxMonthlyCost: 900 } });
    const policy = policyOf({ profiles: [profile] });
    expect(guards(plan([added("a"), added("b", { spec: { workers: 4 } })], {}, policy))).toEqual({
      a: null,
      b: "quota",
    });
    const made = compared("c", labOf("c", {}, {}, profile), [fileOf("c", { spec: { workers: 4 } })]);
    expect(guards(plan([made], {}, policy))).toEqual({ c: "quota" });
  });

  it("fails closed for an unknown team and for numbers that are none", () => {
    expect(guards(plan([added("a", { metadata: { team: "green" } })]))).toEqual({ a: "quota" });
    const facts = { liveLabsByTeam: new Map([["red", Number.NaN]]) };
    expect(guards(plan([added("a")], facts, team({ maxActiveLabs: 9 })))).toEqual({ a: "quota" });
  });
});

describe("immutable-change", () => {
  const replace = edited("one", { spec: { version: "4.21.0" } });

  it("holds a replacement until it is approved; the cause then names the hold", () => {
    const held = plan([replace]);
    expect(held.changes[0]).toMatchObject({
      action: "update",
      replace: true,
      held: { guard: "immutable-change", approvable: true },
    });
    const [hold] = holds(held);
    const approved = plan([replace], { approvedHolds: new Set([hold!]) });
    expect(approved.changes[0]).toMatchObject({
      held: null,
      operation: { kind: "replace", cause: { kind: "replace", hold } },
    });
  });

  it("asks again when the file asks for something else", () => {
    const [hold] = holds(plan([replace]));
    const other = edited("one", { spec: { version: "4.21.0", workers: 4 } });
    expect(guards(plan([other], { approvedHolds: new Set([hold!]) }))).toEqual({ one: "immutable-change" });
  });
});

describe("holds", () => {
  it("let the next guard look once approved", () => {
    const policy = policyOf({
      guards: {
        freezeWindows: [{ name: "f", from: hoursFromNow(-1).toISOString(), to: hoursFromNow(1).toISOString() }],
      },
    });
    const approvedHolds = new Set<string>();
    const seen: (string | null)[] = [];
    for (let round = 0; round < 3; round++) {
      const next = plan([removed("one")], { catalogFiles: 0, approvedHolds }, policy);
      seen.push(guards(next)["one"] ?? null);
      for (const hold of holds(next)) approvedHolds.add(hold);
    }
    expect(seen).toEqual(["catalog-empty", "freeze-window", null]);
  });

  it("have the same id in every cycle and another one for another incarnation", () => {
    const id = (comparison: Comparison) => holds(plan([comparison], { historyRewritten: true }))[0];
    expect(id(removed("one"))).toMatch(/^hold-[0-9a-f]{10}$/);
    expect(id(removed("one"))).toBe(id(removed("one")));
    expect(id(compared("one", labOf("one", { id: "next" }), []))).not.toBe(id(removed("one")));
  });

  it("are part of the plan's hash, so a held plan is another plan", () => {
    expect(plan([removed("one")], { historyRewritten: true }).hash).not.toBe(plan([removed("one")]).hash);
  });
});

it("holds a team's destroys when its whole folder became something that cannot be read", () => {
  const policy = policyOf();
  const link = readLabFile({ path: "labs/red", kind: "refused", blobOid: "1".repeat(40), why: "symlink" }, policy);
  const comparisons = [compared(link.name, null, [link]), removed("one")];
  expect(guards(plan(comparisons))).toMatchObject({ one: "unreadable-file" });
});

it.each(["hi\n", "", "metadata: {name: new, team: blue}\n"])(
  "holds a team's destroys when a plain file took the place of its folder: %j",
  (text) => {
    const bytes = new TextEncoder().encode(text);
    const file = readLabFile({ path: "labs/red", kind: "file", blobOid: "1".repeat(40), bytes }, policyOf());
    const blue = compared("blu", labOf("blu", {}, { metadata: { team: "blue" } }), []);
    const comparisons = [compared(file.name, null, [file]), removed("one"), blue];
    expect(guards(plan(comparisons))).toMatchObject({ one: "unreadable-file", blu: null });
  },
);
