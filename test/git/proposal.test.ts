import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openObjects } from "../../src/git/objects.ts";
import { readProposal } from "../../src/git/proposal.ts";
import type { BareRepository } from "../../standins/git/repository.ts";
import { type GitServer, startGitServer, writeTree } from "../git-server.ts";
import { lab, show, workshop } from "./catalogs.ts";

const shop = workshop();
let server: GitServer;
beforeAll(async () => {
  server = await startGitServer(shop.path("."));
});
afterAll(() => server.close());

type Repository = BareRepository & { readonly name: string };

const url = (repository: Repository): string => `${server.url}/${repository.name}.git`;
const fetches = (): number =>
  server.requests.filter(({ method, url }) => method === "POST" && url.endsWith("upload-pack")).length;
const generations = (stateDir: string): string[] => {
  const home = join(stateDir, "catalog");
  return readdirSync(home).flatMap((name) => readdirSync(join(home, name)).filter((entry) => entry.startsWith("g-")));
};
const pull = (repository: Repository, number: number, commit: string): void => {
  repository.git(["update-ref", `refs/pull/${number}/head`, commit]);
};
/** A branch's commit that only the pull request's ref names, as GitHub keeps those of forks. */
const fork = (repository: Repository, number: number, from: string, files: Parameters<Repository["commit"]>[0]) => {
  const commit = repository.commit(files, { branch: `fork-${number}`, from });
  repository.git(["update-ref", "-d", `refs/heads/fork-${number}`]);
  pull(repository, number, commit);
  return commit;
};

const START = {
  "catalog.yaml": "one\ntwo\nthree\nfour\nfive\n",
  "profiles/small.yaml": "small\n",
  "labs/t/a.yaml": lab("a"),
  "labs/t/b.yaml": lab("b"),
};

