/**
 * Catalogs that somebody broke, by accident or on purpose. Each row is a class, what is committed, and what must hold in
 * the world after it: the labs that exist, the holds, the causes. docs/reliability.md lists the classes tested elsewhere.
 */

import { describe, expect, test } from "vitest";
import type { Files } from "../../standins/git/repository.ts";
import { catalogFile, gone, lab, labPath, labs, labText, names, profileFile } from "../promises/files.ts";
import { type World, world } from "../promises/world.ts";

/** What happened to the labs' clusters besides being made. */
const touched = async (w: World): Promise<string[]> =>
  (await w.cloud.journal())
    .filter(({ event }) => event !== "creating" && event !== "created")
    .map(({ lab: name, event }) => `${name} ${event}`);

const heldBy = async (w: World): Promise<Record<string, string>> =>
  Object.fromEntries((await w.holds()).map(({ lab: name, guard }) => [name, guard]));

/** Cyrillic о and е, full-width o, an accent, something invisible: they look like what they are not. */
const HOMOGLYPHS = ["\u043ene", "on\u0435", "\uff4fne", "one\u0301", "one\u200b"];

describe("confusable and case-folded names", () => {
  const ALIKE: readonly (readonly [what: string, files: Files])[] = [
    ["the folder in other case", { "labs/Team-A/one.yaml": labText("one") }],
    ["the file in other case", { "labs/team-a/One.yaml": labText("one") }],
    ["the ending in other case", { "labs/team-a/one.YAML": labText("one") }],
    ["name and file in other case", { "labs/team-a/One.yaml": labText("One") }],
    ["a space at the end", { "labs/team-a/one .yaml": labText("one") }],
    ["a dot at the end", { "labs/team-a/one..yaml": labText("one") }],
    ...HOMOGLYPHS.map((name): [string, Files] => [
      `${JSON.stringify(name)} for one`,
      { [`labs/team-a/${name}.yaml`]: labText(name) },
    ]),
    ["a homoglyph in the team's folder", { "labs/te\u0430m-a/one.yaml": labText("one") }],
    [
      "a homoglyph as the team's name",
      { "labs/team-a/one.yaml": labText("one").replace("team: team-a", "team: te\u0430m-a") },
    ],
  ];

  test("beside the real file: refused and told, the lab and its file go on as before", async () => {
    await using w = await world();
    await w.turn(labs(["one", "two"]));
    const before = await w.lab("one");
    for (const [what, files] of ALIKE.filter(([, each]) => !Object.hasOwn(each, labPath("one")))) {
      const { plan } = await w.turn(files);
      expect(
        plan.problems.map(({ path }) => path),
        what,
      ).toEqual(expect.arrayContaining(Object.keys(files)));
      expect(
        plan.problems.every(({ message }) => !/[\p{C}\u2028\u2029]/u.test(message)),
        what,
      ).toBe(true);
      await w.turn(Object.fromEntries(Object.keys(files).map((path) => [path, null])));
    }
    expect(await w.lab("one")).toEqual(before);
    expect(await w.existing()).toEqual(["one", "two"]);
    expect(await touched(w)).toEqual([]);
  });

  test("in place of the real file: the lab is kept or its destroy is held, never lost", async () => {
    await using w = await world();
    await w.turn(labs(["one", "two"]));
    for (const [what, files] of ALIKE) {
      await w.turn({ ...gone("one"), ...files });
      expect(await w.existing(), what).toEqual(["one", "two"]);
      await w.turn({ ...Object.fromEntries(Object.keys(files).map((path) => [path, null])), ...lab("one") });
      expect(await w.holds(), what).toEqual([]);
    }
    expect(await touched(w)).toEqual([]);
  });

  test("as a team: a catalog with such a team changes nothing", async () => {
    await using w = await world();
    await w.turn(labs(["one", "two"]));
    for (const name of ["Team-A", "te\u0430m-a", "team-a ", "__proto__", "../team-a"]) {
      w.commit({ "catalog.yaml": catalogFile([{ name: "team-a" }, { name }]), ...gone("one") });
      const { plan, applied } = await w.reconcile();
      expect({ applied, codes: plan.problems.map(({ code }) => code) }, name).toEqual({
        applied: null,
        codes: ["LK2301"],
      });
    }
    expect(await w.existing()).toEqual(["one", "two"]);
  });
});

