import { mkdirSync, readFileSync, renameSync, symlinkSync } from "node:fs";
import { builtinModules } from "node:module";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Files, temporaryFolder } from "../../standins/git/repository.ts";
import { CATALOG, labText, profileText } from "../documents/samples.ts";
import { ACTION, commandsIn, metadata, pullRequest, type Step, step } from "./runner.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  folder = temporaryFolder();
});
afterAll(() => folder.remove());

const lab = (name: string, changes: Record<string, string> = {}, added = ""): string =>
  labText({ "test-01": name, ...changes }, added);

const BEFORE: Files = {
  "catalog.yaml": CATALOG,
  "labs/team-a/kept.yaml": lab("kept"),
  "labs/team-a/edited.yaml": lab("edited"),
  "labs/team-a/removed.yaml": lab("removed"),
};
const CHANGE: Files = {
  "labs/team-a/added.yaml": lab("added"),
  "labs/team-a/edited.yaml": lab("edited", { "ttlHours: 24": "ttlHours: 48" }),
  "labs/team-a/removed.yaml": null,
};
const BROKEN: Files = { "labs/team-a/broken.yaml": lab("broken", { '"4.20.3"': "4.20" }) };

interface PlanOutput {
  readonly kind: string;
  readonly commit: string;
  readonly previousCommit: string;
  readonly changes: readonly { readonly lab: string; readonly action: string }[];
  readonly summary: Readonly<Record<string, number>>;
}

const planOf = ({ outputs }: Step): PlanOutput => JSON.parse(outputs["plan"] ?? "") as PlanOutput;
const changesOf = (result: Step): string[] =>
  planOf(result).changes.map(({ lab: name, action }) => `${name} ${action}`);
const ALL = ["added create", "edited update", "removed destroy"];