describe.each(["a repository on this machine", "a repository behind http"])("in %s", (where) => {
  const open = (repository: Repository) =>
    shop.catalog(where.includes("http") ? url(repository) : repository.path, { stateDir: shop.stateDir() });

  it("a fork's pull request is what it changes, whatever its base did since", async () => {
    const repository = shop.repository();
    const first = repository.commit(START);
    const head = fork(repository, 7, first, {
      "labs/t/c.yaml": lab("c"),
      "labs/t/b.yaml": null,
      "README.md": "not the catalog's\n",
    });
    const base = repository.commit({ "labs/t/a.yaml": lab("a", 48), "labs/u/d.yaml": lab("d") });
    const catalog = open(repository);
    expect(await catalog.head()).toBe(base);
    const proposal = await catalog.proposal(7, head, base);
    expect(proposal).toMatchObject({ head, forkPoint: first, policyPaths: [], conflicts: [], inBase: false });
    expect(show(proposal.labs)).toEqual(["labs/t/b.yaml removed", "labs/t/c.yaml name: c|ttlHours: 24|"]);
    expect(show(proposal.policyFiles)).toEqual(["catalog.yaml one|two|three|four|five|", "profiles/small.yaml small|"]);
  });

  it("a head that moved is not taken for the one that was asked for", async () => {
    const repository = shop.repository();
    const base = repository.commit(START);
    const old = fork(repository, 1, base, { "labs/t/b.yaml": null });
    const catalog = open(repository);
    await catalog.head();
    expect(show((await catalog.proposal(1, old, base)).labs)).toEqual(["labs/t/b.yaml removed"]);
    const pushed = fork(repository, 1, base, { "labs/t/a.yaml": null });
    await expect(open(repository).proposal(1, old, base)).rejects.toMatchObject({ code: "LK8005" });
    expect(show((await catalog.proposal(1, pushed, base)).labs)).toEqual(["labs/t/a.yaml removed"]);
    await expect(catalog.proposal(2, pushed, base)).rejects.toMatchObject({ code: "LK1003" });
    for (const number of [0, -1, 1.5, Number.NaN, Number("7/../../heads/main")]) {
      await expect(catalog.proposal(number, pushed, base)).rejects.toMatchObject({ code: "LK1003" });
    }
    await expect(catalog.proposal(1, "../../../HEAD", base)).rejects.toMatchObject({ code: "LK1003" });
    await expect(catalog.proposal(1, pushed, "main")).rejects.toMatchObject({ code: "LK1003" });
  });

  it("policy files are as a merge would leave them", async () => {
    const repository = shop.repository();
    const first = repository.commit({ ...START, "profiles/old.yaml": "old\n" });
    const head = fork(repository, 3, first, {
      "catalog.yaml": "ONE\ntwo\nthree\nfour\nfive\n",
      "profiles/new.yaml": "new\n",
      "profiles/old.yaml": null,
    });
    const base = repository.commit({
      "catalog.yaml": "one\ntwo\nthree\nfour\nFIVE\n",
      "profiles/small.yaml": "smaller\n",
      "profiles/theirs.yaml": "theirs\n",
    });
    const catalog = open(repository);
    await catalog.head();
    const proposal = await catalog.proposal(3, head, base);
    expect(show(proposal.policyFiles)).toEqual([
      "catalog.yaml ONE|two|three|four|FIVE|",
      "profiles/new.yaml new|",
      "profiles/small.yaml smaller|",
      "profiles/theirs.yaml theirs|",
    ]);
    expect(proposal.policyPaths).toEqual(["catalog.yaml", "profiles/new.yaml", "profiles/old.yaml"]);
    expect(proposal.conflicts).toEqual([]);
    const [merged] = proposal.policyFiles;
    if (merged?.kind !== "file") throw new Error("catalog.yaml is no file");
    expect(merged.blobOid).toBe(repository.git(["hash-object", "--stdin"], Buffer.from(merged.bytes)));
  });

  it("tells what both sides changed differently, and shows the pull request's side of it", async () => {
    const repository = shop.repository();
    const first = repository.commit({ ...START, "labs/t/c.yaml": lab("c"), "labs/t/d.yaml": lab("d") });
    const head = fork(repository, 4, first, {
      "labs/t/a.yaml": lab("a", 1),
      "labs/t/b.yaml": null,
      "labs/t/c.yaml": null,
      "labs/t/d.yaml": lab("d", 9),
      "labs/t/e.yaml": lab("e", 1),
      "catalog.yaml": "1\n",
    });
    const base = repository.commit({
      "labs/t/a.yaml": lab("a", 2),
      "labs/t/b.yaml": lab("b", 2),
      "labs/t/c.yaml": null,
      "labs/t/d.yaml": lab("d", 9),
      "labs/t/e.yaml": lab("e", 2),
      "catalog.yaml": "2\n",
    });
    const catalog = open(repository);
    await catalog.head();
    const proposal = await catalog.proposal(4, head, base);
    expect(proposal.conflicts).toEqual(["catalog.yaml", "labs/t/a.yaml", "labs/t/b.yaml", "labs/t/e.yaml"]);
    expect(show(proposal.labs)).toEqual([
      "labs/t/a.yaml name: a|ttlHours: 1|",
      "labs/t/b.yaml removed",
      "labs/t/c.yaml removed",
      "labs/t/d.yaml name: d|ttlHours: 9|",
      "labs/t/e.yaml name: e|ttlHours: 1|",
    ]);
    expect(show(proposal.policyFiles)[0]).toBe("catalog.yaml 1|");
  });

  it("a base that was merged into the pull request is no part of what it changes", async () => {
    const repository = shop.repository();
    const first = repository.commit(START);
    repository.commit({ "labs/t/c.yaml": lab("c") }, { branch: "topic", from: first });
    const second = repository.commit({ "labs/t/a.yaml": lab("a", 48) });
    const head = repository.commit({ "labs/t/a.yaml": lab("a", 48) }, { branch: "topic", merge: second });
    const base = repository.commit({ "labs/t/b.yaml": lab("b", 48) });
    pull(repository, 5, head);
    repository.git(["update-ref", "-d", "refs/heads/topic"]);
    const catalog = open(repository);
    await catalog.head();
    const proposal = await catalog.proposal(5, head, base);
    expect(proposal.forkPoint).toBe(second);
    expect(show(proposal.labs)).toEqual(["labs/t/c.yaml name: c|ttlHours: 24|"]);
  });

  it("a criss-cross merge is followed as merging its bases would have it", async () => {
    const repository = shop.repository();
    const first = repository.commit(START);
    const left = repository.commit({ "labs/t/a.yaml": lab("a", 1) });
    const right = repository.commit(
      { "labs/t/b.yaml": lab("b", 1), "labs/t/x.yaml": lab("x") },
      { branch: "topic", from: first },
    );
    const both = { "labs/t/a.yaml": lab("a", 1), "labs/t/b.yaml": lab("b", 1), "labs/t/x.yaml": lab("x") };
    repository.commit(both, { merge: right });
    repository.commit(both, { branch: "topic", merge: left });
    const base = repository.commit({ "labs/t/a.yaml": lab("a", 2) });
    const head = repository.commit({ "labs/t/b.yaml": lab("b", 3), "labs/t/x.yaml": null }, { branch: "topic" });
    pull(repository, 6, head);
    const catalog = open(repository);
    await catalog.head();
    const proposal = await catalog.proposal(6, head, base);
    expect([left, right]).toContain(proposal.forkPoint);
    expect(show(proposal.labs)).toEqual(["labs/t/b.yaml name: b|ttlHours: 3|", "labs/t/x.yaml removed"]);
    expect(proposal.conflicts).toEqual([]);
  });

  it("a merged pull request is still what it changed, however it was merged", async () => {
    const repository = shop.repository();
    const first = repository.commit(START);
    const head = fork(repository, 8, first, { "labs/t/b.yaml": null });
    repository.commit({ "labs/t/c.yaml": lab("c") });
    repository.commit({ "labs/t/b.yaml": null }, { merge: head });
    repository.commit({ "labs/t/d.yaml": lab("d") });
    const other = fork(repository, 9, first, { "labs/t/a.yaml": null });
    const base = repository.commit({ "labs/t/a.yaml": null });
    const catalog = open(repository);
    await catalog.head();
    for (const [number, commit, path] of [
      [8, head, "b"],
      [9, other, "a"],
    ] as const) {
      const proposal = await catalog.proposal(number, commit, base);
      expect(show(proposal.labs)).toEqual([`labs/t/${path}.yaml removed`]);
      expect(proposal).toMatchObject({ forkPoint: first, conflicts: [], inBase: true });
    }
  });

  it("hostile entries are refused and never followed", async () => {
    const repository = shop.repository();
    const first = repository.commit(START);
    const blob = repository.git(["hash-object", "-w", "--stdin"], "name: x\n");
    const odd = writeTree(repository.path, [
      { mode: "100644", name: "..", oid: blob },
      { mode: "100644", name: "`$(touch x)`.yaml", oid: blob },
      { mode: "100644", name: Buffer.from([0xff, 0x2e, 0x79, 0x61, 0x6d, 0x6c]), oid: blob },
    ]);
    const team = writeTree(repository.path, [
      { mode: "120000", name: "link.yaml", oid: blob },
      { mode: "160000", name: "module.yaml", oid: first },
    ]);
    const labs = writeTree(repository.path, [
      { mode: "40000", name: "t", oid: team },
      { mode: "40000", name: "x", oid: odd },
    ]);
    const root = writeTree(repository.path, [{ mode: "40000", name: "labs", oid: labs }]);
    pull(repository, 1, repository.git(["commit-tree", root, "-p", first, "-m", "x"]));
    const head = repository.git(["rev-parse", "refs/pull/1/head"]);
    const catalog = open(repository);
    await catalog.head();
    const proposal = await catalog.proposal(1, head, first);
    const entries = new Map(proposal.labs.map((entry) => [entry.path, entry]));
    expect(entries.get("labs/t/link.yaml")).toMatchObject({ kind: "refused", why: "symlink" });
    expect(entries.get("labs/t/module.yaml")).toMatchObject({ kind: "refused", why: "submodule" });
    expect([...entries.keys()].filter((path) => path.split("/").includes(".."))).toEqual([]);
    expect(proposal.policyFiles).toEqual([]);
    expect(proposal.policyPaths).toEqual(["catalog.yaml", "profiles/small.yaml"]);

    const link = fork(repository, 2, first, { labs: { link: "/etc" } });
    await expect(catalog.proposal(2, link, first)).rejects.toMatchObject({ code: "LK1004" });
    const alone = repository.commit({ "labs/t/z.yaml": lab("z") }, { branch: "alone", from: null });
    pull(repository, 3, alone);
    await expect(catalog.proposal(3, alone, first)).rejects.toMatchObject({ code: "LK1004" });
  });
});

