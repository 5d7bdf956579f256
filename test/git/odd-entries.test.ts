import { describe, expect, it } from "vitest";
import { writeTree } from "../git-server.ts";
import { lab, show, workshop } from "./catalogs.ts";

const shop = workshop();
const SUBMODULE = "1".repeat(40);

describe.each(["git", null])("odd things under labs/ (bulk reads through %s)", (gitCommand) => {
  it("are said, never followed", async () => {
    const repository = shop.repository();
    const big = "x".repeat(64 * 1024);
    const first = repository.commit({
      "labs/t/good.yaml": lab("good"),
      "labs/t/link.yaml": { link: "../../../../etc/passwd" },
      "labs/t/module.yaml": { submodule: SUBMODULE },
      "labs/module": { submodule: SUBMODULE },
      "labs/elsewhere": { link: "../other" },
      "labs/t/just-small-enough.yaml": big,
      "labs/t/too-large.yaml": `${big}y`,
      "labs/t/huge.yaml": Buffer.alloc(20_000_000, "z"),
    });
    const catalog = shop.catalog(repository.path, { gitCommand });
    expect(show((await catalog.labChanges(null, first)).entries).map((line) => line.slice(0, 60))).toEqual([
      "labs/elsewhere refused symlink",
      "labs/module refused submodule",
      "labs/t/good.yaml name: good|ttlHours: 24|",
      "labs/t/huge.yaml refused too-large",
      `labs/t/just-small-enough.yaml ${"x".repeat(30)}`,
      "labs/t/link.yaml refused symlink",
      "labs/t/module.yaml refused submodule",
      "labs/t/too-large.yaml refused too-large",
    ]);

    const second = repository.commit({
      "labs/t/good.yaml": { link: "link.yaml" },
      "labs/t/link.yaml": lab("link"),
      "labs/t/module.yaml": null,
      "labs/elsewhere": null,
      "labs/elsewhere/a.yaml": lab("a"),
      "labs/t/huge.yaml": lab("huge"),
    });
    expect(show((await catalog.labChanges(first, second)).entries)).toEqual([
      "labs/elsewhere removed",
      "labs/elsewhere/a.yaml name: a|ttlHours: 24|",
      "labs/t/good.yaml refused symlink",
      "labs/t/huge.yaml name: huge|ttlHours: 24|",
      "labs/t/link.yaml name: link|ttlHours: 24|",
      "labs/t/module.yaml removed",
    ]);
  });

  it("differ from a file of the same content", async () => {
    const repository = shop.repository();
    const first = repository.commit({ "labs/t/a.yaml": "elsewhere" });
    const second = repository.commit({ "labs/t/a.yaml": { link: "elsewhere" } });
    const catalog = shop.catalog(repository.path, { gitCommand });
    expect(show((await catalog.labChanges(first, second)).entries)).toEqual(["labs/t/a.yaml refused symlink"]);
    expect(show((await catalog.labChanges(second, first)).entries)).toEqual(["labs/t/a.yaml elsewhere"]);
  });

  it("keeps names as they are, and misplaced files in sight", async () => {
    const repository = shop.repository();
    const commit = repository.commit({
      "labs/top.yaml": "x",
      "labs/t/deep/er/x.yaml": "x",
      "labs/t/UPPER.YAML": "x",
      "labs/t/späce in it.yaml": "x",
      "labs/t/line\nfeed.yaml": "x",
      "labs/t/back\\slash.yaml": "x",
      "labs/t/@mention <b>.yaml": "x",
      "labs/t/--flag.yaml": "x",
      "labs/t/text.txt": "x",
      "labs/t/README.md": "x",
      "labs/t/.hidden": "x",
    });
    const { entries } = await shop.catalog(repository.path, { gitCommand }).labChanges(null, commit);
    expect(entries.map(({ path }) => path)).toEqual([
      "labs/t/--flag.yaml",
      "labs/t/@mention <b>.yaml",
      "labs/t/UPPER.YAML",
      "labs/t/back\\slash.yaml",
      "labs/t/deep/er/x.yaml",
      "labs/t/line\nfeed.yaml",
      "labs/t/späce in it.yaml",
      "labs/t/text.txt",
      "labs/top.yaml",
    ]);
  });

  it("survives trees that git itself would not write", async () => {
    const repository = shop.repository();
    const blob = repository.git(["hash-object", "-w", "--stdin"], lab("a"));
    const row = (name: string | Buffer, oid = blob, mode = "100644") => ({ mode, name, oid });
    const team = writeTree(repository.path, [
      row(".."),
      row("../../a.yaml"),
      row(".git"),
      row(Buffer.from([0xff, 0x2e, 0x79, 0x61, 0x6d, 0x6c])),
      row(Buffer.from("\\xff.yaml")),
      row("a.yaml"),
      row("a.yaml"),
      row("nul\\0.yaml"),
    ]);
    const labs = writeTree(repository.path, [row("..", team, "40000"), row("t", team, "40000")]);
    const root = writeTree(repository.path, [row("labs", labs, "40000")]);
    const commit = repository.git(["commit-tree", root, "-m", "odd"]);
    const catalog = shop.catalog(repository.path, { gitCommand });
    const { entries } = await catalog.labChanges(null, commit);
    expect(entries.map(({ path }) => path).filter((path) => path.startsWith("labs/t/"))).toEqual([
      "labs/t/\\x2e\\x2e",
      "labs/t/\\x2e\\x2e\\x2f\\x2e\\x2e\\x2fa\\x2eyaml",
      "labs/t/\\xff.yaml",
      "labs/t/a.yaml",
      "labs/t/nul\\0.yaml",
    ]);
    expect(entries.every(({ path }) => path.startsWith("labs/") && !path.split("/").includes(".."))).toBe(true);
  });

  it("ends on trees without end", async () => {
    const repository = shop.repository();
    const blob = repository.git(["hash-object", "-w", "--stdin"], lab("a"));
    let tree = writeTree(repository.path, [{ mode: "100644", name: "a.yaml", oid: blob }]);
    for (let depth = 0; depth < 10; depth++) {
      const rows = [..."0123456789"].map((name) => ({ mode: "40000", name, oid: tree }));
      tree = writeTree(repository.path, rows);
    }
    const root = writeTree(repository.path, [{ mode: "40000", name: "labs", oid: tree }]);
    const commit = repository.git(["commit-tree", root, "-m", "bomb"]);
    const catalog = shop.catalog(repository.path, { gitCommand });
    await expect(catalog.labChanges(null, commit)).rejects.toMatchObject({ code: "LK1004" });
  });

  it.each(["labs", "profiles"])("takes %s for unreadable, not for empty, when it is no folder", async (name) => {
    for (const instead of ["text", { link: "elsewhere" }, { submodule: SUBMODULE }]) {
      const repository = shop.repository();
      const first = repository.commit({ "labs/t/a.yaml": lab("a"), "profiles/p.yaml": "x" });
      const second = repository.commit({ [name]: null, other: "x" });
      const third = repository.commit({ [name]: instead }, { from: second });
      const catalog = shop.catalog(repository.path, { gitCommand });
      const read = async (to: string) =>
        name === "labs" ? (await catalog.labChanges(first, to)).entries : await catalog.policyFiles(to);
      await expect(read(third)).rejects.toMatchObject({ code: "LK1004", message: expect.stringContaining(name) });
      expect(await read(first)).toHaveLength(name === "labs" ? 0 : 1);
    }
  });
});