describe("a pull request, checked out as GitHub merges it", () => {
  test("is planned against its base", async () => {
    const { base, merge, event, checkout } = pullRequest(folder.path, { before: BEFORE, change: CHANGE });
    const result = await step({ workspace: checkout({ depth: 2 }), event });
    expect(result).toMatchObject({ code: 0, errors: "" });
    expect(result.log).toBe("2 lab files, no problems\nPlan: 1 to create, 1 to update, 1 to destroy, 1 unchanged.\n");
    expect(Object.keys(result.outputs)).toEqual(["valid", "plan", "problems"]);
    expect(result.outputs["valid"]).toBe("true");
    expect(planOf(result)).toMatchObject({ kind: "Plan", commit: merge, previousCommit: base });
    expect(changesOf(result)).toEqual(ALL);
    expect(JSON.parse(result.outputs["problems"] ?? "")).toMatchObject({
      kind: "Validation",
      valid: true,
      problems: [],
    });
    const url = "https://github.example.com/example/labs/blob";
    expect(result.summary).toContain(
      `| \`-\` destroy | **[removed](${url}/${base}/labs/team-a/removed.yaml)**<br>team-a |`,
    );
    expect(result.summary).toContain(
      `| \`+\` create | **[added](${url}/${merge}/labs/team-a/added.yaml)**<br>team-a |`,
    );
    expect(result.summary).toContain("spec.ttlHours: 24 → **48**");
    expect(result.summary).toMatch(/\| team-a \| 3 \| &#36;[\d,.]+ \|/);
    expect(result.summary).toMatch(/Together about \*\*&#36;[\d.]+\*\* a day/);
  });

  test("marks problems at their lines, and fails", async () => {
    const { event, checkout } = pullRequest(folder.path, { before: BEFORE, change: BROKEN });
    const result = await step({ workspace: checkout({ depth: 2 }), event });
    expect(result.code).toBe(1);
    expect(commandsIn(result.log)).toMatchObject([
      {
        name: "error",
        properties: { file: "labs/team-a/broken.yaml", line: "10", col: "12", title: "LK2008" },
        data: expect.stringContaining("quote it → Write it in quotes"),
      },
    ]);
    expect(result.outputs["valid"]).toBe("false");
    expect(result.summary).toMatch(/\[labs\/team-a\/broken\.yaml:10:12\]\(https:\S+\/broken\.yaml#L10\) `LK2008` /);
  });

  test("refuses changes of what cannot change", async () => {
    const change = { "labs/team-a/kept.yaml": lab("kept", { "us-east-1": "us-west-2" }) };
    const { event, checkout } = pullRequest(folder.path, { before: BEFORE, change });
    const result = await step({ workspace: checkout({ depth: 2 }), event });
    expect(result.code).toBe(1);
    expect(commandsIn(result.log).map(({ properties }) => properties["title"])).toEqual(["LK2205"]);
    expect(planOf(result).summary).toMatchObject({ update: 1, held: 1 });
    expect(result.summary).toContain("| `-/+` replace |");
  });

  test("has what the base got meanwhile for its base", async () => {
    const meanwhile = { "labs/team-a/theirs.yaml": lab("theirs"), "labs/team-a/kept.yaml": null };
    const { event, checkout } = pullRequest(folder.path, { before: BEFORE, change: CHANGE, meanwhile });
    for (const depth of [2, 0]) {
      const result = await step({ workspace: checkout({ depth }), event });
      expect(changesOf(result)).toEqual(ALL);
      expect(planOf(result).summary["keep"]).toBe(1);
    }
  });

  test("needs its base, and says how to have it", async () => {
    const { base, event, checkout } = pullRequest(folder.path, { before: BEFORE, change: CHANGE });
    const result = await step({ workspace: checkout({ depth: 1 }), event });
    expect(result).toMatchObject({ code: 1, outputs: {} });
    const [command] = commandsIn(result.log);
    expect(command).toMatchObject({ name: "error", properties: { title: "LK1003" } });
    expect(command?.data).toContain(`the base of this pull request ${base.slice(0, 12)} was not fetched`);
    expect(command?.data).toContain("`with: { fetch-depth: 2 }`");
    expect(result.summary).toContain("fetch-depth: 2");
  });
});

describe("other checkouts and events", () => {
  test("the pull request's own branch needs the history up to where it left the base", async () => {
    const meanwhile = { "labs/team-a/theirs.yaml": lab("theirs") };
    const { event, checkout, base } = pullRequest(folder.path, { before: BEFORE, change: CHANGE, meanwhile });
    const shallow = await step({ workspace: checkout({ depth: 1, what: "head" }), event });
    expect(commandsIn(shallow.log)[0]?.data).toContain("`with: { fetch-depth: 0 }`");
    const result = await step({ workspace: checkout({ depth: 0, what: "head" }), event });
    expect(changesOf(result)).toEqual(ALL);
    expect(planOf(result).previousCommit).toBe(base);
  });

  test("a merge queue says its base itself", async () => {
    const { base, checkout } = pullRequest(folder.path, { before: BEFORE, change: CHANGE });
    const result = await step({ workspace: checkout({ depth: 0 }), event: { merge_group: { base_sha: base } } });
    expect(changesOf(result)).toEqual(ALL);
  });

  test("without an event, the branch of GITHUB_BASE_REF counts; an input counts before all", async () => {
    const { event, checkout } = pullRequest(folder.path, { before: BEFORE, change: CHANGE });
    const workspace = checkout({ depth: 0 });
    expect(changesOf(await step({ workspace, environment: { GITHUB_BASE_REF: "main" } }))).toEqual(ALL);
    expect(changesOf(await step({ workspace, event, inputs: { base: "HEAD" } }))).toEqual([]);
    const missing = await step({ workspace, event, inputs: { base: "--upload-pack=x" } });
    expect(commandsIn(missing.log)[0]).toMatchObject({ properties: { title: "LK1003" } });
  });

  test("a push has no base: everything is checked, nothing planned", async () => {
    const { checkout } = pullRequest(folder.path, { before: { ...BEFORE, ...BROKEN }, change: CHANGE });
    const result = await step({ workspace: checkout({ depth: 1 }) });
    expect(result).toMatchObject({ code: 1, outputs: { valid: "false", plan: "" } });
    expect(result.log).toContain("4 lab files, 1 problem in 1 file\n");
    expect(result.summary).toContain("nothing planned.");
  });

  test("a pull request without a repository beside it cannot be judged", async () => {
    const { event, checkout } = pullRequest(folder.path, { before: BEFORE, change: CHANGE });
    const workspace = checkout({ depth: 2 });
    renameSync(join(workspace, ".git"), `${workspace}-git`);
    const result = await step({ workspace, event });
    expect(commandsIn(result.log)[0]).toMatchObject({ properties: { title: "LK1002" } });
    expect(commandsIn(result.log)[0]?.data).toContain("actions/checkout");
    expect(await step({ workspace })).toMatchObject({ code: 0 });
  });

  test("a runner without git has the same plan", async () => {
    const { event, checkout } = pullRequest(folder.path, { before: BEFORE, change: CHANGE });
    for (const [depth, what] of [
      [2, "merge"],
      [0, "head"],
    ] as const) {
      const result = await step({ workspace: checkout({ depth, what }), event, environment: { PATH: "/nonexistent" } });
      expect(result).toMatchObject({ code: 0, errors: "" });
      expect(changesOf(result)).toEqual(ALL);
    }
  });

  test("an event that cannot be read fails the step", async () => {
    const { checkout } = pullRequest(folder.path, { before: BEFORE, change: CHANGE });
    const result = await step({ workspace: checkout({ depth: 2 }), event: "{" });
    expect(result.code).toBe(1);
    expect(commandsIn(result.log)[0]).toMatchObject({ properties: { title: "LK7003" } });
  });
});

describe("policy", () => {
  test("a changed policy judges every file, and labs that exist keep what they pinned", async () => {
    const catalog = CATALOG.replace("    - name: team-a\n", "    - name: team-a\n      profiles: [local-postgres]\n");
    const { event, checkout } = pullRequest(folder.path, { before: BEFORE, change: { "catalog.yaml": catalog } });
    const result = await step({ workspace: checkout({ depth: 2 }), event });
    expect(result.log).toContain("3 lab files, 3 problems in 3 files");
    expect(planOf(result)).toMatchObject({ changes: [], summary: { keep: 3, problems: 3 } });
    expect(result.summary).toContain(
      "**Policy change** in `catalog.yaml`. Labs that live keep the policy they were made with",
    );
  });

  test("a catalog.yaml that is broken changes nothing, and one that was broken can be mended", async () => {
    const broken = pullRequest(folder.path, { before: BEFORE, change: { ...CHANGE, "catalog.yaml": "spec: [" } });
    const refused = await step({ workspace: broken.checkout({ depth: 2 }), event: broken.event });
    expect(planOf(refused)).toMatchObject({ changes: [] });
    expect(refused.outputs["valid"]).toBe("false");
    const mended = pullRequest(folder.path, {
      before: { ...BEFORE, "catalog.yaml": "spec: [" },
      change: { ...CHANGE, "catalog.yaml": CATALOG },
    });
    expect(changesOf(await step({ workspace: mended.checkout({ depth: 2 }), event: mended.event }))).toEqual(ALL);
  });

  test("quotas count the labs of the base that were not touched", async () => {
    const local = (name: string): string =>
      lab(name, {
        "team-a": "team-b",
        "aws-minimal-test": "local-postgres",
        '  version: "4.20.3"\n  region: us-east-1\n': "",
      });
    const { event, checkout } = pullRequest(folder.path, {
      before: { ...BEFORE, "labs/team-b/b1.yaml": local("b1"), "labs/team-b/b2.yaml": local("b2") },
      change: { "labs/team-b/b3.yaml": local("b3") },
    });
    const result = await step({ workspace: checkout({ depth: 2 }), event, inputs: { "fail-on": "never" } });
    expect(result.summary).toContain("team team-b has 2 labs and may have 2");
    expect(result.summary).toContain("| team-b | 2 of 2 |");
    expect(result.summary).toContain("Left: **team-b** 0 labs");
    expect(result).toMatchObject({ code: 0, outputs: { valid: "false" } });
  });
});

describe("inputs", () => {
  test("fail-on: problems alone, what waits too, or nothing", async () => {
    const protectedLab = { "labs/team-a/kept.yaml": lab("kept", {}, "  protect: true\n") };
    const { event, checkout } = pullRequest(folder.path, {
      before: { ...BEFORE, ...protectedLab },
      change: { "labs/team-a/kept.yaml": null },
    });
    const workspace = checkout({ depth: 2 });
    const codes = ["problems", "holds", "never"].map(
      async (value) => (await step({ workspace, event, inputs: { "fail-on": value } })).code,
    );
    expect(await Promise.all(codes)).toEqual([0, 1, 0]);
  });

  test("path: a catalog inside a larger repository", async () => {
    const inside = (files: Files): Files =>
      Object.fromEntries(Object.entries(files).map(([path, content]) => [`deep/catalog/${path}`, content]));
    const { event, checkout } = pullRequest(folder.path, {
      before: inside(BEFORE),
      change: inside({ ...CHANGE, ...BROKEN }),
    });
    const result = await step({ workspace: checkout({ depth: 2 }), event, inputs: { path: "deep/catalog" } });
    expect(commandsIn(result.log)[0]?.properties["file"]).toBe("deep/catalog/labs/team-a/broken.yaml");
    expect(changesOf(result)).toEqual(ALL);
  });

  test("path: nothing outside the workspace, however it is named", async () => {
    const { event, checkout } = pullRequest(folder.path, {
      before: { ...BEFORE, out: { link: folder.path } },
      change: CHANGE,
    });
    const workspace = checkout({ depth: 2 });
    for (const path of ["..", folder.path, "out", "missing"]) {
      const result = await step({ workspace, event, inputs: { path } });
      expect(commandsIn(result.log)[0], path).toMatchObject({ properties: { title: "LK7003" } });
    }
    mkdirSync(join(workspace, "real"));
    symlinkSync(workspace, join(workspace, "real/back"));
    expect(await step({ workspace, event, inputs: { path: "real/back" } })).toMatchObject({ code: 0 });
  });

  test("profiles: the operator's own, over the shipped ones", async () => {
    const own = lab("own-lab", { "aws-minimal-test": "own", '  version: "4.20.3"\n  region: us-east-1\n': "" });
    const files = { "labs/team-a/own-lab.yaml": own, "elsewhere/own.yaml": profileText() };
    const { event, checkout } = pullRequest(folder.path, { before: BEFORE, change: files });
    const workspace = checkout({ depth: 2 });
    const without = await step({ workspace, event });
    expect(commandsIn(without.log).map(({ properties }) => properties["title"])).toEqual(["LK2101"]);
    const result = await step({ workspace, event, inputs: { profiles: "elsewhere" } });
    expect(result.log).toContain("no problems");
    expect(changesOf(result)).toEqual(["own-lab create"]);
  });

  test("comment-summary: no summary when it is not wanted", async () => {
    const { event, checkout } = pullRequest(folder.path, { before: BEFORE, change: CHANGE });
    const result = await step({ workspace: checkout({ depth: 2 }), event, inputs: { "comment-summary": "False" } });
    expect(result).toMatchObject({ code: 0, summary: "", outputs: { valid: "true" } });
  });

  test("what they may be is said at once", async () => {
    const { event, checkout } = pullRequest(folder.path, { before: BEFORE, change: CHANGE });
    const inputs = { "fail-on": "sometimes", "comment-summary": "maybe" };
    const result = await step({ workspace: checkout({ depth: 2 }), event, inputs });
    expect(result.code).toBe(1);
    expect(commandsIn(result.log)[0]?.data).toContain(
      "fail-on is one of problems, holds, never; comment-summary is true or false",
    );
  });

  test("without files of the runner's it says what it says in the log", async () => {
    const { event, checkout } = pullRequest(folder.path, { before: BEFORE, change: CHANGE });
    const environment = { GITHUB_OUTPUT: "", GITHUB_STEP_SUMMARY: "" };
    expect(await step({ workspace: checkout({ depth: 2 }), event, environment })).toMatchObject({
      code: 0,
      outputs: {},
      summary: "",
    });
  });
});

describe("the bundle", () => {
  const text = readFileSync(join(ACTION, metadata.runs.main), "utf8");

  test("is one file that needs nothing but Node, and no module of Node's that opens a connection", () => {
    const patterns = [
      /\bimport(?:[\w\s{},*$]*from)?\s*"([\w:/@.-]+)"/g,
      /\bimport\("([^"]+)"\)/g,
      /__require\("([^"]+)"\)/g,
    ];
    const imported = patterns.flatMap((pattern) =>
      [...text.matchAll(pattern)].map(([, name = ""]) => name.replace(/^node:/, "")),
    );
    expect(imported.length).toBeGreaterThan(5);
    expect(imported.filter((name) => !builtinModules.includes(name))).toEqual([]);
    expect(
      imported.filter((name) => /^(http|https|http2|net|tls|dns|dgram|inspector|vm|worker_threads)\b/.test(name)),
    ).toEqual([]);
    expect(/shell:\s*(true|!0)/.exec(text)).toBeNull();
  });

  test("has the profiles that labkeeper ships", () => {
    for (const name of ["aws-standard", "ibm-minimal-test", "local-postgres"])
      expect(
        text.includes(`  name: ${name}
`),
        name,
      ).toBe(true);
  });

  test("has its licences beside it", () => {
    const licences = readFileSync(join(ACTION, "dist/LICENSES.txt"), "utf8");
    for (const name of ["ajv", "isomorphic-git", "js-yaml"])
      expect(licences).toMatch(new RegExp(`^${name} \\d.*: MIT$`, "m"));
    expect(licences).toContain("Permission is hereby granted, free of charge");
  });
});
