import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type CatalogChanges, commitChanges, workingTreeChanges } from "../../src/git/working-tree-changes.ts";
import { git, writeFiles } from "../git-server.ts";
import { lab, show, workshop } from "./catalogs.ts";

const shop = workshop();
let count = 0;

/** A checkout with `files` committed on main. */
function checkout(files: Parameters<typeof writeFiles>[1]): string {
  const folder = shop.path(`checkout ${++count}`);
  mkdirSync(folder);
  git(folder, ["init", "--quiet", "--initial-branch=main", "."]);
  writeFiles(folder, files);
  git(folder, ["add", "-A"]);
  git(folder, ["commit", "--quiet", "-m", "first"]);
  return folder;
}

const FILES = {
  "catalog.yaml": "one\n",
  "profiles/p.yaml": "p\n",
  "labs/t/same.yaml": lab("same"),
  "labs/t/edited.yaml": lab("edited"),
  "labs/t/gone.yaml": lab("gone"),
  "labs/t/linked.yaml": lab("linked"),
  "docs/x.md": "x\n",
};
const EDITS = {
  "catalog.yaml": "two\n",
  "profiles/new.yaml": "new\n",
  "labs/t/edited.yaml": lab("edited", 48),
  "labs/t/gone.yaml": null,
  "labs/t/linked.yaml": { link: "same.yaml" },
  "labs/t/new.yaml": lab("new"),
  "labs/t/huge.yaml": "x".repeat(70_000),
  "labs/t/späce é.yaml": "odd\n",
  "labs/t/README.md": "no lab\n",
  "docs/x.md": "changed\n",
};

const lines = (changes: CatalogChanges): string[] => [
  ...show(changes.entries),
  ...changes.removed.map((path) => `- ${path}`),
];
const EXPECTED = [
  "catalog.yaml two|",
  "labs/t/edited.yaml name: edited|ttlHours: 48|",
  "labs/t/huge.yaml refused too-large",
  "labs/t/linked.yaml refused symlink",
  "labs/t/new.yaml name: new|ttlHours: 24|",
  "labs/t/späce é.yaml odd|",
  "profiles/new.yaml new|",
  "- labs/t/gone.yaml",
];