describe("behind http", () => {
  it("asks once for a head and base, fetches once for a head, and never clones again", async () => {
    const repository = shop.repository();
    const first = repository.commit(START);
    const heads = [1, 2, 3].map((number) => fork(repository, number, first, { [`labs/t/n${number}.yaml`]: lab("n") }));
    const stateDir = shop.stateDir();
    const catalog = shop.catalog(url(repository), { stateDir });
    await catalog.head();
    const before = fetches();
    for (const [index, head] of heads.entries()) await catalog.proposal(index + 1, head, first);
    // Each: one question for the ref, one for the objects.
    expect(fetches() - before).toBe(6);
    for (const [index, head] of heads.entries()) await catalog.proposal(index + 1, head, first);
    expect(fetches() - before).toBe(6);

    const base = repository.commit({ "labs/t/c.yaml": lab("c") });
    expect(await catalog.head()).toBe(base);
    const moved = fetches();
    for (const [index, head] of heads.entries()) {
      expect((await catalog.proposal(index + 1, head, base)).labs).toHaveLength(1);
    }
    expect(fetches() - moved).toBe(0);
    expect(generations(stateDir)).toHaveLength(1);
    // What was fetched beside it is not taken for the catalog.
    expect(show((await catalog.labChanges(null, await catalog.head())).entries)).toHaveLength(3);
  });

  it("takes all of history once when a pull request left the branch before what was fetched", async () => {
    const repository = shop.repository();
    const first = repository.commit(START);
    const old = repository.commit({ "labs/t/old.yaml": lab("old") }, { branch: "old", from: first });
    pull(repository, 1, old);
    const later = repository.commit({ "labs/t/later.yaml": lab("later") }, { branch: "later", from: first });
    pull(repository, 2, later);
    // In one go: as many processes would keep this one from its connections for seconds.
    const commits = Array.from({ length: 230 }, (_, index) => {
      const text = lab("a", index + 1);
      const file = `M 100644 inline labs/t/a.yaml\ndata ${text.length}\n${text}\n`;
      const author = `committer T <t@example.com> ${1_700_001_000 + index} +0000`;
      return `commit refs/heads/main\n${author}\ndata 1\nx\n${index === 0 ? `from ${first}\n` : ""}${file}`;
    });
    repository.git(["fast-import", "--quiet"], commits.join(""));
    const stateDir = shop.stateDir();
    const catalog = shop.catalog(url(repository), { stateDir });
    const base = await catalog.head();
    expect(show((await catalog.proposal(1, old, base)).labs)).toEqual(["labs/t/old.yaml name: old|ttlHours: 24|"]);
    expect(generations(stateDir)).toHaveLength(2);
    expect((await catalog.proposal(2, later, base)).forkPoint).toBe(first);
    expect(generations(stateDir)).toHaveLength(2);
  }, 60_000);

  it("takes no more of a pull request than it may bring, and says not to try again", async () => {
    const repository = shop.repository();
    const base = repository.commit(START);
    const small = fork(repository, 1, base, { "labs/t/b.yaml": null });
    const large = fork(repository, 2, base, { "movie.bin": randomBytes(200_000) });
    const catalog = shop.catalog(url(repository), { maxPullRequestBytes: 100_000 });
    await catalog.head();
    await expect(catalog.proposal(2, large, base)).rejects.toMatchObject({ code: "LK1001", disposition: "stop" });
    expect((await catalog.proposal(1, small, base)).labs).toHaveLength(1);
  });

  it("is interrupted, refused and cut off without harm", async () => {
    const repository = shop.repository();
    const base = repository.commit(START);
    const head = fork(repository, 1, base, { "labs/t/b.yaml": null });
    const catalog = shop.catalog(url(repository));
    await catalog.head();
    for (const fault of [
      { kind: "status", status: 503 },
      { kind: "cut", afterBytes: 20 },
    ] as const) {
      server.fault(fault);
      await expect(catalog.proposal(1, head, base)).rejects.toMatchObject({ code: "LK1001" });
    }
    server.fault(null);
    await expect(catalog.proposal(1, head, base, AbortSignal.abort())).rejects.toMatchObject({ code: "LK1001" });
    expect(show((await catalog.proposal(1, head, base)).labs)).toEqual(["labs/t/b.yaml removed"]);
    expect(await catalog.head()).toBe(base);
  });
});

