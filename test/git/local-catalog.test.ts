import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { GIT_ENV, git } from "../../standins/git/repository.ts";
import { lab, show, workshop } from "./catalogs.ts";

const shop = workshop();
const NONE = "0".repeat(40);

const snapshot = (folder: string): string =>
  execFileSync("find", [folder, "-type", "f", "-exec", "sha1sum", "{}", "+"]).toString().split("\n").sort().join("\n");

describe("a catalog in a folder", () => {
  it("answers all labs at first and then only what differs", async () => {
    const repository = shop.repository();
    const first = repository.commit({
      "catalog.yaml": "kind: Catalog\n",
      "README.md": "no lab\n",
      "labs/README.md": "no lab\n",
      "labs/team-a/.gitkeep": "",
      "labs/team-a/one.yaml": lab("one"),
      "labs/team-a/two.yml": lab("two"),
      "labs/team-b/three.yaml": lab("three"),
    });
    const catalog = shop.catalog(repository.path);
    expect(await catalog.head()).toBe(first);
    const all = await catalog.labChanges(null, first);
    expect(all.complete).toBe(true);
    expect(show(all.entries)).toEqual([
      "labs/team-a/one.yaml name: one|ttlHours: 24|",
      "labs/team-a/two.yml name: two|ttlHours: 24|",
      "labs/team-b/three.yaml name: three|ttlHours: 24|",
    ]);

    const second = repository.commit({
      "labs/team-a/one.yaml": lab("one", 48),
      "labs/team-b/three.yaml": null,
      "labs/team-c/four.yaml": lab("four"),
      "docs/other.md": "not looked at\n",
    });
    expect(await catalog.head()).toBe(second);
    const changes = await catalog.labChanges(first, second);
    expect(changes.complete).toBe(false);
    expect(show(changes.entries)).toEqual([
      "labs/team-a/one.yaml name: one|ttlHours: 48|",
      "labs/team-b/three.yaml removed",
      "labs/team-c/four.yaml name: four|ttlHours: 24|",
    ]);
    expect(await catalog.labChanges(second, second)).toEqual({ entries: [], complete: false });
    expect(show((await catalog.labChanges(second, first)).entries)).toContain("labs/team-c/four.yaml removed");
  });

  it("gives blob oids that git gives", async () => {
    const repository = shop.repository();
    const commit = repository.commit({ "labs/t/a.yaml": lab("a") });
    const { entries } = await shop.catalog(repository.path).labChanges(null, commit);
    expect(entries[0]).toMatchObject({ blobOid: repository.git(["rev-parse", "main:labs/t/a.yaml"]) });
  });

  it("answers everything when the former commit is unknown, and no labs when there are none", async () => {
    const repository = shop.repository();
    const commit = repository.commit({ "labs/t/a.yaml": lab("a") });
    const catalog = shop.catalog(repository.path);
    expect(await catalog.labChanges(NONE, commit)).toMatchObject({ complete: true, entries: [{ kind: "file" }] });
    const empty = repository.commit({ "labs/t/a.yaml": null, x: "y" });
    expect(await catalog.labChanges(null, empty)).toEqual({ complete: true, entries: [] });
    expect(show((await catalog.labChanges(commit, empty)).entries)).toEqual(["labs/t/a.yaml removed"]);
  });

  it("reads the policy, and reads it again only when it changes", async () => {
    const repository = shop.repository();
    const first = repository.commit({
      "catalog.yaml": "a\n",
      "profiles/small.yaml": "b\n",
      "profiles/big.yml": "c\n",
      "profiles/README.md": "d\n",
      "profiles/deep/x.yaml": "e\n",
      "profiles/link.yaml": { link: "small.yaml" },
    });
    const catalog = shop.catalog(repository.path);
    const policy = await catalog.policyFiles(first);
    expect(show(policy)).toEqual([
      "catalog.yaml a|",
      "profiles/big.yml c|",
      "profiles/link.yaml refused symlink",
      "profiles/small.yaml b|",
    ]);
    const second = repository.commit({ "labs/t/a.yaml": lab("a") });
    expect(await catalog.policyFiles(second)).toBe(policy);
    const third = repository.commit({ "profiles/small.yaml": "changed\n", "catalog.yaml": null });
    expect(show(await catalog.policyFiles(third))[0]).toBe("profiles/big.yml c|");
    expect(await catalog.policyFiles(repository.commit({ profiles: null }))).toEqual([]);
  });

  it("leaves the repository as it was", async () => {
    const repository = shop.repository();
    const first = repository.commit({ "labs/t/a.yaml": lab("a") });
    const second = repository.commit({ "labs/t/a.yaml": lab("a", 2) });
    const before = snapshot(repository.path);
    const catalog = shop.catalog(repository.path);
    await catalog.labChanges(first, await catalog.head());
    await catalog.isAncestor(first, second);
    expect(snapshot(repository.path)).toBe(before);
  });
});

