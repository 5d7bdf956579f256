import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { packageFile } from "../../src/package-root.ts";

interface Manifest {
  readonly engines: { readonly node: string };
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly resolved?: string }>>;
}

const read = (name: string): string => readFileSync(packageFile(name), "utf8");
const manifest = JSON.parse(read("package.json")) as Manifest;
const lock = JSON.parse(read("package-lock.json")) as Lock;

test("every package is pinned to one version, and the lock agrees", () => {
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
    expect(lock.packages[`node_modules/${name}`]?.version, name).toBe(version);
  }
});

test("the lock names no registry, so that each machine uses its own", () => {
  expect(Object.entries(lock.packages).filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
});

test("every runtime dependency has its reason in docs/adr/0002", () => {
  const reasons = [...read("docs/adr/0002-dependencies.md").matchAll(/^\| `([^`]+)` \| .+ \|$/gm)].map(
    ([, name]) => name,
  );
  expect(reasons).toEqual(Object.keys(manifest.dependencies).sort());
});

test("bin/labkeeper.mjs asks for the Node that engines names", () => {
  const oldest = /const OLDEST = \[(\d+), (\d+)\];/.exec(read("bin/labkeeper.mjs"));
  expect(manifest.engines.node).toBe(`>=${oldest?.[1]}.${oldest?.[2]}`);
});
