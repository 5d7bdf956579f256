/** What a configuration file makes of AWS, as every command gets it. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config.ts";
import { credentials } from "../../src/core/credentials.ts";
import { type Edges, wire } from "../../src/wire.ts";
import { inProcess } from "../cli/run-in-process.ts";
import { clusterOf, emptyWorld, LEFTOVERS, type World } from "./fake-cluster.ts";
import { freshAccount, freshClients, REGION, roleOf, uniqueName } from "./moto.ts";

const clients = freshClients();
const bucket = uniqueName("wired");
let folder: string;
let environment: Record<string, string>;
let edges: Edges;
let world: World;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "labkeeper-wiring-"));
  const file = join(folder, "config.yaml");
  await writeFile(
    file,
    JSON.stringify({
      artifacts: `s3://${bucket}/prod`,
      secrets: "aws-secrets-manager",
      accounts: {
        lab: { roleArn: roleOf(clients.accountId), region: REGION, regions: [REGION] },
        far: { roleArn: roleOf(freshAccount()), region: REGION, dnsAccount: "lab" },
        alone: { roleArn: roleOf(freshAccount()), region: REGION },
      },
      aws: { pathStyle: true, artifacts: { account: "lab" }, secrets: { account: "lab", recoveryDays: 0 } },
    }),
  );
  environment = { LABKEEPER_CONFIG: file, LABKEEPER_STATE_DIR: join(folder, "state"), PATH: process.env["PATH"] ?? "" };
  edges = wire(await loadConfig({}, environment, folder));
  await (await clients.client("s3", "lab", REGION)).send(new CreateBucketCommand({ Bucket: bucket }));
  world = await emptyWorld(clients);
});
afterAll(async () => {
  await edges[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test("artifacts are in the bucket, under the account's role", async () => {
  const artifacts = await edges.artifacts();
  await artifacts.put("labs/a/file", Buffer.from("kept"));
  expect(Buffer.from((await artifacts.get("labs/a/file")) ?? []).toString()).toBe("kept");
  const findings = (await edges.cloud.bucketFindings()) ?? [];
  expect(findings.map(({ check, good }) => [check, good])).toContainEqual(["access", true]);
  expect(findings.find(({ check }) => check === "versioning")).toMatchObject({ good: false });
});

test("secrets that are put by a command are read by what installs", async () => {
  const key = join(folder, "key.pub");
  await writeFile(key, "ssh-ed25519 AAAA labs@example.com\n");
  expect(await inProcess(["secrets", "put", "openshift/ssh-key", "--file", key], environment)).toMatchObject({
    code: 0,
    stdout: "openshift/ssh-key is stored.\n",
  });
  const stored = await (await edges.secrets()).get("openshift/ssh-key");
  expect(stored?.reveal("value")).toBe("ssh-ed25519 AAAA labs@example.com");
  await (await edges.secrets()).put("labs/a", credentials({ password: "x" }));
  expect((await (await edges.secrets()).get("labs/a"))?.names).toEqual(["password"]);
});

test("an account is who its role says", async () => {
  expect(await edges.cloud.account.accountId("lab")).toBe(clients.accountId);
  await expect(edges.cloud.account.accountId("other")).rejects.toMatchObject({ code: "LK7001" });
});

test("an account is looked into with the zones of the one that it names", async () => {
  const cluster = clusterOf("named-x7k2p", "0198c0de-0000-7000-8000-000000000001", "named");
  const target = { ...cluster, region: REGION, regions: [REGION] };
  expect(await edges.cloud.inventory.observe({ ...target, account: "far" })).toMatchObject({ verdict: "absent" });
  expect(await edges.cloud.inventory.observe({ ...target, account: "alone" })).toMatchObject({ verdict: "unknown" });
});

describe("what nobody answers for", () => {
  test("is seen in the accounts that are configured, and one of it removed by its ARN", async () => {
    const cluster = clusterOf("wired-x7k2p", "0198c0de-0000-7000-8000-000000000001", "wired");
    const make = LEFTOVERS["volume"] ?? Object.values(LEFTOVERS)[0];
    if (make === undefined) throw new Error("a kind of leftover");
    const { id } = await make(world, cluster);
    expect(edges.cloud.sweeps).toBe(true);
    const { resources, unseen } = await edges.cloud.inventory.sweep();
    expect(unseen).toEqual([]);
    const found = resources.find((resource) => resource.id === id);
    if (found === undefined) throw new Error(`${id} was not seen`);
    expect(found).toMatchObject({ account: "lab", infraId: cluster.infraId });
    await edges.cloud.account.destroyResource(found);
    const after = await edges.cloud.inventory.sweep();
    expect(after.resources.map((resource) => resource.id)).not.toContain(id);
  });
});
