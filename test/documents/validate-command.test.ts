import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startRepository } from "../../src/git/history-writer.ts";
import { packageFile } from "../../src/package-root.ts";
import { CATALOG, labText } from "./samples.ts";

let root: string;
let count = 0;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "labkeeper documents "));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const lab = (name: string, changes: Record<string, string> = {}): string => labText({ "test-01": name, ...changes });

const write = (folder: string, files: Readonly<Record<string, string | Uint8Array>>): void => {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
};

const catalog = (files: Readonly<Record<string, string | Uint8Array>> = {}): string => {
  const folder = join(root, `catalog ${++count}`);
  write(folder, { "catalog.yaml": CATALOG, "labs/team-a/good.yaml": lab("good"), ...files });
  return folder;
};

const author = { name: "Octocat", email: "octocat@example.com" };

const run = (...args: readonly string[]): { code: number | null; out: string; err: string } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [packageFile("src/main.ts"), ...args], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], HOME: root, LABKEEPER_STATE_DIR: join(root, "state") },
  });
  return { code: status, out: stdout, err: stderr };
};

const problemsOf = (...args: readonly string[]): string[] => {
  const { out } = run("validate", ...args, "--output", "json");
  const { problems } = JSON.parse(out) as { problems: { path: string; line: number; column: number; code: string }[] };
  return problems.map(({ path, line, column, code }) => `${path}:${line}:${column} ${code}`);
};

const BROKEN = { "labs/team-a/bad.yaml": lab("bad", { '"4.20.3"': "4.20", octocat: '"a,b: 100%"' }) };

describe("labkeeper validate", () => {
  test("the example catalog is valid", () => {
    const { code, out } = run("validate", packageFile("catalog-example"));
    expect({ code, out }).toEqual({ code: 0, out: "3 lab files, no problems\n" });
  });

  test("as text: place, code, message and remedy; exit 1", () => {
    const { code, out } = run("validate", catalog(BROKEN));
    expect(code).toBe(1);
    expect(out).toContain(
      "labs/team-a/bad.yaml:10:12 LK2008 spec.version: 4.20 is read as the number 4.2; quote it\n  → Write it in quotes",
    );
    expect(out).toContain("2 lab files, 2 problems in 1 file\n");
  });

  test("as JSON", () => {
    const { code, out } = run("validate", catalog(BROKEN), "-o", "json");
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      apiVersion: "labkeeper.dev/v1",
      kind: "Validation",
      valid: false,
      files: 2,
      problems: [{ path: "labs/team-a/bad.yaml", line: 6, column: 10, code: "LK2004" }, { code: "LK2008" }],
    });
  });

  test("for GitHub: one workflow command for each problem, and nothing in a file can make another", () => {
    const name = "labs/team-a/a,b:c%0A::warning::x.yaml";
    const { out } = run("validate", catalog({ ...BROKEN, [name]: "x: [\n" }), "-o", "github");
    const lines = out.trimEnd().split("\n");
    expect(lines).toHaveLength(5);
    expect(lines[0]).toMatch(
      /^::error file=labs\/team-a\/a%2Cb%3Ac%250A%3A%3Awarning%3A%3Ax\.yaml,line=1,col=1,title=LK2006::/,
    );
    expect(lines[2]).toMatch(
      /^::error file=labs\/team-a\/bad\.yaml,line=6,col=10,title=LK2004::metadata\.owner .*100%25/,
    );
    expect(lines.filter((line) => line.startsWith("::"))).toHaveLength(4);
  });

  test("for GitHub: files are named from where the command runs, as the workflow's checkout is", () => {
    const folder = catalog(BROKEN);
    const { stdout } = spawnSync(
      process.execPath,
      [packageFile("src/main.ts"), "validate", basename(folder), "-o", "github"],
      {
        encoding: "utf8",
        cwd: dirname(folder),
        env: { PATH: process.env["PATH"], HOME: root },
      },
    );
    expect(stdout).toMatch(/^::error file=catalog \d+\/labs\/team-a\/bad\.yaml,line=6/);
  });

  test.each([
    [["validate", "--output", "xml"], 2],
    [["validate", "a", "b"], 2],
    [["validate", "/no/such/folder"], 1],
    [["validate", "https://example.com/catalog.git"], 1],
  ])("%j exits %i", (args, code) => {
    expect(run(...args).code).toBe(code);
  });

  test("an empty folder has no catalog.yaml", () => {
    const folder = join(root, `empty ${++count}`);
    mkdirSync(folder);
    expect(problemsOf(folder)).toEqual(["catalog.yaml:1:1 LK2301"]);
  });

  test("odd things in the folder are told, never followed and never an accident", () => {
    const folder = catalog({
      "labs/team-a/large.yaml": "#".repeat(65_537),
      "labs/team-a/nul.yaml": "a\0b",
      "labs/team-a/latin.yaml": new Uint8Array([0x61, 0xe9]),
      "labs/team-a/Odd Name.yaml": lab("odd"),
      "labs/team-a/deep/x.yaml": lab("x"),
      "labs/team-a/README.md": "not a lab",
      "labs/team-a/.gitkeep": "",
      "labs/inner/.git/HEAD": "ref: refs/heads/main\n",
      "labs/inner/y.yaml": lab("y"),
    });
    symlinkSync("/etc/passwd", join(folder, "labs/team-a/link.yaml"));
    symlinkSync("team-a", join(folder, "labs/linked"));
    symlinkSync(".", join(folder, "labs/team-a/loop"));
    execFileSync("mkfifo", [join(folder, "labs/team-a/pipe.yaml")]);
    writeFileSync(
      Buffer.concat([Buffer.from(join(folder, "labs/team-a/bytes-")), Buffer.from([0xff]), Buffer.from(".yaml")]),
      "",
    );
    const found = problemsOf(folder);
    expect(found).toEqual(expect.arrayContaining(["labs/inner:1:1 LK2005", "labs/linked:1:1 LK2005"]));
    expect([...new Set(found)].filter((problem) => problem.includes("team-a/"))).toEqual(
      expect.arrayContaining([
        "labs/team-a/Odd Name.yaml:1:1 LK2006",
        "labs/team-a/bytes-\ufffd.yaml:1:1 LK2006",
        "labs/team-a/deep/x.yaml:1:1 LK2006",
        "labs/team-a/large.yaml:1:1 LK2003",
        "labs/team-a/latin.yaml:1:1 LK2003",
        "labs/team-a/link.yaml:1:1 LK2005",
        "labs/team-a/loop:1:1 LK2005",
        "labs/team-a/nul.yaml:1:1 LK2003",
      ]),
    );
    expect(found.join()).not.toMatch(/README|gitkeep|pipe|good/);
  });
});

