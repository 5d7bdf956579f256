/** What comes with labkeeper: each rule is broken once, the real lock keeps them all, and the bill of materials is whole. */

import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { verdictOf } from "../../scripts/audit-verdict.ts";
import {
  isAllowedLicence,
  type Lock,
  type LockedPackage,
  licenceProblems,
  lockProblems,
  type Manifest,
  manifestProblems,
} from "../../scripts/supply-chain-rules.ts";
import { packageFile } from "../../src/package-root.ts";

const read = (name: string): unknown => JSON.parse(readFileSync(packageFile(name), "utf8"));
const realLock = read("package-lock.json") as Lock;
const INTEGRITY = `sha512-${"A".repeat(86)}==`;

const good: LockedPackage = {
  version: "1.2.3",
  integrity: INTEGRITY,
  license: "MIT",
  dependencies: { other: "^2.0.0" },
};
const lockOf = (change: Partial<LockedPackage>, path = "node_modules/some"): Lock => ({
  lockfileVersion: 3,
  packages: { "": { version: "0.1.0" }, [path]: { ...good, ...change } },
});
const platform = { optional: true, os: ["linux"] };

describe("licences", () => {
  test.each([
    "MIT",
    "(MIT AND Zlib)",
    "MIT OR GPL-3.0-only",
    "GPL-2.0-only OR (MIT AND BSD-3-Clause)",
    "(MIT OR GPL-3.0-only) AND Apache-2.0",
  ])("%s may be given on", (licence) => expect(isAllowedLicence(licence)).toBe(true));

  test.each([
    "GPL-3.0-only",
    "MIT AND GPL-3.0-only",
    "AGPL-3.0-or-later",
    "(MIT",
    "MIT)",
    "MIT MIT",
    "MIT OR",
    "",
    "UNLICENSED",
    "SEE LICENSE IN LICENSE",
    undefined,
    null,
    [{ type: "MIT" }],
    { type: "MIT" },
  ])("%j may not", (licence) => expect(isAllowedLicence(licence)).toBe(false));

  const problems = (change: Partial<LockedPackage>, installed: object | null): string[] =>
    licenceProblems(lockOf(change), () => installed);

  test("are those of what is installed", () => {
    expect(problems({}, { version: "1.2.3", license: "MIT" })).toEqual([]);
    expect(problems({}, { version: "1.2.3", license: "GPL-3.0-only" })).toHaveLength(1);
    expect(problems({}, { version: "1.2.3" })).toHaveLength(1);
    expect(problems({}, { version: "1.2.4", license: "MIT" })).toHaveLength(1);
    expect(problems({}, null)).toHaveLength(1);
  });

  test("of what is not installed because it is for another platform are those of the lock", () => {
    expect(problems(platform, null)).toEqual([]);
    expect(problems({ ...platform, license: "GPL-3.0-only" }, null)).toHaveLength(1);
  });

  test("of tools are nobody's business", () => expect(problems({ dev: true }, null)).toEqual([]));
});

describe("the lock", () => {
  test.each<[string, Partial<LockedPackage>, string?]>([
    ["has no integrity", { integrity: "" }],
    ["has a weak one", { integrity: "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=" }],
    ["has a cut one", { integrity: INTEGRITY.slice(0, -8) }],
    ["names a registry", { resolved: "https://registry.npmjs.org/some/-/some-1.2.3.tgz" }],
    ["comes from git", { resolved: "git+ssh://git@github.com/example/some.git#abc" }],
    ["is a link", { link: true }],
    ["is a folder", {}, "packages/some"],
    ["stands for another", { name: "other" }],
    ["has no exact version", { version: "^1.2.3" }],
    ["needs something from git", { dependencies: { other: "git+https://example.com/other.git" } }],
    ["needs something from GitHub", { dependencies: { other: "example/other" } }],
    ["needs something over http", { optionalDependencies: { other: "https://example.com/other.tgz" } }],
    ["needs a file", { dependencies: { other: "file:../other" } }],
    ["needs something under another name", { dependencies: { other: "npm:another@1.0.0" } }],
  ])("is refused when a package %s", (_, change, path) => {
    expect(lockProblems(lockOf(change, path))).toHaveLength(1);
  });

  test("may lack the integrity of tools for one platform, and of nothing that is shipped", () => {
    const { integrity: _, ...bare } = good;
    const lock = (change: Partial<LockedPackage>): Lock => ({
      lockfileVersion: 3,
      packages: { "node_modules/some": { ...bare, ...change } },
    });
    expect(lockProblems(lock({ ...platform, dev: true }))).toEqual([]);
    expect(lockProblems(lock(platform))).toHaveLength(1);
    expect(lockProblems(lock({ dev: true }))).toHaveLength(1);
    expect(lockProblems(lock({ dev: true, optional: true }))).toHaveLength(1);
  });

  test("is of the version that these rules read", () => {
    expect(lockProblems({ lockfileVersion: 2, packages: {} })).toHaveLength(1);
  });
});