it("one changed file of 10,000 is a handful of objects", async () => {
  const repository = shop.repository();
  const files = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, index) => [`labs/team-${index % 40}/lab-${index}.yaml`, lab(`lab-${index}`)]),
  );
  const first = repository.commit({ "catalog.yaml": "x\n", ...files });
  const head = fork(repository, 1, first, { "labs/team-3/lab-3.yaml": lab("lab-3", 1) });
  const base = repository.commit({ "labs/team-4/lab-4.yaml": lab("lab-4", 1) });
  const real = openObjects({ gitdir: repository.path, gitCommand: "git" });
  const read = { commit: 0, tree: 0, blob: 0 };
  const count = (kind: keyof typeof read, number = 1): void => {
    read[kind] += number;
  };
  const proposal = await readProposal(
    {
      ...real,
      commit: (oid) => {
        count("commit");
        return real.commit(oid);
      },
      tree: (oid) => {
        count("tree");
        return real.tree(oid);
      },
      rawTree: (oid) => {
        count("tree");
        return real.rawTree(oid);
      },
      blobs: (oids, ...rest) => {
        count("blob", oids.length);
        return real.blobs(oids, ...rest);
      },
    },
    { head, base },
  );
  expect(show(proposal?.labs ?? [])).toEqual(["labs/team-3/lab-3.yaml name: lab-3|ttlHours: 1|"]);
  expect(read.commit).toBeLessThan(40);
  expect(read.tree).toBeLessThan(40);
  expect(read.blob).toBe(2);
}, 60_000);
