import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { compileProfile } from "../../src/core/profile-schema.ts";
import { writeEditorFiles } from "../../src/local/editor-files.ts";
import { policyOf } from "./samples.ts";

const SCHEMAS = { lab: "{}\n", catalog: '{"a":1}\n', profile: "{}\n" };
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "labkeeper-editor-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const settings = (): string => readFileSync(join(folder, ".vscode/settings.json"), "utf8");
const setSettings = (text: string): void => {
  mkdirSync(join(folder, ".vscode"));
  writeFileSync(join(folder, ".vscode/settings.json"), text);
};

test("schemas stand where the settings point, and a second run writes nothing", async () => {
  const first = await writeEditorFiles(folder, SCHEMAS);
  expect(first).toHaveLength(4);
  const mapping = (JSON.parse(settings()) as Record<string, Record<string, string[]>>)["yaml.schemas"] ?? {};
  for (const schema of Object.keys(mapping)) expect(statSync(join(folder, schema)).isFile()).toBe(true);
  expect(mapping["./.labkeeper/schemas/catalog.schema.json"]).toEqual(["catalog.yaml"]);
  expect(await writeEditorFiles(folder, SCHEMAS)).toEqual([]);
  expect(await writeEditorFiles(folder, { ...SCHEMAS, lab: "{ }\n" })).toEqual([".labkeeper/schemas/lab.schema.json"]);
});

test("other settings stay", async () => {
  setSettings('{"editor.tabSize": 2, "yaml.schemas": {"./other.json": ["x.yaml"]}}');
  await writeEditorFiles(folder, SCHEMAS);
  expect(JSON.parse(settings())).toMatchObject({ "editor.tabSize": 2, "yaml.schemas": { "./other.json": ["x.yaml"] } });
});

test("settings with comments are left alone, and nothing is written", async () => {
  const text = '{\n  // mine\n  "editor.tabSize": 2\n}\n';
  setSettings(text);
  await expect(writeEditorFiles(folder, SCHEMAS)).rejects.toMatchObject({ code: "LK7003" });
  expect(settings()).toBe(text);
  expect(() => statSync(join(folder, ".labkeeper"))).toThrow();
});

test.each([".vscode", ".labkeeper"])("nothing is written through a link at %s", async (name) => {
  const outside = mkdtempSync(join(tmpdir(), "labkeeper-outside-"));
  symlinkSync(outside, join(folder, name));
  await expect(writeEditorFiles(folder, SCHEMAS)).rejects.toMatchObject({ code: "LK7003" });
  rmSync(outside, { recursive: true });
});

test("a profile's schema says what its labs may be", () => {
  const profile = policyOf().profiles.get("aws-minimal-test");
  const { spec } = compileProfile(profile as NonNullable<typeof profile>)["properties"];
  expect(spec.properties.ttlHours).toMatchObject({ minimum: 1, maximum: 72, default: 24 });
  expect(spec.properties.version.enum).toContain("4.20.3");
  expect(spec.properties.workers).toMatchObject({ minimum: 0, maximum: 3, default: 0 });
});