describe("the reference of a catalog in a folder", () => {
  it("follows HEAD, a branch, a tag, a full name and a commit", async () => {
    const repository = shop.repository();
    const main = repository.commit({ "labs/t/a.yaml": lab("a") });
    const other = repository.commit({ "labs/t/a.yaml": lab("a", 2) }, { branch: "team/x", from: main });
    repository.git(["tag", "-a", "v1", "-m", "annotated", other]);
    const at = (ref?: string) => shop.catalog(repository.path, ref === undefined ? {} : { ref }).head();
    expect(await at()).toBe(main);
    for (const ref of ["team/x", "v1", "refs/tags/v1", "refs/heads/team/x", other]) expect(await at(ref)).toBe(other);
    repository.git(["symbolic-ref", "HEAD", "refs/heads/team/x"]);
    expect(await at()).toBe(other);
    repository.git(["pack-refs", "--all"]);
    expect(await at()).toBe(other);
    expect(await at("v1")).toBe(other);
    const moved = repository.commit({ "labs/t/a.yaml": lab("a", 3) }, { branch: "team/x" });
    expect(await at()).toBe(moved);
  });

  it("follows HEAD by its name, and a commit's oid cut short where only one object begins so", async () => {
    const repository = shop.repository();
    const first = repository.commit({ "labs/t/a.yaml": lab("a") });
    const second = repository.commit({ "labs/t/a.yaml": lab("a", 2) });
    const at = (ref: string) => shop.catalog(repository.path, { ref }).head();
    expect(await at("HEAD")).toBe(second);
    for (const length of [7, 12, 39]) expect(await at(first.slice(0, length))).toBe(first);
    repository.git(["gc", "--quiet"]);
    expect(await at(first.slice(0, 12))).toBe(first);
    expect(await at(first.slice(0, 12).toUpperCase())).toBe(first);
    const named = repository.commit({ "labs/t/a.yaml": lab("a", 3) }, { branch: first.slice(0, 7) });
    expect(await at(first.slice(0, 7))).toBe(named);
    const absent = `${first.startsWith("0") ? "1" : "0"}${first.slice(1, 12)}`;
    await expect(at(absent)).rejects.toMatchObject({ code: "LK1003" });
    await expect(at(first.slice(0, 3))).rejects.toMatchObject({ code: "LK1003" });
  });

  it.each(["nowhere", "../../etc/passwd", "-x", "a..b", "a b", "x.lock", "a~1", "refs/../config"])(
    "%s does not exist",
    async (ref) => {
      const repository = shop.repository();
      repository.commit({ a: "b" });
      await expect(shop.catalog(repository.path, { ref }).head()).rejects.toMatchObject({ code: "LK1003" });
    },
  );

  it("says so when there are no commits or the branch is gone, and recovers", async () => {
    const repository = shop.repository();
    const catalog = shop.catalog(repository.path);
    await expect(catalog.head()).rejects.toMatchObject({ code: "LK1003", message: expect.stringContaining("main") });
    const first = repository.commit({ "labs/t/a.yaml": lab("a") });
    expect(await catalog.head()).toBe(first);
    repository.git(["update-ref", "-d", "refs/heads/main"]);
    await expect(catalog.head()).rejects.toMatchObject({ code: "LK1003" });
  });

  it("refuses what is no commit", async () => {
    const repository = shop.repository();
    repository.commit({ a: "b" });
    repository.git(["update-ref", "refs/tags/blob", repository.git(["rev-parse", "main:a"])]);
    await expect(shop.catalog(repository.path, { ref: "blob" }).head()).rejects.toMatchObject({ code: "LK1004" });
    for (const content of ["", "rubbish\n", "ref: refs/heads/main\n"]) {
      writeFileSync(join(repository.path, "refs/heads/main"), content);
      await expect(shop.catalog(repository.path).head()).rejects.toMatchObject({ code: "LK1004" });
    }
  });
});