test("names that mean something to JavaScript, Postgres or a shell are names like others", async () => {
  const odd = ["constructor", "prototype", "hasownproperty", "null", "true", "select", "nan", "0", "1e3", "con", "aux"];
  await using w = await world({
    teams: [{ name: "team-a" }, { name: "constructor" }],
    profiles: { constructor: {}, prototype: {} },
  });
  await w.turn({
    ...Object.assign(
      {},
      ...odd.map((name) => ({ [labPath(name)]: labText(name).replace(/name: .*/, `name: "${name}"`) })),
    ),
    ...lab("mine", { team: "constructor", spec: { profile: "constructor", tags: { toString: "x", valueOf: "y" } } }),
  });
  expect(await w.existing()).toEqual([...odd, "mine"].sort());
  expect((await w.lab("mine")).spec.tags).toMatchObject({ toString: "x", valueOf: "y" });
  await w.turn({ [labPath("mine", { team: "constructor" })]: null, ...gone("constructor") });
  expect(await w.existing()).toEqual(odd.filter((name) => name !== "constructor").sort());
});

describe("a mass deletion in small pieces", () => {
  test("one file a commit, a cycle for each: the budget counts them all and holds the rest", async () => {
    await using w = await world({ guards: { maxDestroys: 3, windowHours: 24 } });
    const all = names("lab", 9);
    await w.turn(labs(all));
    for (const name of all.slice(0, 8)) await w.turn(gone(name));
    expect(await w.existing()).toEqual(all.slice(3));
    expect(Object.values(await heldBy(w))).toEqual(Array(5).fill("destroy-budget"));
  });

  test("many merges that one cycle sees together: all of them wait, since nobody knows which were meant", async () => {
    await using w = await world({ guards: { maxDestroys: 3 } });
    const all = names("lab", 9);
    await w.turn(labs(all));
    for (const name of all.slice(0, 5)) {
      const side = w.repository.commit(gone(name), {
        branch: `remove-${name}`,
        from: w.repository.git(["rev-parse", "main"]),
      });
      w.repository.commit(gone(name), { merge: side });
    }
    await w.turn();
    expect(await w.existing()).toEqual(all);
    expect(Object.keys(await heldBy(w))).toHaveLength(5);
  });

  test("by other means than removal: into another place, another ending, a dot, Markdown", async () => {
    await using w = await world({ guards: { maxDestroys: 2 } });
    await w.turn(labs(names("lab", 6)));
    await w.turn({
      ...gone("lab-01", "lab-02", "lab-03", "lab-04"),
      "old/lab-01.yaml": labText("lab-01"),
      "labs/team-a/lab-02.md": labText("lab-02"),
      "labs/team-a/.lab-03.yaml": labText("lab-03"),
      "lab-04.yaml": labText("lab-04"),
    });
    expect(await w.existing()).toEqual(names("lab", 6));
    expect(Object.values(await heldBy(w))).toEqual(Array(4).fill("destroy-budget"));
  });

  test("with a catalog.yaml that is broken by the same commit: nothing happens at all", async () => {
    await using w = await world({ guards: { maxDestroys: 1 } });
    await w.turn(labs(names("lab", 6)));
    w.commit({ "catalog.yaml": "spec: {guards: {maxDestroys: 1e9}}", ...gone("lab-01", "lab-02") });
    const { applied } = await w.reconcile();
    expect(applied).toBeNull();
    expect(await w.existing()).toEqual(names("lab", 6));
  });
});

