import { execFile } from "node:child_process";
import fs, {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, relative } from "node:path";
import type { Metafile } from "esbuild";
import git from "isomorphic-git";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundle } from "../../scripts/bundle.ts";
import { packageFile } from "../../src/package-root.ts";

interface Manifest {
  readonly version: string;
  readonly files: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
}

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const manifest = JSON.parse(readFileSync(packageFile("package.json"), "utf8")) as Manifest;
const newNode = packageFile("node_modules/node/bin/node");
/** The machine's own Node and npm, without those that npm puts first for scripts of this package. */
const machinePath = (process.env["PATH"] ?? "")
  .split(delimiter)
  .filter((folder) => !folder.includes("node_modules"))
  .join(delimiter);

/** Runs a program as somebody outside this checkout would. */
const run = (command: string, args: readonly string[], cwd: string): Promise<Ended> =>
  new Promise((resolve) => {
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|node_|vitest)/i.test(name)));
    execFile(command, args, { cwd, env: { ...env, PATH: machinePath } }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
    });
  });

interface Status {
  readonly labs: readonly { readonly name: string; readonly state: string }[];
}

/** What `git init && git add -A && git commit` does, on a machine that may have no git. */
async function commitAll(dir: string): Promise<void> {
  await git.init({ fs, dir, defaultBranch: "main" });
  await git.add({ fs, dir, filepath: "." });
  await git.commit({ fs, dir, message: "Add a lab", author: { name: "somebody", email: "somebody@example.com" } });
}

let folder: string;
let staged: string;
let metafile: Metafile;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "labkeeper-package-"));
  // Staged, so that a test run leaves the checkout's own dist/ as it is.
  staged = join(folder, "staged");
  mkdirSync(staged);
  for (const name of ["package.json", "LICENSE", "README.md", "bin", ...manifest.files]) {
    if (existsSync(packageFile(name)) && name !== "dist")
      cpSync(packageFile(name), join(staged, name), { recursive: true });
  }
  metafile = await bundle(join(staged, "dist"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("package", () => {
  let app: string;

  beforeAll(async () => {
    app = join(folder, "app");
    mkdirSync(app);
    writeFileSync(join(app, "package.json"), '{"private": true}');
    const packed = await run("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], staged);
    expect(packed.code, packed.stderr).toBe(0);
    const tarball = join(folder, `labkeeper-${manifest.version}.tgz`);
    const installed = await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", tarball], app);
    expect(installed.code, installed.stderr).toBe(0);
  }, 180_000);

  const labkeeper = (...args: string[]) => run(join(app, "node_modules/.bin/labkeeper"), args, app);

  test("brings a working command", async () => {
    expect(await labkeeper("--version")).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: "" });
    const help = await labkeeper("--help");
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toContain("Usage: labkeeper");
  });

  test("brings a lab up and takes it down, with what it brought itself", async () => {
    const catalog = join(folder, "catalog");
    const lab = "team-b-search";
    const at = ["--catalog", catalog, "--state-dir", join(folder, "state")];
    mkdirSync(join(catalog, "labs/team-b"), { recursive: true });
    for (const file of ["catalog.yaml", `labs/team-b/${lab}.yaml`]) {
      cpSync(join(app, "node_modules/labkeeper/catalog-example", file), join(catalog, file));
    }
    await commitAll(catalog);
    const states = async () => {
      const { labs } = JSON.parse((await labkeeper("status", ...at, "--all", "--output", "json")).stdout) as Status;
      return labs.map(({ name, state }) => `${name} ${state}`);
    };
    try {
      expect(await labkeeper("reconcile", "--wait", ...at)).toMatchObject({ code: 0 });
      expect(await states()).toEqual([`${lab} ready`]);
    } finally {
      await labkeeper("cancel", lab, ...at);
      await labkeeper("reconcile", "--wait", ...at);
    }
    expect(await states()).toEqual([`${lab} destroyed`]);
  }, 120_000);

  test("brings every file it reads at run time", () => {
    const files = ["migrations", "profiles", "schemas", "catalog-example"].flatMap((name) =>
      filesUnder(packageFile(name)),
    );
    const missing = files.filter((file) => !existsSync(join(app, "node_modules/labkeeper", file)));
    expect(missing).toEqual([]);
    expect(existsSync(join(app, "node_modules/labkeeper/LICENSE"))).toBe(true);
  });

  test("brings no sources, tests or development packages", () => {
    expect(readdirSync(join(app, "node_modules/labkeeper"))).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(src|test|bench|scripts|node_modules)$/)]),
    );
    expect(existsSync(join(app, "node_modules/typescript"))).toBe(false);
  });
});