describe.each(["git", null])("what a working tree changes (git program: %s)", (gitCommand) => {
  it("is what differs from the base, committed, staged or neither", async () => {
    const folder = checkout(FILES);
    expect(lines(await workingTreeChanges(folder, "main", { gitCommand }))).toEqual([]);
    writeFiles(folder, EDITS);
    const uncommitted = await workingTreeChanges(folder, "HEAD", { gitCommand });
    expect(lines(uncommitted)).toEqual(EXPECTED);
    expect(uncommitted.base).toBe(git(folder, ["rev-parse", "main"]));
    git(folder, ["add", "-A"]);
    expect(lines(await workingTreeChanges(folder, "main", { gitCommand }))).toEqual(EXPECTED);
    git(folder, ["checkout", "--quiet", "-b", "feature"]);
    git(folder, ["commit", "--quiet", "-m", "second"]);
    expect(lines(await workingTreeChanges(folder, "main", { gitCommand }))).toEqual(EXPECTED);
    expect(
      lines(await workingTreeChanges(folder, "HEAD", { gitCommand })).filter((line) => !/huge/.test(line)),
    ).toEqual([]);
  });

  it("knows what the base has at any path", async () => {
    const folder = checkout(FILES);
    writeFiles(folder, EDITS);
    const { baseEntry } = await workingTreeChanges(folder, "main", { gitCommand });
    const at = async (path: string) => show([(await baseEntry(path)) ?? { path, kind: "removed" }])[0];
    expect(await at("labs/t/edited.yaml")).toBe("labs/t/edited.yaml name: edited|ttlHours: 24|");
    expect(await at("labs/t/same.yaml")).toBe("labs/t/same.yaml name: same|ttlHours: 24|");
    expect(await at("labs/t/gone.yaml")).toBe("labs/t/gone.yaml name: gone|ttlHours: 24|");
    for (const path of ["labs/t/new.yaml", "labs/t", "labs", "nowhere/x", "catalog.yaml/x"])
      expect(await baseEntry(path)).toBeNull();
  });

  it("leaves out what others merged into the base since", async () => {
    const folder = checkout(FILES);
    git(folder, ["checkout", "--quiet", "-b", "feature"]);
    writeFiles(folder, { "labs/t/mine.yaml": lab("mine") });
    git(folder, ["add", "-A"]);
    git(folder, ["commit", "--quiet", "-m", "mine"]);
    git(folder, ["checkout", "--quiet", "main"]);
    writeFiles(folder, { "labs/t/theirs.yaml": lab("theirs"), "labs/t/gone.yaml": null });
    git(folder, ["add", "-A"]);
    git(folder, ["commit", "--quiet", "-m", "theirs"]);
    git(folder, ["checkout", "--quiet", "feature"]);
    expect(lines(await workingTreeChanges(folder, "main", { gitCommand }))).toEqual([
      "labs/t/mine.yaml name: mine|ttlHours: 24|",
    ]);
    expect(lines(await commitChanges(folder, "main", "feature", { gitCommand }))).toEqual([
      "labs/t/mine.yaml name: mine|ttlHours: 24|",
    ]);
    expect(lines(await commitChanges(folder, "feature", "main", { gitCommand }))).toEqual([
      "labs/t/theirs.yaml name: theirs|ttlHours: 24|",
      "- labs/t/gone.yaml",
    ]);
  });

  it("compares commits, the policy too", async () => {
    const folder = checkout(FILES);
    writeFiles(folder, { ...EDITS, "profiles/p.yaml": null });
    git(folder, ["checkout", "--quiet", "-b", "feature"]);
    git(folder, ["add", "-A"]);
    git(folder, ["commit", "--quiet", "-m", "second"]);
    writeFiles(folder, { "labs/t/not-looked-at.yaml": "x" });
    const changes = await commitChanges(folder, "main", "HEAD", { gitCommand });
    expect(lines(changes)).toEqual([...EXPECTED, "- profiles/p.yaml"]);
    expect(await changes.baseEntry("profiles/p.yaml")).toMatchObject({ kind: "file" });
  });

  it("works in a folder of a larger repository, and in a worktree", async () => {
    const folder = checkout(Object.fromEntries(Object.entries(FILES).map(([path, text]) => [`deep/er/${path}`, text])));
    const catalog = join(folder, "deep/er");
    writeFiles(catalog, { "labs/t/new.yaml": lab("new"), "labs/t/gone.yaml": null });
    writeFiles(folder, { "labs/outside.yaml": "x" });
    const changes = await workingTreeChanges(catalog, "main", { gitCommand });
    expect(lines(changes)).toEqual(["labs/t/new.yaml name: new|ttlHours: 24|", "- labs/t/gone.yaml"]);
    expect(await changes.baseEntry("labs/t/same.yaml")).toMatchObject({ kind: "file", path: "labs/t/same.yaml" });
    const worktree = shop.path(`worktree ${count}`);
    git(folder, ["worktree", "add", "--quiet", "-b", `side-${count}`, worktree]);
    rmSync(join(worktree, "deep/er/labs/t/gone.yaml"));
    expect(lines(await workingTreeChanges(join(worktree, "deep/er"), "main", { gitCommand }))).toEqual([
      "- labs/t/gone.yaml",
    ]);
  });

  it.each(["nowhere", "--output=/tmp/x", "-x", "", "main~5", "a b"])("has no base %j", async (base) => {
    const folder = checkout(FILES);
    await expect(workingTreeChanges(folder, base, { gitCommand })).rejects.toMatchObject({ code: "LK1003" });
  });

  it("needs a repository", async () => {
    const folder = shop.path(`plain ${++count}`);
    writeFiles(folder, FILES);
    await expect(workingTreeChanges(folder, "main", { gitCommand })).rejects.toMatchObject({ code: "LK1002" });
    await expect(workingTreeChanges(join(folder, "absent"), "main", { gitCommand })).rejects.toMatchObject({
      code: "LK1002",
    });
  });
});

describe("what git ignores", () => {
  it("does not count", async () => {
    const folder = checkout({ ...FILES, ".gitignore": "*.local.yaml\n" });
    writeFiles(folder, { "labs/t/x.local.yaml": "x" });
    expect(lines(await workingTreeChanges(folder, "main"))).toEqual([]);
  });

  it("is not read either when it is a repository of its own", async () => {
    const folder = checkout(FILES);
    const inner = join(folder, "labs/inner");
    writeFiles(inner, { "a.yaml": "x" });
    git(inner, ["init", "--quiet", "."]);
    git(inner, ["add", "-A"]);
    git(inner, ["commit", "--quiet", "-m", "inner"]);
    expect(lines(await workingTreeChanges(folder, "main"))).toEqual(["labs/inner refused submodule"]);
  });
});