test("a new name for a lab is another lab: the old one goes under the budget, the new one is made", async () => {
  await using w = await world({ guards: { maxDestroys: 1 } });
  await w.turn(labs(["one", "two"]));
  const { id } = await w.lab("one");
  await w.turn({ ...gone("one"), ...lab("uno") });
  expect(await w.existing()).toEqual(["two", "uno"]);
  expect((await w.lab("uno")).id).not.toBe(id);
  await w.turn({ ...gone("two"), ...lab("dos") });
  expect(await heldBy(w)).toEqual({ two: "destroy-budget" });
  expect(await w.existing()).toEqual(["dos", "two", "uno"]);
});

test("a revert while the lab is being destroyed: the destroy ends with its proof, then a new lab is made of the file", async () => {
  await using w = await world();
  await w.turn(labs(["one", "two"]));
  const { id } = await w.lab("one");
  w.weather = { latencySeconds: { destroy: 60 } };
  w.commit(gone("one"));
  await w.reconcile();
  const worker = await w.worker();
  await expect.poll(() => w.states(), { timeout: 15_000 }).toMatchObject({ one: "destroying" });
  w.commit(lab("one"));
  const { plan } = await w.reconcile();
  expect(plan.changes.filter(({ lab: name, action }) => name === "one" && action !== "keep")).toEqual([]);
  w.weather = {};
  await worker.stop();
  await w.hurry();
  await w.work();
  const [old] = await w.sql<{ state: string }>("select state from labs where id = $1", [id]);
  expect(old).toEqual({ state: "destroyed" });
  await w.turn();
  expect(await w.existing()).toEqual(["one", "two"]);
  expect((await w.lab("one")).id).not.toBe(id);
});

test("a Git LFS pointer in place of a file: refused and told, its lab is kept", async () => {
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${"4d7a".repeat(16)}\nsize 12345\n`;
  await using w = await world();
  await w.turn(labs(["one", "two"]));
  const { plan } = await w.turn({ [labPath("one")]: pointer, "labs/team-a/three.yaml": pointer });
  expect([...new Set(plan.problems.map(({ path }) => path))]).toEqual([labPath("one"), labPath("three")]);
  expect(await w.existing()).toEqual(["one", "two"]);
  expect(await touched(w)).toEqual([]);
});

test("a profile that live labs would break: they stay, can go, and no new one is made of what it forbids", async () => {
  await using w = await world({ profiles: { special: {} } });
  await w.turn(labs(["one", "two"], { spec: { profile: "special", workers: 5, ttlHours: 100 } }));
  const edits: readonly Record<string, unknown>[] = [
    {
      compute: {
        controlPlane: { replicas: 3, schedulable: true },
        workers: { replicas: 0, minReplicas: 0, maxReplicas: 1 },
      },
    },
    { openshiftVersions: { allowlist: ["4.21.0"], default: "4.21.0" } },
    { enabled: false },
    { lifecycle: { maxTTLHours: 1, defaultTTLHours: 1 } },
    { platform: "aws", provisioner: "openshift" },
    { tags: { required: ["must"], defaults: {}, allowUserTags: true } },
  ];
  for (const edit of edits) {
    const { plan } = await w.turn({
      "profiles/special.yaml": profileFile("special", edit),
      ...lab("three", { spec: { profile: "special", workers: 5, ttlHours: 100 } }),
    });
    expect(
      plan.changes.filter(({ action }) => action === "destroy"),
      JSON.stringify(edit),
    ).toEqual([]);
    expect((await w.existing()).slice(0, 1), JSON.stringify(edit)).toEqual(["one"]);
    await w.turn({ [labPath("three")]: null });
  }
  expect((await touched(w)).filter((event) => !event.startsWith("three"))).toEqual([]);
  await w.turn(gone("one"));
  expect(await w.existing()).toEqual(["two"]);
});
