import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readPolicy } from "../../src/core/policy.ts";
import type { CatalogEntry, CatalogPolicy } from "../../src/core/types.ts";
import { packageFile } from "../../src/package-root.ts";

export const file = (path: string, content: string | Uint8Array): Extract<CatalogEntry, { kind: "file" }> => ({
  path,
  kind: "file",
  blobOid: "",
  bytes: typeof content === "string" ? new TextEncoder().encode(content) : content,
});

export const shipped: readonly CatalogEntry[] = readdirSync(packageFile("profiles"))
  .sort()
  .map((name) => file(`profiles/${name}`, readFileSync(join(packageFile("profiles"), name))));

export const CATALOG = `apiVersion: labkeeper.dev/v1
kind: Catalog
spec:
  teams:
    - name: team-a
    - name: team-b
      profiles: [local-postgres]
      maxActiveLabs: 2
`;

export const policyOf = (catalog: string = CATALOG, ...profiles: readonly CatalogEntry[]): CatalogPolicy => {
  const { policy } = readPolicy([file("catalog.yaml", catalog), ...profiles], shipped);
  if (policy === null) throw new Error("the catalog of this test is not valid");
  return policy;
};

/** A valid lab file, with lines replaced by pattern or added at the end. */
export const labText = (changes: Readonly<Record<string, string>> = {}, added = ""): string => {
  let text = `apiVersion: labkeeper.dev/v1
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
`;
  for (const [line, other] of Object.entries(changes)) {
    if (!text.includes(line)) throw new Error(`the sample has no ${line}`);
    text = text.replace(line, other);
  }
  return text + added;
};

export const profileText = (changes: Readonly<Record<string, string>> = {}): string => {
  let text = `apiVersion: labkeeper.dev/v1
kind: Profile
metadata:
  name: own
spec:
  platform: simulated
  provisioner: simulated
  enabled: true
  regions: { allowlist: [us-east-1, us-west-2], default: us-east-1 }
  compute:
    controlPlane: { replicas: 3, schedulable: true }
    workers: { replicas: 0, minReplicas: 0, maxReplicas: 3 }
  lifecycle: { maxTTLHours: 48, defaultTTLHours: 24 }
  tags: { required: [], defaults: {}, allowUserTags: true }
  costControls: { estimatedHourlyCost: 1 }
`;
  for (const [line, other] of Object.entries(changes)) {
    if (!text.includes(line)) throw new Error(`the sample has no ${line}`);
    text = text.replace(line, other);
  }
  return text;
};

/** `line:column code` of each problem. */
export const places = (problems: readonly { line: number; column: number; code: string }[]): string[] =>
  problems.map(({ line, column, code }) => `${line}:${column} ${code}`);
