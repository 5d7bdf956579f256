import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { changesSince } from "../../src/git/changes-since.ts";
import { git } from "../../standins/git/repository.ts";
import { writeFiles } from "../git-server.ts";
import { lab, show, workshop } from "./catalogs.ts";

const shop = workshop();
let count = 0;

/** A checkout with `files` committed on main. */
function checkout(files: Parameters<typeof writeFiles>[1]): string {
  const folder = shop.path(`checkout ${++count}`);
  mkdirSync(folder);
  git(folder, ["init", "--quiet", "--initial-branch=main", "."]);
  writeFiles(folder, files);
  commit(folder);
  return folder;
}

function commit(folder: string): void {
  git(folder, ["add", "-A"]);
  git(folder, ["commit", "--quiet", "-m", "test"]);
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
  "labs/t/edited.yaml": lab("edited", 48),
  "labs/t/gone.yaml": null,
  "labs/t/linked.yaml": { link: "same.yaml" },
  "labs/t/new.yaml": lab("new"),
  "labs/t/späce é.yaml": "odd\n",
  "labs/t/README.md": "no lab\n",
  "docs/x.md": "changed\n",
};
const CHANGED = ["labs/t/edited.yaml", "labs/t/linked.yaml", "labs/t/new.yaml", "labs/t/späce é.yaml"];
const BEFORE = [
  "labs/t/edited.yaml name: edited|ttlHours: 24|",
  "labs/t/gone.yaml name: gone|ttlHours: 24|",
  "labs/t/linked.yaml name: linked|ttlHours: 24|",
];
const POLICY = ["catalog.yaml one|", "profiles/p.yaml p|"];

/** The answer through git, in one shape. */
async function through(folder: string, base: string) {
  const { changed, before, policyBefore } = await changesSince(folder, base);
  return {
    changed: [...(changed ?? ["unknown"])].sort(),
    before: show(before),
    policy: policyBefore === null ? null : show(policyBefore),
  };
}

