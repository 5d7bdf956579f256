import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type HistoryWriter, startRepository } from "../../src/git/history-writer.ts";
import { packageFile } from "../../src/package-root.ts";
import { labkeeper } from "../cli/run-labkeeper.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { blocks, page } from "./pages.ts";
import { missing } from "./transcript.ts";

interface Scene {
  readonly typed: string;
  readonly shown: readonly string[];
}

/** What the README's tour types, with what it shows of the answer. */
const scenes: readonly Scene[] = blocks(page("README.md"))
  .filter(({ info }) => info === "console tour")
  .flatMap(({ text }) => text.split(/^\$ /m).slice(1))
  .map((scene) => scene.trimEnd().split("\n"))
  .map(([typed = "", ...shown]) => ({ typed, shown }));

let root: string;
let catalog: string;
let history: HistoryWriter;
let database: TestDatabase;
let environment: Record<string, string>;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "labkeeper-tour-"));
  catalog = join(root, "catalog");
  await cp(packageFile("catalog-example"), catalog, { recursive: true });
  history = await startRepository(catalog, { name: "Tour", email: "tour@labkeeper.invalid" });
  await history.commitAll("Start the catalog");
  database = await createDatabase();
  await writeFile(join(root, "config.yaml"), "worker: { observationGapSeconds: 0.1 }\n");
  environment = { LABKEEPER_STATE_DIR: root, LABKEEPER_DATABASE_URL: database.url };
});

afterAll(async () => {
  await Promise.all(["team-a-orders", "team-a-reports"].map((lab) => labkeeper(["cancel", lab], environment)));
  const ended = await labkeeper(["reconcile", "--wait"], environment, catalog);
  await database.drop();
  await rm(root, { recursive: true, force: true });
  expect(ended.code).toBe(0);
});

/** `git rm` and `git commit`, on a machine that may have no git. */
async function git(typed: string): Promise<void> {
  const [, path] = /^git rm -q (\S+) && git commit -qm "[^"]+"$/.exec(typed) ?? [];
  if (path === undefined) throw new Error(`the tour's test does not know: ${typed}`);
  await rm(join(catalog, path));
  await history.commitAll("Tour");
}

test("the README's tour is what happens", async () => {
  expect(scenes.length).toBeGreaterThan(6);
  for (const { typed, shown } of scenes) {
    if (typed.startsWith("git ")) await git(typed);
    else {
      const { code, stdout, stderr } = await labkeeper(typed.split(" ").slice(1), environment, catalog);
      expect(code, `${typed}\n${stderr}`).toBe(0);
      expect(missing(shown, stdout + stderr), `$ ${typed}\n${stdout}${stderr}`).toBeNull();
    }
  }
}, 60_000);

test("a line that the answer does not have would be found", () => {
  expect(missing(["a 3s", "…", "z"], "a 12m 4s\nb\nz")).toBeNull();
  expect(missing(["a", "z"], "a\nb\nz")).toMatch(/^z/);
  expect(missing(["a", "…", "y"], "a\nb\nz")).toMatch(/^y/);
  expect(missing(["a"], "a\nb")).toMatch(/^\(the end\)/);
  expect(missing(["3 labs (3 ready)"], "3 labs (2 ready)")).toMatch(/^3 labs/);
});