describe("what stands where a folder or a file belongs", () => {
  const committed = async () => {
    const folder = catalog({ "labs/team-b/other.yaml": lab("other", { "team-a": "team-b" }) });
    await (await startRepository(folder, author)).commitAll("first");
    return folder;
  };

  test.each(["labs", "profiles"])("a link or a file named %s is refused as the git edge refuses it", async (name) => {
    const folder = await committed();
    const place = join(folder, name);
    rmSync(place, { recursive: true, force: true });
    symlinkSync("/etc", place);
    for (const base of [[], ["--base", "HEAD"]]) {
      const { code, err } = run("validate", folder, ...base);
      expect({ code, err }).toEqual({
        code: 1,
        err: expect.stringMatching(`LK1004.*${name} is a symlink, not a folder`) as string,
      });
    }
    rmSync(place);
    writeFileSync(place, "hi\n");
    const { code, err } = run("validate", folder);
    expect(code).toBe(1);
    expect(err).toMatch("LK1004");
    expect(err).toContain(`${name} is a file, not a folder`);
    rmSync(place);
    write(folder, { [`${name}/.git`]: "gitdir: elsewhere\n" });
    expect(run("validate", folder).err).toContain(`${name} is a submodule, not a folder`);
  });

  test("submodules that were not fetched are empty folders, and refused like others", async () => {
    const folder = await committed();
    rmSync(join(folder, "labs/team-b"), { recursive: true });
    const expected = ["labs/team-a/a-9.yaml:1:1 LK2005", "labs/team-b:1:1 LK2005", "labs/team-b:1:1 LK2006"];
    for (const path of ["labs/team-a/a-9.yaml", "labs/team-b", "labs/team-c", "labs/team-a/old.yaml/x"])
      mkdirSync(join(folder, path), { recursive: true });
    write(folder, { ".gitmodules": '[submodule "b"]\n\tpath = labs/team-b\n\turl = https://example.com/b.git\n' });
    expect(problemsOf(folder)).toEqual(expected);
    const path = process.env["PATH"];
    process.env["PATH"] = "/nowhere";
    try {
      expect(problemsOf(folder, "--base", "main")).toEqual(expected);
    } finally {
      process.env["PATH"] = path;
    }
    const git = (...args: readonly string[]) => execFileSync("git", ["-C", folder, ...args]);
    rmSync(join(folder, ".gitmodules"));
    rmSync(join(folder, "labs/team-a/old.yaml"), { recursive: true });
    git("rm", "-rq", "--cached", "labs/team-b");
    for (const link of ["labs/team-a/a-9.yaml", "labs/team-b"])
      git("update-index", "--add", "--cacheinfo", `160000,${"a".repeat(40)},${link}`);
    expect(problemsOf(folder, "--base", "HEAD")).toEqual(expected);
  });

  test("a folder in a larger repository, whose .gitmodules stands at the top", async () => {
    const top = join(root, `larger ${++count}`);
    write(top, {
      "deep/catalog.yaml": CATALOG,
      "deep/labs/team-a/good.yaml": lab("good"),
      ".gitmodules": '[submodule "b"]\n\tpath = "deep/labs/team-b"\n',
    });
    mkdirSync(join(top, ".git"));
    mkdirSync(join(top, "deep/labs/team-b"));
    expect(problemsOf(join(top, "deep"))).toEqual(["labs/team-b:1:1 LK2005", "labs/team-b:1:1 LK2006"]);
  });
});

