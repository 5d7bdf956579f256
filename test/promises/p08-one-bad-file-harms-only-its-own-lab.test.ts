/** P8: one bad file harms only its own lab, and that lab is kept as it is. */

import { describe, expect, test } from "vitest";
import { gone, lab, labPath, labs, labText, names } from "./files.ts";
import { type World, world } from "./world.ts";

const pathsOf = (problems: readonly { readonly path: string }[]): string[] =>
  [...new Set(problems.map(({ path }) => path))].sort();

/** What happened to a lab's cluster since it was made. */
const touched = async (w: World, name: string): Promise<string[]> =>
  (await w.cloud.journal())
    .filter(({ lab: of, event }) => of === name && event !== "creating" && event !== "created")
    .map(({ event }) => event);

test("one broken file among many: the others are made, changed and destroyed as they say", async () => {
  await using w = await world();
  const all = names("lab", 20);
  await w.turn({ ...labs(all), "labs/team-b/bad.yaml": "metadata: [" });
  expect(await w.existing()).toEqual(all);

  const { plan } = await w.turn({ ...gone("lab-01"), ...lab("lab-02", { spec: { workers: 2 } }), ...lab("new") });
  expect(pathsOf(plan.problems)).toEqual(["labs/team-b/bad.yaml"]);
  expect(await w.existing()).toEqual([...all.slice(1), "new"]);
  expect((await w.cloud.clusters()).find(({ name }) => name === "lab-02")).toMatchObject({ workers: 2 });
  expect(pathsOf(await w.store.problems())).toEqual(["labs/team-b/bad.yaml"]);

  const mended = await w.turn(lab("bad", { team: "team-b" }));
  expect(mended.plan.problems).toEqual([]);
  expect(await w.existing()).toContain("bad");
});

const BREAKS: readonly (readonly [string, string])[] = [
  ["broken syntax", "metadata: {name: one"],
  ["an unknown field", `${labText("one")}  extra: 1\n`.replace("spec: {", 'spec: {"surprise": 1, ')],
  ["a profile that does not exist", labText("one", { spec: { profile: "nothing" } })],
  ["more workers than allowed", labText("one", { spec: { workers: 500 } })],
  ["a life that is too long", labText("one", { spec: { ttlHours: 10_000 } })],
  ["another name", labText("another")],
  ["another team", labText("one", { team: "team-b" })],
  ["a team that does not exist", labText("one").replace("team: team-a", "team: nobody")],
  ["two documents", `${labText("one")}---\n${labText("one")}`],
  ["a custom tag", labText("one").replace("octocat", "!!js/function octocat")],
];

test.each(BREAKS)("%s in a live lab's file keeps that lab, and mending it goes on as before", async (_, text) => {
  await using w = await world();
  await w.turn(labs(["one", "two"]));
  const before = await w.lab("one");
  const { plan } = await w.turn({ [labPath("one")]: text, ...lab("two", { spec: { workers: 2 } }), ...lab("three") });
  expect(pathsOf(plan.problems)).toEqual([labPath("one")]);
  const [problem] = plan.problems;
  expect(problem).toMatchObject({
    line: expect.any(Number),
    code: expect.stringMatching(/^LK2/),
    remedy: expect.stringMatching(/./),
  });
  expect(await w.lab("one")).toEqual(before);
  expect(await touched(w, "one")).toEqual([]);
  expect(await touched(w, "two")).toEqual(["updated"]);
  expect(await w.existing()).toEqual(["one", "three", "two"]);

  await w.turn(lab("one"));
  expect(await w.lab("one")).toEqual(before);
  await w.turn(lab("one", { spec: { workers: 1 } }));
  expect(await w.lab("one")).toMatchObject({ id: before.id, state: "ready", spec: { workers: 1 } });
});

test("a broken file stays broken over many cycles, and its lab stays", async () => {
  await using w = await world();
  await w.turn(labs(["one", "two"]));
  await w.turn({ [labPath("one")]: "metadata: [" });
  for (const owner of ["hubot", "octocat", "monalisa"]) {
    const { plan } = await w.turn(lab("two", { owner }));
    expect(plan.changes.filter(({ lab: name, action }) => name === "one" && action !== "keep")).toEqual([]);
  }
  expect(await w.existing()).toEqual(["one", "two"]);
  await w.turn(gone("one"));
  expect(await w.existing()).toEqual(["two"]);
});

