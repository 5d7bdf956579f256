/** Commits that a repository of the tests makes without git are the ones that git would have made. */

import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { commitLoosely } from "../../standins/git/loose.ts";
import { createRepository, type Files, git, temporaryFolder } from "../../standins/git/repository.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());
let serial = 0;
const repository = () => {
  serial += 1;
  return createRepository(join(folder.path, `${serial}.git`));
};

/** The same files through `git fast-import`, which a name that needs thought leads to. */
const byGit = (files: Files): Files => ({ ...files, "by git/README": "x" });

const name = fc.constantFrom("a", "a-b", "a.b", "a0", "b", ".c", "Z");
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
const content = fc.option(fc.string({ unit: "grapheme", maxLength: 20 }), { freq: 3 });
const files = fc.dictionary(path, content, { maxKeys: 6, noNullPrototype: true });

describe("a commit without git", () => {
  test("has the tree that git makes of the same files, whatever came before", () => {
    fc.assert(
      fc.property(fc.array(files, { minLength: 1, maxLength: 4 }), (commits) => {
        const [loose, real] = [repository(), repository()];
        real.commit({ "by git/README": "x" });
        loose.commit({ "by git/README": "x" });
        for (const each of commits) {
          const made = attempt(() => loose.commit(each));
          const wanted = attempt(() => real.commit(byGit(each)));
          expect(made === null).toBe(wanted === null);
          if (made === null || wanted === null) return;
          expect(loose.git(["rev-parse", "main^{tree}"])).toBe(real.git(["rev-parse", "main^{tree}"]));
          expect(made).toBe(wanted);
        }
        expect(loose.git(["fsck", "--strict", "--no-dangling"])).toBe("");
      }),
      { numRuns: 15 },
    );
  });

  test("needs no process for plain files, and leaves everything else to git", () => {
    const { commit, path: repo } = repository();
    const parent = commit({ "labs/a.yaml": "a", "labs/b.yaml": "b" });
    const who = "Test <test@example.com> 1700000000 +0000";
    const plain = { parents: [parent], author: who, committer: who, message: "more" };
    const made = commitLoosely(repo, { ...plain, files: { "labs/a.yaml": null, "README.md": Buffer.from("x") } });
    expect(git(repo, ["ls-tree", "-r", "--name-only", made ?? ""])).toBe("README.md\nlabs/b.yaml");
    for (const odd of [
      { "../a": "x" },
      { ".git/config": "x" },
      { "labs/a.yaml/b": "x" },
      { labs: "x" },
      { a: { link: "b" } },
    ])
      expect(commitLoosely(repo, { ...plain, files: odd })).toBeNull();
    expect(commitLoosely(repo, { ...plain, parents: ["main"], files: {} })).toBeNull();
    git(repo, ["repack", "-adq"]);
    expect(commitLoosely(repo, { ...plain, files: { a: "a" } })).toBeNull();
    expect(commit({ a: "a" })).toBe(git(repo, ["rev-parse", "main"]));
  });
});

function attempt<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}