test.each(["^1.2.3", "~1.2.3", "*", "latest", "1.x", "", "git+https://example.com/x.git", "file:../x", "npm:x@1.2.3"])(
  "a manifest that asks for %j is refused",
  (version) => expect(manifestProblems({ devDependencies: { some: version } })).toHaveLength(1),
);

test("labkeeper's own packages keep every rule", () => {
  const installed = (path: string): object | null => {
    const file = packageFile(`${path}/package.json`);
    return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as object) : null;
  };
  expect(Object.keys(realLock.packages).length).toBeGreaterThan(100);
  expect([
    ...manifestProblems(read("package.json") as Manifest),
    ...lockProblems(realLock),
    ...licenceProblems(realLock, installed),
  ]).toEqual([]);
});

interface Component {
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly "bom-ref": string;
  readonly licenses?: readonly unknown[];
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
}
interface Bom {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly serialNumber: string;
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

test("npm run sbom writes a bill of materials of exactly what is shipped, as CycloneDX", async () => {
  const { stdout } = await promisify(execFile)("npm", ["run", "--silent", "sbom"], { cwd: packageFile(".") });
  const bom = JSON.parse(stdout) as Bom;
  expect(bom).toMatchObject({
    bomFormat: "CycloneDX",
    specVersion: expect.stringMatching(/^1\.[5-9]$/),
    serialNumber: expect.stringMatching(/^urn:uuid:[0-9a-f-]{36}$/),
    metadata: { component: { "bom-ref": expect.stringMatching(/^labkeeper@/) } },
  });
  const shipped = Object.entries(realLock.packages).filter(
    ([path, { dev }]) => path !== "" && dev !== true && existsSync(packageFile(`${path}/package.json`)),
  );
  const named = ([path, { version }]: [string, LockedPackage]) =>
    `${path.slice(path.lastIndexOf("node_modules/") + 13)}@${version}`;
  const listed = bom.components.map(({ purl }) =>
    decodeURIComponent(purl.replace(/^pkg:npm\//, "").replace(/\?.*/, "")),
  );
  expect([...new Set(shipped.map(named))].filter((each) => !listed.includes(each))).toEqual([]);
  const tools = Object.entries(realLock.packages).filter(([, { dev }]) => dev === true);
  expect(tools.map(named).filter((each) => listed.includes(each))).toEqual([]);
  for (const { name, type, version, licenses, hashes } of bom.components) {
    expect({ name, type, licensed: (licenses ?? []).length > 0 }).toEqual({ name, type: "library", licensed: true });
    expect(version).toMatch(/^\d+\.\d+\.\d+/);
    expect(
      hashes?.some(({ alg, content }) => alg === "SHA-512" && /^[0-9a-f]{128}$/.test(content)),
      name,
    ).toBe(true);
  }
  const known = new Set([bom.metadata.component["bom-ref"], ...bom.components.map((each) => each["bom-ref"])]);
  for (const { ref, dependsOn } of bom.dependencies)
    expect([ref, ...dependsOn].filter((each) => !known.has(each))).toEqual([]);
}, 60_000);

describe("npm run audit", () => {
  test("says what is known to be vulnerable", () => {
    const vulnerabilities = { some: { severity: "high", range: "<1.2.3" } };
    const answer = JSON.stringify({ auditReportVersion: 2, vulnerabilities });
    expect(verdictOf(answer)).toEqual({ exitCode: 1, lines: ["some <1.2.3: high"] });
  });

  test("says when nothing is", () => {
    expect(verdictOf('{"auditReportVersion":2,"vulnerabilities":{}}')).toMatchObject({ exitCode: 0 });
  });

  test.each([
    '{"message":"405 Method Not Allowed","error":{"summary":""}}',
    '{"error":{"summary":"no network"}}',
    "",
    "<html>",
    "null",
    "{}",
    '{"auditReportVersion":2}',
    '{"vulnerabilities":{}}',
  ])("never takes %s for none", (answer) => {
    const { exitCode, lines } = verdictOf(answer);
    expect(exitCode).toBe(2);
    expect(lines.join(" ")).toContain("does not answer");
  });
});