describe("labkeeper validate --base and --ref", () => {
  const changed = async () => {
    const folder = catalog({
      "labs/team-a/region.yaml": lab("region"),
      "labs/team-a/moves.yaml": lab("moves"),
      "labs/team-a/goes.yaml": lab("goes"),
      "labs/team-a/broken-before.yaml": "x: [\n",
    });
    const { commitAll } = await startRepository(folder, author);
    const first = await commitAll("before");
    write(folder, {
      "labs/team-a/region.yaml": lab("region", { "us-east-1": "us-west-2" }),
      "labs/team-a/new.yaml": lab("new", { "ttlHours: 24": "ttlHours: 0" }),
      "labs/team-b/good.yaml": lab("good", {
        "team-a": "team-b",
        "aws-minimal-test": "local-postgres",
        '  version: "4.20.3"\n  region: us-east-1\n': "",
      }),
    });
    renameSync(join(folder, "labs/team-a/moves.yaml"), join(folder, "labs/team-a/moves.yml"));
    rmSync(join(folder, "labs/team-a/goes.yaml"));
    return { folder, first, commitAll };
  };

  const EXPECTED = [
    "labs/team-a/new.yaml:12:13 LK2004",
    "labs/team-a/region.yaml:11:11 LK2205",
    "labs/team-b/good.yaml:4:9 LK2201",
  ];

  test("only what changed is judged, uncommitted or not, with or without the git program", async () => {
    const { folder } = await changed();
    expect(problemsOf(folder, "--base", "HEAD")).toEqual(EXPECTED);
    expect(problemsOf(folder)).toContain("labs/team-a/broken-before.yaml:2:1 LK2001");
    const path = process.env["PATH"];
    process.env["PATH"] = "/nowhere";
    try {
      expect(problemsOf(folder, "--base", "main")).toEqual(EXPECTED);
    } finally {
      process.env["PATH"] = path;
    }
  });

  test("everything is judged when the policy changed", async () => {
    const { folder } = await changed();
    write(folder, { "catalog.yaml": `${CATALOG}  guards: {maxDestroys: 1}\n` });
    expect(problemsOf(folder, "--base", "HEAD")).toEqual([
      "labs/team-a/broken-before.yaml:2:1 LK2001",
      "labs/team-a/good.yaml:4:9 LK2201",
      ...EXPECTED,
    ]);
  });

  test("a commit against another", async () => {
    const { folder, first, commitAll } = await changed();
    await commitAll("after");
    cpSync(join(folder, "labs/team-a/good.yaml"), join(folder, "labs/team-a/never-committed.yaml"));
    expect(problemsOf(folder, "--ref", "main", "--base", first)).toEqual(EXPECTED);
    expect(problemsOf(folder, "--ref", "main")).toEqual([
      "labs/team-a/broken-before.yaml:2:1 LK2001",
      "labs/team-a/good.yaml:4:9 LK2201",
      "labs/team-a/new.yaml:12:13 LK2004",
      "labs/team-b/good.yaml:4:9 LK2201",
    ]);
  });

  test.each([["no-such-branch"], ["--upload-pack=/bin/true"], ["a b"]])("base %j is refused", async (base) => {
    const folder = catalog();
    await (await startRepository(folder, author)).commitAll("first");
    const { code, err } = run("validate", folder, `--base=${base}`);
    expect(code).toBe(1);
    expect(err).toContain("LK1003");
  });
});
