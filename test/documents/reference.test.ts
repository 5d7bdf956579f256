import { readFileSync } from "node:fs";
import { load } from "js-yaml";
import { describe, expect, test } from "vitest";
import { readLabFile } from "../../src/core/lab-file.ts";
import { readPolicy } from "../../src/core/policy.ts";
import { catalogSchema, labSchema } from "../../src/core/schema-validators.ts";
import { packageFile } from "../../src/package-root.ts";
import { file, policyOf, shipped } from "./samples.ts";

const page = readFileSync(packageFile("docs/catalog.md"), "utf8");
const examples = [...page.matchAll(/```yaml\n([^`]*)```/g)].map((match) => match[1] ?? "");
const [lab = "", catalog = ""] = examples;

describe("docs/catalog.md", () => {
  test("its lab is valid", () => {
    expect(readLabFile(file("labs/team-a/team-a-test-01.yaml", lab), policyOf()).problems).toEqual([]);
  });

  test("its catalog.yaml is valid", () => {
    expect(readPolicy([file("catalog.yaml", catalog)], shipped).problems).toEqual([]);
  });

  test("its tables have every field of the schemas", () => {
    const { metadata, spec } = labSchema.properties;
    for (const name of Object.keys(metadata.properties)) expect(page).toContain(`| \`metadata.${name}\``);
    for (const name of Object.keys(spec.properties)) expect(page).toContain(`| \`spec.${name}\``);
    const { teams, guards } = catalogSchema.properties.spec.properties;
    for (const name of Object.keys(teams.items.properties)) expect(page).toContain(`| \`${name}\``);
    for (const name of Object.keys(guards.properties)) expect(page).toContain(`| \`${name}\``);
  });

  test("its table of profiles is what the files say", () => {
    for (const entry of shipped) {
      const { metadata, spec } = load(Buffer.from(entry.kind === "file" ? entry.bytes : "").toString()) as {
        metadata: { name: string };
        spec: { enabled: boolean; lifecycle: { maxTTLHours: number; defaultTTLHours: number } };
      };
      const row = page.split("\n").find((line) => line.startsWith(`| \`${metadata.name}\``)) ?? "";
      expect(row).toContain(`${spec.lifecycle.defaultTTLHours} (${spec.lifecycle.maxTTLHours})`);
      expect(row).toMatch(spec.enabled ? /yes\s*\|$/ : /no\s*\|$/);
    }
  });
});
