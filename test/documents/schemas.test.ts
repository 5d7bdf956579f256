import { Ajv } from "ajv";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readLabFile } from "../../src/core/lab-file.ts";
import { readPolicy } from "../../src/core/policy.ts";
import { compileCatalog, compileProfile } from "../../src/core/profile-schema.ts";
import { catalogSchema, labSchema, profileSchema } from "../../src/core/schema-validators.ts";
import type { ProfileSpec } from "../../src/core/types.ts";
import { CATALOG, file, policyOf, shipped } from "./samples.ts";

const policy = policyOf();
const profiles = [...policy.profiles.values()];
const strict = () => new Ajv({ strict: true, allErrors: true }).addVocabulary(["patternErrorMessage"]);
const specOf = (name: string): ProfileSpec => {
  const spec = policy.profiles.get(name)?.spec;
  if (spec === undefined) throw new Error(name);
  return spec;
};

type Node = { readonly [key: string]: unknown };
const nodes = (value: unknown): Node[] =>
  typeof value !== "object" || value === null
    ? []
    : [...(Array.isArray(value) ? [] : [value as Node]), ...Object.values(value).flatMap(nodes)];

describe.each([
  ["lab", labSchema],
  ["catalog", catalogSchema],
  ["profile", profileSchema],
])("schemas/%s.schema.json", (_name, schema) => {
  test("is a schema, by the metaschema of its draft", () => {
    expect(strict().validateSchema(schema)).toBe(true);
  });

  test("refuses unknown fields at every level", () => {
    const open = nodes(schema).filter((node) => node.type === "object" && node.additionalProperties === undefined);
    // What an operator's own provisioner reads is the operator's to check.
    expect(open.map(({ description }) => description)).toEqual(
      schema === profileSchema ? ["aws", "ibmcloud", "local"].map((name) => `Settings for platform ${name}.`) : [],
    );
  });

  test("tells editors what each field is and what each pattern wants", () => {
    const fields = nodes(schema).flatMap((node) => Object.entries((node.properties as Record<string, Node>) ?? {}));
    const silent = fields.filter(
      ([name, field]) =>
        field.description === undefined && !/^(prepare|install|verify|update|destroy|observe)$/.test(name),
    );
    expect(silent.map(([name]) => name)).toEqual([]);
    expect(nodes(schema).filter((node) => "pattern" in node && !("patternErrorMessage" in node))).toEqual([]);
  });

  test("bounds every text and list, and no pattern takes long", () => {
    const unbounded = nodes(schema).filter(
      (node) =>
        (node.type === "string" && !("maxLength" in node) && !("enum" in node)) ||
        (node.type === "array" && !("maxItems" in node)),
    );
    expect(unbounded).toEqual([]);
    const patterns = nodes(schema).flatMap((node) => (typeof node.pattern === "string" ? [node.pattern] : []));
    for (const pattern of new Set(patterns)) {
      for (const text of ["a", "a-", "a.", "1.", "A/", "0:", "-", "a b", "4.2-"]) {
        const started = performance.now();
        new RegExp(pattern, "u").test(`${text.repeat(30_000)}!\n`);
        expect(performance.now() - started, pattern).toBeLessThan(500);
      }
    }
  });
});

describe("shipped profiles", () => {
  test("all are usable", () => {
    const { problems } = readPolicy([file("catalog.yaml", CATALOG)], shipped);
    expect(problems).toEqual([]);
    expect(profiles.map(({ name }) => name).sort()).toEqual([
      "aws-minimal-test",
      "aws-standard",
      "ibm-minimal-test",
      "ibm-standard",
      "local-postgres",
      "simulated",
    ]);
  });

  test("aws-minimal-test is three schedulable m6i.xlarge without workers, for a day, three at most", () => {
    const { compute, lifecycle, enabled, openshiftVersions } = specOf("aws-minimal-test");
    expect(compute.controlPlane).toEqual({ replicas: 3, instanceType: "m6i.xlarge", schedulable: true });
    expect(compute.workers.replicas).toBe(0);
    expect(lifecycle).toMatchObject({ maxTTLHours: 72, defaultTTLHours: 24, deletionGraceHours: 0 });
    expect(enabled).toBe(true);
    expect(openshiftVersions?.allowlist).toContain("4.20.3");
  });

  test("aws-standard has three and three, for a week at most", () => {
    const { compute, lifecycle } = specOf("aws-standard");
    expect([compute.controlPlane.replicas, compute.workers.replicas]).toEqual([3, 3]);
    expect(lifecycle.maxTTLHours).toBe(168);
  });

  test("those for IBM Cloud are not enabled", () => {
    expect(
      profiles
        .filter(({ spec }) => !spec.enabled)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(["ibm-minimal-test", "ibm-standard"]);
  });
});

describe("compiled schemas", () => {
  test.each(profiles)("$name is a schema", (profile) => {
    expect(strict().validateSchema(compileProfile(profile))).toBe(true);
  });

  test("the one for editors is a schema", () => {
    expect(strict().validateSchema(compileCatalog(profiles, ["team-a"]))).toBe(true);
  });

  const maybe = <Value>(usual: Value, ...odd: readonly Value[]) =>
    fc.option(fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, fc.constantFrom(usual, ...odd)), {
      nil: undefined,
    });
  const value = {
    name: fc.constantFrom("test-01", "test-01", "x".repeat(60)),
    team: fc.constantFrom("team-a", "team-a", "team-z"),
    profile: fc.constantFrom(...profiles.map(({ name }) => name), "nope"),
    version: maybe<unknown>("4.20.3", "4.1.0", 4.2),
    region: maybe("us-east-1", "us-south", "mars-1"),
    baseDomain: maybe("labs.example.com", "example.org"),
    ttlHours: maybe(24, 0, 1, 72, 73, 168, 169),
    workers: maybe(2, -1, 0, 1, 3, 4, 10, 11),
    tags: maybe<Record<string, string>>({ purpose: "x" }, { "aws:x": "y" }, {}),
    extra: fc.constantFrom(undefined, undefined, undefined, 1),
  };

  test("an editor says valid exactly when the pull request's gate does", () => {
    const editor = new Ajv({ strict: false }).compile(compileCatalog(profiles, [...policy.teams.keys()]));
    let valid = 0;
    fc.assert(
      fc.property(fc.record(value), ({ name, team, ...spec }) => {
        const document = JSON.parse(
          JSON.stringify({
            apiVersion: "labkeeper.dev/v1",
            kind: "Lab",
            metadata: { name, team, owner: "octocat", costCenter: "x" },
            spec,
          }),
        );
        const gate = readLabFile(file(`labs/${team}/${name}.yaml`, JSON.stringify(document)), policy);
        // What a lab costs and what its team may use are no matter of shape.
        const judged = gate.problems.filter(({ code }) => code !== "LK2203" && !/would cost/.test(code));
        const isCost = gate.problems.some(({ message }) => message.includes("would cost"));
        if (isCost) return;
        expect(editor(document)).toBe(judged.length === 0);
        if (judged.length === 0) valid++;
      }),
      { numRuns: 3000 },
    );
    expect(valid).toBeGreaterThan(50);
  });
});