describe("two files of one name", () => {
  test("are both refused; the lab is kept, others are not concerned", async () => {
    await using w = await world();
    await w.turn(labs(["one", "two"]));
    const before = await w.lab("one");
    const { plan } = await w.turn({
      ...lab("one", { team: "team-b", spec: { workers: 5 } }),
      ...lab("one", { spec: { workers: 4 } }),
      ...gone("two"),
      ...lab("three"),
    });
    expect(pathsOf(plan.problems)).toEqual([labPath("one"), labPath("one", { team: "team-b" })]);
    expect(await w.lab("one")).toEqual(before);
    expect(await touched(w, "one")).toEqual([]);
    expect(await w.existing()).toEqual(["one", "three"]);

    await w.turn({ [labPath("one", { team: "team-b" })]: null });
    expect(await w.lab("one")).toMatchObject({ id: before.id, team: "team-a", spec: { workers: 4 } });
  });

  test("make no lab when there is none", async () => {
    await using w = await world();
    await w.turn({ ...lab("one"), ...lab("one", { team: "team-b" }), ...lab("one", { ending: "yml" }), ...lab("two") });
    expect(await w.existing()).toEqual(["two"]);
    await w.turn({ ...gone("one"), [labPath("one", { ending: "yml" })]: null });
    expect(await w.existing()).toEqual(["one", "two"]);
    expect(await w.lab("one")).toMatchObject({ team: "team-b" });
  });
});

describe("a file that moves", () => {
  test("from .yaml to .yml is the same lab, untouched", async () => {
    await using w = await world();
    await w.turn(labs(["one", "two"]));
    const before = await w.lab("one");
    await w.turn({ ...gone("one"), ...lab("one", { ending: "yml" }) });
    expect(await w.lab("one")).toMatchObject({ id: before.id, state: "ready", path: "labs/team-a/one.yml" });
    expect(await touched(w, "one")).toEqual([]);
    await w.turn({ "labs/team-a/one.yml": null });
    expect(await w.existing()).toEqual(["two"]);
  });

  test("to another team is an update of the same lab", async () => {
    await using w = await world();
    await w.turn(labs(["one", "two"]));
    const before = await w.lab("one");
    const { plan } = await w.turn({ ...gone("one"), ...lab("one", { team: "team-b" }) });
    expect(plan.changes.filter(({ lab: name }) => name === "one")).toMatchObject([
      { action: "update", held: null, fields: [{ path: "metadata.team", before: "team-a", after: "team-b" }] },
    ]);
    expect(await w.lab("one")).toMatchObject({ id: before.id, team: "team-b", state: "ready" });
    expect((await w.cloud.clusters()).find(({ name }) => name === "one")).toMatchObject({ team: "team-b" });
    expect(await w.existing()).toEqual(["one", "two"]);
  });

  test("and breaks on the way keeps its lab", async () => {
    await using w = await world();
    await w.turn(labs(["one", "two"]));
    const before = await w.lab("one");
    await w.turn({ ...gone("one"), [labPath("one", { team: "team-b" })]: labText("one", { team: "team-a" }) });
    expect(await w.lab("one")).toEqual(before);
    expect(await touched(w, "one")).toEqual([]);
    await w.turn(lab("one", { team: "team-b" }));
    expect(await w.lab("one")).toMatchObject({ id: before.id, team: "team-b" });
  });
});

test("a broken profile concerns its own labs only", async () => {
  await using w = await world({ profiles: { special: {} } });
  await w.turn({ ...lab("one", { spec: { profile: "special" } }), ...lab("two") });
  const before = await w.lab("one");
  const { plan } = await w.turn({
    "profiles/special.yaml": "spec: [",
    ...lab("one", { spec: { profile: "special", workers: 3 } }),
    ...lab("two", { spec: { workers: 3 } }),
    ...lab("three", { spec: { profile: "special" } }),
    ...lab("four"),
  });
  expect(pathsOf(plan.problems)).toEqual([labPath("one"), labPath("three"), "profiles/special.yaml"]);
  expect(await w.existing()).toEqual(["four", "one", "two"]);
  expect(await w.lab("one")).toEqual(before);
  expect(await w.lab("two")).toMatchObject({ spec: { workers: 3 } });
});
