import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load } from "js-yaml";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { readConfigFile } from "../../src/config-file.ts";
import { readPolicy, readProfiles } from "../../src/core/policy.ts";
import { profileLabValidator } from "../../src/core/profile-schema.ts";
import type { CatalogEntry } from "../../src/core/types.ts";
import { profileFolder } from "../../src/local/profiles.ts";
import { packageFile } from "../../src/package-root.ts";
import { labkeeper } from "../cli/run-labkeeper.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { blocks, page, pages } from "./pages.ts";

interface Sample {
  readonly path: string;
  readonly text: string;
  readonly value: { readonly kind?: string; readonly spec?: { readonly profile?: string } };
}

const yaml: readonly Sample[] = pages.flatMap((path) =>
  blocks(page(path))
    .filter(({ info }) => info === "yaml")
    .map(({ text }) => ({ path, text, value: load(text) as Sample["value"] })),
);
const ofKind = (kind: string): readonly Sample[] => yaml.filter(({ value }) => value.kind === kind);

const file = (path: string, text: string): CatalogEntry => ({
  path,
  kind: "file",
  blobOid: "0".repeat(40),
  bytes: new TextEncoder().encode(text),
});

let folder: string;
let shipped: readonly CatalogEntry[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "labkeeper-docs-"));
  shipped = await profileFolder(packageFile("profiles"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("samples in pages", () => {
  test("of lab files obey the schema of their profile", () => {
    const { usable } = readProfiles([], shipped);
    expect(ofKind("Lab").map(({ path }) => path)).toContain("README.md");
    for (const { path, value } of ofKind("Lab")) {
      const profile = usable.get(value.spec?.profile ?? "");
      if (profile === undefined) throw new Error(`${path} names a profile that is not shipped`);
      const validate = profileLabValidator(profile);
      expect(validate(value) ? [] : validate.errors, path).toEqual([]);
    }
  });

  test("of catalog.yaml can be used", () => {
    expect(ofKind("Catalog").length).toBeGreaterThan(0);
    for (const { path, text } of ofKind("Catalog"))
      expect(readPolicy([file("catalog.yaml", text)], shipped).problems, path).toEqual([]);
  });

  test("of configuration can be read", async () => {
    const samples = [...ofKind("Config"), ...yaml.filter(({ value }) => "provisioners" in value)];
    expect(samples.map(({ path }) => path)).toContain("docs/operations.md");
    for (const { path, text } of samples) {
      await writeFile(join(folder, "config.yaml"), text);
      expect((await readConfigFile(join(folder, "config.yaml"))).problems, path).toEqual([]);
    }
  });

  test("of JSON are JSON", () => {
    const samples = pages.flatMap((path) => blocks(page(path)).filter(({ info }) => info === "json"));
    for (const { text } of samples) expect(() => JSON.parse(text) as unknown, text).not.toThrow();
  });
});

describe("the roles of docs/operations.md", () => {
  const suffix = `_${Math.random().toString(36).slice(2, 10)}`;
  const logins = ["labkeeper_app", "labkeeper_auditor"].map((name) => name + suffix);
  let database: TestDatabase;
  let owner: pg.Client;

  const as = (login: string, password: string): Record<string, string> => {
    const url = new URL(database.url);
    url.username = login + suffix;
    url.password = password;
    return { LABKEEPER_DATABASE_URL: url.href, LABKEEPER_STATE_DIR: join(folder, "state") };
  };

  beforeAll(async () => {
    database = await createDatabase();
    owner = new pg.Client(database.connection);
    await owner.connect();
    const sql = blocks(page("docs/operations.md")).find(({ info }) => info === "sql")?.text ?? "";
    await owner.query(sql.replaceAll(/\blabkeeper_(app|auditor)\b/g, `labkeeper_$1${suffix}`));
  });
  afterAll(async () => {
    for (const login of logins) await owner.query(`drop owned by ${login}; drop role ${login}`);
    await owner.end();
    await database.drop();
  });

  test("are enough for what the page says", async () => {
    expect(inject("postgres")).toBeDefined();
    const migrated = await labkeeper(["migrate"], as("labkeeper_app", "change-me"));
    expect(migrated).toMatchObject({ code: 0, stdout: "The schema is up to date.\n" });
    const looked = await labkeeper(["status"], as("labkeeper_auditor", "change-me-too"));
    expect(looked).toMatchObject({ code: 0 });
    const auditor = new pg.Client(as("labkeeper_auditor", "change-me-too").LABKEEPER_DATABASE_URL);
    await auditor.connect();
    await expect(auditor.query("update labs set team = team")).rejects.toMatchObject({ code: "42501" });
    await auditor.end();
  });
});