describe("the stand-in for GitHub", () => {
  const inputs = () => Object.keys(metafile.inputs);

  test("comes with the demo, without GitHub's description of itself", () => {
    expect(inputs()).toContain("standins/github/start.ts");
    expect(inputs().filter((path) => path.startsWith("standins/github/openapi/"))).toEqual([]);
  });

  test("is loaded by the demo alone", () => {
    const own = Object.entries(metafile.outputs).filter(([, output]) =>
      Object.keys(output.inputs).some((path) => path.startsWith("standins/")),
    );
    const names = new Set(own.map(([path]) => path));
    const loading = Object.entries(metafile.outputs).filter(
      ([path, { imports }]) => !names.has(path) && imports.some((each) => names.has(each.path)),
    );
    expect(loading.flatMap(([, { inputs: made }]) => Object.keys(made))).toEqual(["src/wire-demo.ts"]);
    expect(own.reduce((sum, [, { bytes }]) => sum + bytes, 0)).toBeLessThan(200_000);
  });
});

describe("--help", () => {
  test("loads commander and nothing heavier", () => {
    expect([...loadedAtStart(metafile, "main.js")].sort()).toEqual(["commander"]);
  });
});

describe("AWS's SDK", () => {
  test("is loaded by what speaks to AWS alone", () => {
    const entries = Object.entries(metafile.outputs).flatMap(([path, { entryPoint }]) =>
      entryPoint === undefined ? [] : [{ entryPoint, name: path.split("/").at(-1) ?? path }],
    );
    const loading = entries.filter(({ name }) =>
      [...loadedAtStart(metafile, name)].some((loaded) => /^@(aws-sdk|smithy)\//.test(loaded)),
    );
    expect(loading.length).toBeGreaterThan(0);
    expect(loading.map(({ entryPoint }) => entryPoint).filter((path) => !path.startsWith("src/cloud/aws/"))).toEqual(
      [],
    );
  });
});

describe("bin/labkeeper.mjs", () => {
  let clone: string;

  beforeAll(() => {
    clone = join(folder, "clone");
    mkdirSync(clone);
    for (const name of ["package.json", "bin", "src"])
      cpSync(packageFile(name), join(clone, name), { recursive: true });
    symlinkSync(packageFile("node_modules"), join(clone, "node_modules"));
  });

  test.each([
    ["the machine's Node", "node"],
    ["a Node that runs TypeScript", newNode],
  ])("runs the sources of a clone that was not built, with %s", async (_, node) => {
    const version = await run(node, ["bin/labkeeper.mjs", "--version"], clone);
    expect(version).toMatchObject({ code: 0, stdout: `${manifest.version}\n` });
  });

  test("hands on the exit code", async () => {
    for (const node of ["node", newNode]) {
      expect(await run(node, ["bin/labkeeper.mjs", "--no-such-flag"], clone)).toMatchObject({ code: 2 });
    }
  });

  test("says which Node it needs", async () => {
    const pretend = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "18.20.4" } });`;
    const args = ["--import", `data:text/javascript,${encodeURIComponent(pretend)}`, "bin/labkeeper.mjs", "--help"];
    const { code, stdout, stderr } = await run(newNode, args, clone);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("Node 20.19 or newer is needed, this is 18.20.4");
  });
});

function filesUnder(root: string): readonly string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(packageFile("."), join(entry.parentPath, entry.name)));
}

/** Packages that the program imports before it has looked at its arguments. */
function loadedAtStart(built: Metafile, program: string): ReadonlySet<string> {
  const outputs = new Map(Object.entries(built.outputs).map(([path, output]) => [path.split("/").at(-1), output]));
  const packages = new Set<string>();
  const seen = new Set<string>();
  const queue = [program];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    for (const { path, kind, external } of outputs.get(name)?.imports ?? []) {
      if (kind !== "import-statement") continue;
      if (!external) queue.push(path.split("/").at(-1) ?? path);
      else if (!path.startsWith("node:")) packages.add(path);
    }
  }
  return packages;
}
