import { describe, expect, test } from "vitest";
import { adoptedId, adopting, namesWithoutLab } from "../../src/core/adoption.ts";
import { guard } from "../../src/core/guard.ts";
import { makePlan } from "../../src/core/plan.ts";
import { planToJson } from "../../src/core/render-json.ts";
import type { Plan, Remembered, RememberedLab } from "../../src/core/types.ts";
import { compared, factsOf, fileOf, inputOf, labOf, NOW, policyOf, profileOf } from "./builders.ts";

const PLAN = makePlan(
  inputOf([
    compared("broken", null, [fileOf("broken", { spec: { profile: "unknown" } })]),
    compared("kept", labOf("kept"), [fileOf("kept")]),
    compared("new", null, [fileOf("new", { spec: { workers: 4 } })]),
    compared("one", null, [fileOf("one", { spec: { workers: 4 } })]),
  ]),
);

const policy = profileOf("standard", { costControls: { estimatedHourlyCost: 9 } });
const lab = (name: string, id = `id-${name}`): RememberedLab => ({ ...labOf(name, {}, {}, policy), id, intent: {} });
const remembered = (...labs: readonly RememberedLab[]): ReadonlyMap<string, Remembered> =>
  new Map(labs.map((each) => [each.name, { kind: "lab", lab: each, others: [] }]));
const unreadable: Remembered = { kind: "unreadable", why: "LK6001 no", remedy: "Mend it." };

const guarded = (plan: Plan): Plan => guard(plan, factsOf(), policyOf(), NOW);
const changeOf = (plan: Plan, name: string) => plan.changes.find((change) => change.lab === name);

test("asks about the labs that are missing, and no others", () => {
  expect(namesWithoutLab(PLAN)).toEqual(["broken", "new", "one"]);
});

test("without anything remembered it is the same plan", () => {
  expect(adopting(PLAN, new Map())).toBe(PLAN);
});

describe("a lab that is remembered", () => {
  test("is adopted with what it pinned and what its file makes of that; the others are as they were", () => {
    const plan = adopting(PLAN, remembered(lab("one")));
    expect(changeOf(plan, "one")).toMatchObject({ action: "create", operation: { policy, spec: { workers: 4 } } });
    for (const name of ["broken", "kept", "new"]) expect(changeOf(plan, name)).toEqual(changeOf(PLAN, name));
    expect(plan.summary).toEqual(PLAN.summary);
    expect(plan.hash).not.toBe(PLAN.hash);
    const told = planToJson(plan, { all: true })["changes"] as { lab: string; adopts?: string }[];
    expect(told.flatMap(({ lab: name, adopts }) => (adopts === undefined ? [] : [[name, adopts]]))).toEqual([
      ["one", "id-one"],
    ]);
  });

  test("is adopted also when its file could not be made a lab any more, and counted so", () => {
    const plan = adopting(PLAN, remembered(lab("broken")));
    const { create, keep, ...rest } = PLAN.summary;
    expect(plan.summary).toEqual({ ...rest, create: create + 1, keep: keep - 1 });
    expect(changeOf(plan, "broken")).toMatchObject({ action: "create", operation: { spec: { profile: "standard" } } });
    expect(plan.changes.map(adoptedId)).toEqual(["id-broken", null, null, null]);
  });

  test("is another plan and another hold than the adoption of another, so an approval means one", () => {
    const several = (id: string): Plan =>
      guarded(adopting(PLAN, new Map([["one", { kind: "lab", lab: lab("one", id), others: ["other"] }]])));
    const [first, second] = [several("first"), several("second")];
    expect(first.hash).not.toBe(second.hash);
    expect(changeOf(first, "one")?.held).toMatchObject({ guard: "several-remembered", approvable: true });
    expect(changeOf(first, "one")?.held?.hold).not.toBe(changeOf(second, "one")?.held?.hold);
    expect(changeOf(several("first"), "one")).toEqual(changeOf(first, "one"));
  });
});

test("what cannot be read holds what would be made, and says why; what is not made anyway stays so", () => {
  const plan = guarded(adopting(PLAN, new Map(["broken", "new"].map((name) => [name, unreadable]))));
  expect(plan.changes.map(({ lab: name, action, held }) => [name, action, held?.guard ?? null])).toEqual([
    ["broken", "keep", null],
    ["kept", "keep", null],
    ["new", "create", "unreadable-memory"],
    ["one", "create", null],
  ]);
  expect(changeOf(plan, "new")?.held).toMatchObject({
    approvable: false,
    message: expect.stringContaining("LK6001 no"),
    release: expect.stringMatching(/by itself.*Mend it\.$/),
  });
});