describe("what a checkout changes, by git", () => {
  it("is what differs from the base, committed, staged or neither", async () => {
    const folder = checkout(FILES);
    expect(await through(folder, "main")).toEqual({ changed: [], before: [], policy: null });
    writeFiles(folder, EDITS);
    const expected = { changed: CHANGED, before: BEFORE, policy: null };
    expect(await through(folder, "HEAD")).toEqual(expected);
    git(folder, ["add", "-A"]);
    expect(await through(folder, "main")).toEqual(expected);
    git(folder, ["checkout", "--quiet", "-b", "feature"]);
    commit(folder);
    expect(await through(folder, "main")).toEqual(expected);
    expect(await through(folder, "HEAD~1")).toEqual(expected);
    expect(await through(folder, "HEAD")).toEqual({ changed: [], before: [], policy: null });
  });

  it.each([
    { "catalog.yaml": "two\n" },
    { "catalog.yaml": null, "profiles/p.yaml": null },
    { "profiles/new.yaml": "new\n" },
  ])("tells the former policy when that changes: %j", async (edits) => {
    const folder = checkout(FILES);
    writeFiles(folder, edits);
    expect(await through(folder, "main")).toEqual({ changed: [], before: [], policy: POLICY });
  });

  it("leaves out what others merged into the base since", async () => {
    const folder = checkout(FILES);
    git(folder, ["checkout", "--quiet", "-b", "feature"]);
    writeFiles(folder, { "labs/t/mine.yaml": lab("mine") });
    commit(folder);
    git(folder, ["checkout", "--quiet", "main"]);
    writeFiles(folder, { "labs/t/theirs.yaml": lab("theirs"), "labs/t/gone.yaml": null, "catalog.yaml": "theirs\n" });
    commit(folder);
    git(folder, ["checkout", "--quiet", "feature"]);
    expect(await through(folder, "main")).toEqual({ changed: ["labs/t/mine.yaml"], before: [], policy: null });
    expect(show((await changesSince(folder, "main", null)).before)).toHaveLength(4);
    expect(show((await changesSince(folder, "main", null)).policyBefore ?? [])).toEqual(POLICY);
  });

  it("compares with the base itself when a shallow clone does not know where they part", async () => {
    const folder = checkout(FILES);
    git(folder, ["checkout", "--quiet", "-b", "feature"]);
    writeFiles(folder, { "labs/t/mine.yaml": lab("mine") });
    commit(folder);
    git(folder, ["checkout", "--quiet", "main"]);
    writeFiles(folder, { "labs/t/gone.yaml": null });
    commit(folder);
    const shallow = shop.path(`shallow ${count}`);
    git(folder, [
      "clone",
      "--quiet",
      "--depth",
      "1",
      "--no-single-branch",
      "-b",
      "feature",
      `file://${folder}`,
      shallow,
    ]);
    expect((await through(shallow, "origin/main")).changed).toEqual(["labs/t/gone.yaml", "labs/t/mine.yaml"]);
    expect(show((await changesSince(shallow, "origin/main", null)).before)).toHaveLength(3);
  });

  it("works in a folder of a larger repository, and in a worktree", async () => {
    const folder = checkout(Object.fromEntries(Object.entries(FILES).map(([path, text]) => [`deep/er/${path}`, text])));
    const catalog = join(folder, "deep/er");
    writeFiles(catalog, { "labs/t/new.yaml": lab("new"), "labs/t/gone.yaml": null });
    writeFiles(folder, { "labs/t/outside.yaml": "x" });
    const expected = {
      changed: ["labs/t/new.yaml"],
      before: ["labs/t/gone.yaml name: gone|ttlHours: 24|"],
      policy: null,
    };
    expect(await through(catalog, "main")).toEqual(expected);
    const worktree = shop.path(`worktree ${count}`);
    git(folder, ["worktree", "add", "--quiet", "-b", `side-${count}`, worktree]);
    rmSync(join(worktree, "deep/er/labs/t/gone.yaml"));
    expect(await through(join(worktree, "deep/er"), "main")).toEqual({ ...expected, changed: [] });
    expect(show((await changesSince(catalog, "main", null)).before)).toHaveLength(4);
  });

  it("leaves out what git ignores, and names a repository inside", async () => {
    const folder = checkout({ ...FILES, ".gitignore": "*.local.yaml\n" });
    writeFiles(folder, { "labs/t/x.local.yaml": "x", "labs/inner/a.yaml": "x" });
    git(join(folder, "labs/inner"), ["init", "--quiet", "."]);
    commit(join(folder, "labs/inner"));
    expect((await through(folder, "main")).changed).toEqual(["labs/inner"]);
  });
});

describe("what a checkout changes, without git", () => {
  it("is left to the caller, who gets all that the base has", async () => {
    const folder = checkout(FILES);
    writeFiles(folder, { ...EDITS, "catalog.yaml": "two\n" });
    const { changed, before, policyBefore } = await changesSince(folder, "main", null);
    expect(changed).toBeNull();
    expect(show(before)).toEqual([...BEFORE, "labs/t/same.yaml name: same|ttlHours: 24|"]);
    expect(show(policyBefore ?? [])).toEqual(POLICY);
    expect((await changesSince(folder, "HEAD", "git-that-is-not-there")).changed).toBeNull();
  });
});

describe.each(["git", null])("a base that is not there (git program: %s)", (gitCommand) => {
  it("is LK1003", async () => {
    const folder = checkout(FILES);
    for (const base of ["nowhere", "--output=/tmp/x", "-x", "", "main~5", "a b", "main:catalog.yaml", "1".repeat(40)]) {
      await expect(changesSince(folder, base, gitCommand), base).rejects.toMatchObject({ code: "LK1003" });
    }
  });

  it("is LK1002 where there is no repository", async () => {
    const folder = shop.path(`plain ${++count}`);
    writeFiles(folder, FILES);
    await expect(changesSince(folder, "main", gitCommand)).rejects.toMatchObject({ code: "LK1002" });
    await expect(changesSince(join(folder, "absent"), "main", gitCommand)).rejects.toMatchObject({ code: "LK1002" });
  });
});