describe("kinds of repositories", () => {
  const files = { "labs/t/a.yaml": lab("a"), "catalog.yaml": "x\n" };

  it("reads checkouts, worktrees, and clones that borrow their objects", async () => {
    const repository = shop.repository();
    const commit = repository.commit(files);
    const [checkout, worktree, borrowing] = ["checkout", "worktree", "borrowing"].map((name) => shop.path(name));
    git(repository.path, ["clone", "--quiet", "--no-hardlinks", repository.path, checkout!]);
    git(checkout!, ["worktree", "add", "--quiet", "-b", "side", worktree!]);
    git(repository.path, ["clone", "--quiet", "--shared", "--bare", repository.path, borrowing!]);
    for (const path of [checkout!, worktree!, borrowing!]) {
      for (const gitCommand of ["git", null]) {
        const catalog = shop.catalog(path, { gitCommand });
        expect(await catalog.head()).toBe(commit);
        expect(show((await catalog.labChanges(null, commit)).entries)).toEqual(["labs/t/a.yaml name: a|ttlHours: 24|"]);
      }
    }
    writeFileSync(join(worktree!, "labs/t/a.yaml"), lab("a", 3));
    git(worktree!, ["commit", "--quiet", "-am", "on the side"]);
    expect(await shop.catalog(worktree!).head()).toBe(git(worktree!, ["rev-parse", "side"]));
    expect(await shop.catalog(checkout!).head()).toBe(commit);
    git(checkout!, ["checkout", "--quiet", "--detach", "HEAD"]);
    expect(await shop.catalog(checkout!).head()).toBe(commit);
  });

  it("keeps reading while git packs, collects and prunes", async () => {
    const repository = shop.repository();
    const catalog = shop.catalog(repository.path, { gitCommand: null });
    let before = repository.commit(files);
    await catalog.labChanges(null, before);
    for (let turn = 1; turn <= 3; turn++) {
      const after = repository.commit({ "labs/t/a.yaml": lab("a", turn) });
      repository.git(["gc", "--quiet", "--prune=now"]);
      expect(await catalog.head()).toBe(after);
      expect(show((await catalog.labChanges(before, after)).entries)).toEqual([
        `labs/t/a.yaml name: a|ttlHours: ${turn}|`,
      ]);
      expect(await catalog.isAncestor(before, after)).toBe(true);
      before = after;
    }
  });

  it("refuses folders that are none, and formats that it cannot read", async () => {
    const code = (path: string) => expect(shop.catalog(path).head()).rejects.toMatchObject({ code: "LK1002" });
    mkdirSync(shop.path("plain/labs"), { recursive: true });
    writeFileSync(shop.path("file"), "x");
    mkdirSync(shop.path("lost"));
    writeFileSync(shop.path("lost/.git"), "gitdir: /nonexistent/git\n");
    for (const name of ["plain", "file", "lost", "absent"]) await code(shop.path(name));
    git("/", ["init", "--quiet", "--object-format=sha256", shop.path("sha256")]);
    await code(shop.path("sha256"));
    const other = shop.repository();
    other.commit(files);
    other.git(["config", "core.repositoryformatversion", "1"]);
    other.git(["config", "extensions.refStorage", "reftable"]);
    await code(other.path);
    mkdirSync(shop.path("inside-a-checkout/.git"), { recursive: true });
    await code(shop.path("inside-a-checkout"));
  });

  it("needs git on PATH for nothing", async () => {
    const repository = shop.repository();
    const commit = repository.commit(files);
    const catalog = shop.catalog(repository.path, { gitCommand: "git-that-is-not-there" });
    expect((await catalog.labChanges(null, await catalog.head())).entries).toHaveLength(1);
    expect(await catalog.policyFiles(commit)).toHaveLength(1);
  });
});

describe("a damaged repository", () => {
  it.each(["git", null])("is an error, never an answer (bulk reads through %s)", async (gitCommand) => {
    const repository = shop.repository();
    const commit = repository.commit({ "labs/t/a.yaml": lab("a"), "labs/t/b.yaml": lab("b") });
    repository.git(["unpack-objects"], readPack(repository.path));
    const object = (spec: string): string => {
      const oid = repository.git(["rev-parse", spec]);
      return join(repository.path, "objects", oid.slice(0, 2), oid.slice(2));
    };
    for (const spec of ["main:labs/t/b.yaml", "main:labs/t", "main:labs", "main^{tree}", "main"]) {
      const file = object(spec);
      const bytes = readFileSync(file);
      for (const damage of [null, bytes.subarray(0, bytes.length / 2), Buffer.from("rubbish")]) {
        rmSync(file);
        if (damage !== null) writeFileSync(file, damage);
        const catalog = shop.catalog(repository.path, { gitCommand });
        await expect(catalog.labChanges(null, commit)).rejects.toMatchObject({ code: "LK1004" });
        writeFileSync(file, bytes, { flag: damage === null ? "wx" : "w" });
        expect((await catalog.labChanges(null, commit)).entries).toHaveLength(2);
      }
    }
  });

  it("is an error when a pack lost its end", async () => {
    const repository = shop.repository();
    const commit = repository.commit({ "labs/t/a.yaml": lab("a") });
    repository.git(["repack", "-adq"]);
    const folder = join(repository.path, "objects/pack");
    const pack = join(folder, readdirSync(folder).find((name) => name.endsWith(".pack"))!);
    const bytes = readFileSync(pack);
    rmSync(pack);
    writeFileSync(pack, bytes.subarray(0, bytes.length - 30));
    await expect(shop.catalog(repository.path).labChanges(null, commit)).rejects.toMatchObject({ code: "LK1004" });
  });
});

/** Takes the packs away and answers the one there was, so that it can be unpacked into files of its own. */
function readPack(repository: string): Buffer {
  execFileSync("git", ["repack", "-adq"], { cwd: repository, env: GIT_ENV });
  const folder = join(repository, "objects/pack");
  const packs = readdirSync(folder);
  const bytes = readFileSync(join(folder, packs.find((name) => name.endsWith(".pack"))!));
  for (const name of packs) rmSync(join(folder, name));
  return bytes;
}
