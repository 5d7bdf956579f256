import { describe, expect, test } from "vitest";
import type { CatalogEntry } from "../../src/core/types.ts";
import type { CatalogContent } from "../../src/core/validate.ts";
import { validateCatalog } from "../../src/core/validate.ts";
import { CATALOG, file, labText, shipped } from "./samples.ts";

const lab = (team: string, name: string, changes: Record<string, string> = {}, folder = team) =>
  file(
    `labs/${folder}/${name}.yaml`,
    labText({
      "test-01": name,
      "team-a": team,
      "aws-minimal-test": "local-postgres",
      '  version: "4.20.3"\n  region: us-east-1\n': "",
      ...changes,
    }),
  );

const cluster = (name: string, changes: Record<string, string> = {}) =>
  file(`labs/team-a/${name}.yaml`, labText({ "test-01": name, ...changes }));

const problemsOf = (content: Partial<CatalogContent>, catalog = CATALOG): string[] =>
  validateCatalog({
    policyFiles: [file("catalog.yaml", catalog)],
    shippedProfiles: shipped,
    labs: [],
    elsewhere: [],
    before: [],
    ...content,
  }).problems.map(({ path, line, column, code }) => `${path}:${line}:${column} ${code}`);

describe("names", () => {
  test("two files of one name are both refused", () => {
    expect(problemsOf({ labs: [lab("team-a", "x"), lab("team-b", "x")] })).toEqual([
      "labs/team-a/x.yaml:4:9 LK2201",
      "labs/team-b/x.yaml:4:9 LK2201",
    ]);
  });

  test("two endings of one name are two files", () => {
    const other = { ...lab("team-a", "x"), path: "labs/team-a/x.yml" };
    expect(problemsOf({ labs: [lab("team-a", "x"), other] })).toHaveLength(2);
  });

  test("a name that an unread file has", () => {
    expect(problemsOf({ labs: [lab("team-a", "x")], elsewhere: ["labs/team-b/x.yaml", "labs/team-b/y.yaml"] })).toEqual(
      ["labs/team-a/x.yaml:4:9 LK2201"],
    );
  });

  test("a file that copies another's name accuses itself alone", () => {
    expect(problemsOf({ labs: [lab("team-a", "x"), { ...lab("team-a", "x"), path: "labs/team-a/y.yaml" }] })).toEqual([
      "labs/team-a/y.yaml:4:9 LK2007",
    ]);
  });
});

describe("quotas", () => {
  const three = ["x", "y", "z"].map((name) => lab("team-b", name));

  test("more labs than a team may have", () => {
    expect(problemsOf({ labs: three })).toEqual(["labs/team-b/z.yaml:5:9 LK2204"]);
    expect(problemsOf({ labs: three.slice(1) })).toEqual([]);
  });

  test("unread files count", () => {
    expect(problemsOf({ labs: three.slice(2), elsewhere: ["labs/team-b/x.yaml", "labs/team-b/y.yaml"] })).toEqual([
      "labs/team-b/z.yaml:5:9 LK2204",
    ]);
  });

  test("a refused file counts too: it may stand for a lab", () => {
    expect(problemsOf({ labs: [...three.slice(1), file("labs/team-b/a.yaml", "x: [")] })).toContain(
      "labs/team-b/z.yaml:5:9 LK2204",
    );
  });

  test("a team's budget", () => {
    const budget = CATALOG.replace("- name: team-a", "- name: team-a\n      monthlyBudget: 1000");
    expect(problemsOf({ labs: [cluster("x")] }, budget)).toEqual([]);
    expect(problemsOf({ labs: [cluster("x"), cluster("y")] }, budget)).toEqual(["labs/team-a/y.yaml:5:9 LK2204"]);
  });
});

describe("what cannot change", () => {
  const change = (before: Record<string, string>, after: Record<string, string>): string[] =>
    problemsOf({ labs: [cluster("x", after)], before: [cluster("x", before)] });

  test.each([
    ["profile", { "aws-minimal-test": "simulated" }, "9:12"],
    ["version", { "4.20.3": "4.20.2" }, "10:12"],
    ["region", { "us-east-1": "us-west-2" }, "11:11"],
  ])("%s", (_name, after, place) => {
    expect(change({}, after)).toEqual([`labs/team-a/x.yaml:${place} LK2205`]);
  });

  test("what may change", () => {
    expect(
      change({}, { "ttlHours: 24": "ttlHours: 48\n  workers: 1\n  protect: true", octocat: "hubot", sandbox: "other" }),
    ).toEqual([]);
  });

  test("writing out a default changes nothing; leaving out another value does", () => {
    expect(change({ "  region: us-east-1\n": "" }, {})).toEqual([]);
    expect(change({ "us-east-1": "us-west-2" }, { "  region: us-east-1\n": "" })).toEqual([
      "labs/team-a/x.yaml:9:3 LK2205",
    ]);
  });

  test("a lab is known by its name, wherever its file moves", () => {
    const moved = { ...lab("team-b", "x"), path: "labs/team-b/x.yaml" };
    expect(problemsOf({ labs: [moved], before: [cluster("x")] })).toEqual(["labs/team-b/x.yaml:9:12 LK2205"]);
  });

  test("a lab that was not valid before is not compared", () => {
    expect(problemsOf({ labs: [cluster("x")], before: [cluster("x", { "us-east-1": "[" })] })).toEqual([]);
  });
});

test("without a usable catalog.yaml the files are judged by themselves", () => {
  expect(problemsOf({ labs: [lab("nobody", "x", { "ttlHours: 24": "ttlHours: 0" })] }, "x: [")).toEqual([
    "catalog.yaml:1:5 LK2301",
    "labs/nobody/x.yaml:10:13 LK2004",
  ]);
});

describe("a catalog of 10,000 files", () => {
  /** Processor time, which other work on the machine does not change. */
  const seconds = (labs: CatalogContent["labs"]): { readonly used: number; readonly problems: number } => {
    const before = process.cpuUsage();
    const problems = problemsOf({ labs }).length;
    const { user, system } = process.cpuUsage(before);
    return { used: (user + system) / 1e6, problems };
  };
  const many = (make: (index: number) => CatalogEntry): CatalogEntry[] =>
    Array.from({ length: 10_000 }, (_, index) => make(index));

  test("is judged in about half a second of work", () => {
    const { used, problems } = seconds(many((index) => lab("team-a", `lab-${index}`)));
    expect(problems).toBe(0);
    expect(used).toBeLessThan(1.5);
  });

  test("takes no more than a few times as long when every file is wrong in every way", () => {
    const broken = labText({ '"4.20.3"': "4.20", "us-east-1": "mars", octocat: "a b", "ttlHours: 24": "ttlHour: 0" });
    const { used, problems } = seconds(many((index) => file(`labs/team-${index}/test-01.yaml`, broken)));
    expect(problems).toBeGreaterThan(50_000);
    expect(used).toBeLessThan(15);
  });
});
