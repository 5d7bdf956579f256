import { readdirSync, readFileSync } from "node:fs";
import { readLabFile } from "../../src/core/lab-file.ts";
import { readPolicy } from "../../src/core/policy.ts";
import { schemaFields } from "../../src/core/schema-explain.ts";
import { labSchema, profileSchema } from "../../src/core/schema-validators.ts";
import type { CatalogEntry, CatalogPolicy, Problem } from "../../src/core/types.ts";
import { parseYaml } from "../../src/core/yaml.ts";
import { packageFile } from "../../src/package-root.ts";
import { must, mustBeShowable, type Target, UNSHOWABLE } from "../target.ts";

const entry = (path: string, bytes: Uint8Array): Extract<CatalogEntry, { kind: "file" }> => ({
  path,
  kind: "file",
  blobOid: "",
  bytes,
});

const profiles = readdirSync(packageFile("profiles"))
  .sort()
  .map((name) => entry(`profiles/${name}`, readFileSync(packageFile(`profiles/${name}`))));

/** Enough to see that one of them takes no other down. */
const onlyShipped = profiles.filter(({ path }) => path === "profiles/local-postgres.yaml");

const CATALOG = `apiVersion: labkeeper.dev/v1
kind: Catalog
spec:
  teams:
    - name: team-a
    - name: team-b
      profiles: [local-postgres]
      maxActiveLabs: 2
  guards: {maxDestroys: 3, freezeWindows: [{name: x, from: "2026-12-24T00:00:00+01:00", to: "2026-12-27T00:00:00Z"}]}
`;

const LAB = `apiVersion: labkeeper.dev/v1
kind: Lab
metadata:
  name: test-01
  team: team-a
  owner: octocat
  costCenter: sandbox
spec:
  profile: aws-minimal-test
  version: "4.20.3"
  region: us-east-1
  ttlHours: 24
  tags: {purpose: demo}
`;

const policyOf = (): CatalogPolicy => {
  const { policy } = readPolicy([entry("catalog.yaml", Buffer.from(CATALOG))], profiles);
  if (policy === null) throw new Error("the fuzzer's own catalog is not valid");
  return policy;
};
const policy = policyOf();

const words = (schema: { readonly [key: string]: unknown }): string[] =>
  [...schemaFields(schema)].map((field) => `${field.split(".").at(-1)}: `);

const checked = (problems: readonly Problem[]): void => {
  for (const { message, remedy, line, column } of problems) {
    mustBeShowable(message, `the message ${JSON.stringify(message)}`);
    must(message.length < 2_000, "a message is endless");
    must(remedy !== "" && !UNSHOWABLE.test(remedy), "a remedy is missing or acts");
    must(line >= 1 && column >= 1, "a problem is nowhere");
  }
};

/** YAML as a document, a lab, a profile, a catalog: each is a value or problems, never an exception. */
export const yaml: Target = {
  name: "yaml",
  seeds: [LAB, CATALOG, ...profiles.map(({ bytes }) => bytes), "a: &x [1, *x]\n", "\ufeff? [a]\n: |\n  x\r\n", "{}"],
  dictionary: [
    ...["---\n", "...\n", "%YAML 1.2\n", "<<: ", "&x ", "*x", "!!str ", "!js ", "? ", "- ", "|\n ", ">-\n ", "# "],
    ...["__proto__: ", "constructor: ", "prototype: ", "\ufeff", "\u2028", "\u202e", "\0", "\r\n", "\t", "\\u0000"],
    ...["[[", "]]", "{{", "}}", '"', "'", ".inf", "0x1F", "1e999", "null", "true", "~", "4.20", "@here", "<b>"],
    ...words(labSchema),
    ...words(profileSchema),
  ],
  run(input) {
    const document = parseYaml(input, "f.yaml");
    checked(document.problems);
    must(!Object.hasOwn(Object.prototype, "polluted"), "a prototype has changed");
    const lab = readLabFile(entry("labs/team-a/test-01.yaml", input), policy);
    checked(lab.problems);
    must(lab.document !== null || lab.problems.length > 0, "a lab file is refused without a reason");
    must((lab.document === null) === (lab.digest === null), "a refused lab file has a digest");
    must(lab.mayBe.includes("test-01"), "a lab file forgot its own name");
    if (lab.document !== null) {
      const { name, team } = lab.document.metadata;
      must(name === "test-01" && team === "team-a", "a lab file stands for another lab or team");
    }
    const asCatalog = readPolicy([entry("catalog.yaml", input)], onlyShipped);
    checked(asCatalog.problems);
    must(asCatalog.policy !== null || asCatalog.problems.length > 0, "a catalog is refused without a reason");
    const asProfile = readPolicy(
      [entry("catalog.yaml", Buffer.from(CATALOG)), entry("profiles/own.yaml", input)],
      onlyShipped,
    );
    checked(asProfile.problems);
    must(asProfile.policy?.profiles.has("local-postgres") === true, "one profile took another one down");
  },
};
