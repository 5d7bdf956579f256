import { describe, expect, it } from "vitest";
import { git } from "../../standins/git/repository.ts";
import { workshop } from "./catalogs.ts";

const shop = workshop();

describe("isAncestor", () => {
  it("agrees with git on every pair of commits of a history with branches and merges", async () => {
    const repository = shop.repository();
    const commits: string[] = [];
    const add = (branch: string, from: string | null, merge?: string): string => {
      const commit = repository.commit(
        { [`f${commits.length}`]: "x" },
        { branch, from, ...(merge === undefined ? {} : { merge }) },
      );
      commits.push(commit);
      return commit;
    };
    const a = add("main", null);
    const b = add("main", a);
    const side = add("side", a);
    const side2 = add("side", side);
    const c = add("main", b);
    const merged = add("main", c, side2);
    add("main", merged);
    add("stray", null);
    add("late", b);
    const catalog = shop.catalog(repository.path);
    for (const ancestor of commits) {
      for (const descendant of commits) {
        const expected = repository.git(["rev-list", descendant]).split("\n").includes(ancestor);
        expect(await catalog.isAncestor(ancestor, descendant), `${ancestor} ${descendant}`).toBe(expected);
      }
    }
  });

  it("trusts nothing that it cannot follow", async () => {
    const repository = shop.repository();
    const first = repository.commit({ a: "1" });
    const second = repository.commit({ a: "2" });
    const third = repository.commit({ a: "3" });
    const unknown = "2".repeat(40);
    const catalog = shop.catalog(repository.path);
    expect(await catalog.isAncestor(unknown, third)).toBe(false);
    expect(await catalog.isAncestor(first, unknown)).toBe(false);
    const shallow = shop.path("shallow");
    git(repository.path, ["clone", "--quiet", "--depth", "2", `file://${repository.path}`, shallow]);
    const cut = shop.catalog(shallow);
    expect(await cut.isAncestor(second, third)).toBe(true);
    expect(await cut.isAncestor(first, third)).toBe(false);
  });

  it("follows long histories", async () => {
    const repository = shop.repository();
    const stream = [...Array(1000).keys()].map(
      (i) => `commit refs/heads/main\ncommitter T <t@example.com> ${1_700_000_000 + i} +0000\ndata 1\nx\n`,
    );
    repository.git(["fast-import", "--quiet"], stream.join(""));
    const oldest = repository.git(["rev-list", "--max-parents=0", "main"]);
    const catalog = shop.catalog(repository.path);
    expect(await catalog.isAncestor(oldest, await catalog.head())).toBe(true);
  });
});
