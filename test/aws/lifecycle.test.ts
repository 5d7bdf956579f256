/**
 * A cluster's whole life on AWS by the command line: the stand-in plays the installer and makes some resources in moto
 * with the session it was lent, everything else is labkeeper's own: artifacts on S3, secrets in Secrets Manager, preflight,
 * looks, receipt. moto is not AWS: it knows no quotas (the front answers for those), asks nobody for permission, takes any
 * signature, and shows at once what AWS shows late, so this says nothing of what a role may do or how long a look takes.
 */

import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DescribeVpcsCommand } from "@aws-sdk/client-ec2";
import { CreateBucketCommand, ListObjectsV2Command, PutBucketVersioningCommand } from "@aws-sdk/client-s3";
import { DescribeSecretCommand } from "@aws-sdk/client-secrets-manager";
import pg from "pg";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { loadConfig } from "../../src/config.ts";
import { type HistoryWriter, startRepository } from "../../src/git/history-writer.ts";
import { packageFile } from "../../src/package-root.ts";
import { lookAtCluster } from "../../src/provisioners/openshift/api.ts";
import { type Edges, wire } from "../../src/wire.ts";
import { expectNoLeak, remembering } from "../canary.ts";
import { type Ended, type Running, start } from "../cli/run-labkeeper.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { standIn } from "../openshift/run-binary.ts";
import { CANARIES, PULL_SECRET, SSH_KEY } from "../openshift/world.ts";
import { clusterOf, emptyWorld, LEFTOVERS, type World } from "./fake-cluster.ts";
import { front, jsonError } from "./front.ts";
import { freshClients, REGION, roleOf, uniqueName } from "./moto.ts";

const clients = freshClients();
const bucket = uniqueName("life");
/** Names of buckets are everybody's, and some of a cluster's begin with its name. */
const LAB = uniqueName("life").slice(0, 12);
const limits: Readonly<Record<string, number>> = {
  "L-1216C47A": 64,
  "L-0263D0A3": 20,
  "L-F678F1CE": 9,
  "L-69A177A2": 50,
};

let root: string;
let database: TestDatabase;
let raw: pg.Client;
let history: HistoryWriter;
let server: Awaited<ReturnType<typeof front>>;
let environment: Record<string, string>;
let edges: Edges;
let world: World;
/** What Postgres and the artifact store had when the first resource of a cluster was asked for. */
let beforeFirst: Promise<{ intents: readonly (string | null)[]; metadata: boolean }> | null = null;
const canaries = new Set([...Object.values(CANARIES), PULL_SECRET, SSH_KEY.split(" ")[1] ?? ""]);
/** All that commands said but those that were asked for a value. */
const said: string[] = [];

const put = async (path: string, text: string): Promise<void> => {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
};

const begin = (...args: string[]): Running => start(args, environment);
const listened = async ({ ended }: Running): Promise<Ended> => {
  const { stdout, stderr } = await ended;
  said.push(stdout, stderr);
  return await ended;
};
const run = (...args: string[]): Promise<Ended> => listened(begin(...args));
const json = async (...args: string[]) => {
  const { code, stdout, stderr } = await run(...args, "-o", "json");
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Record<string, unknown>;
};

const wrapper = async (name: "openshift-install" | "oc" | "ccoctl"): Promise<string> => {
  const path = join(root, "bin", name);
  const exports = `export STANDIN_CLOUD='${join(root, "cloud")}' STANDIN_PACE_MS=1 STANDIN_AWS=true`;
  await put(
    `bin/${name}`,
    `#!/bin/sh\n${exports}\necho "$@" >> '${join(root, "calls")}'\nexec '${standIn(name)}' "$@"\n`,
  );
  await chmod(path, 0o755);
  return path;
};

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "labkeeper-aws-life-"));
  database = await createDatabase();
  raw = new pg.Client(database.connection);
  await raw.connect();
  server = await front(({ service, action, body }) => {
    if (action === "CreateVpc" && beforeFirst === null) {
      const metadata = server.log.some((asked) => /^PUT .*\/installs\/.*manifest/.test(asked.action));
      beforeFirst = raw
        .query("select intent ->> 'infraId' as id from labs where name = $1", [LAB])
        .then(({ rows }) => ({ intents: rows.map(({ id }) => id as string | null), metadata }));
    }
    if (service !== "servicequotas") return null;
    const { QuotaCode } = JSON.parse(body) as { QuotaCode: string };
    if (action === "GetServiceQuota") return jsonError("NoSuchResourceException");
    const answer = { Quota: { Value: limits[QuotaCode] } };
    return { status: 200, type: "application/x-amz-json-1.1", body: JSON.stringify(answer) };
  });
  world = await emptyWorld(clients);
  const s3 = await clients.client("s3", "lab", REGION);
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  await s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: "Enabled" } }));
  await mkdir(join(root, "state"), { mode: 0o700 });
  await mkdir(join(root, "cloud"));
  const [installer, oc, ccoctl] = await Promise.all((["openshift-install", "oc", "ccoctl"] as const).map(wrapper));
  const settings = {
    artifacts: `s3://${bucket}/prod`,
    secrets: "aws-secrets-manager",
    accounts: { lab: { roleArn: roleOf(clients.accountId), region: REGION, regions: [REGION] } },
    aws: { pathStyle: true, artifacts: { account: "lab" }, secrets: { account: "lab", recoveryDays: 7 } },
    openshift: { installer, oc, ccoctl, observationGapSeconds: 1 },
    worker: { pollSeconds: 1, observationGapSeconds: 0 },
  };
  await put("state/config.yaml", JSON.stringify(settings));
  environment = {
    LABKEEPER_STATE_DIR: join(root, "state"),
    LABKEEPER_CATALOG: join(root, "catalog"),
    LABKEEPER_DATABASE_URL: database.url,
    AWS_ENDPOINT_URL: server.url,
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: "AKIACANARYCANARYCANA",
    AWS_SECRET_ACCESS_KEY: CANARIES.awsKey,
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_CONFIG_FILE: "/dev/null",
    AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
  };
  edges = wire(await loadConfig({}, { ...environment, PATH: process.env["PATH"] ?? "" }, root));
  const profile = (await readFile(packageFile("profiles/aws-minimal-test.yaml"), "utf8"))
    .replace("name: aws-minimal-test", "name: in-lab")
    .replace("credentialsMode: Mint", "credentialsMode: Manual\n  platformConfig: {aws: {account: lab}}");
  await put("catalog/profiles/in-lab.yaml", profile);
  await put("catalog/catalog.yaml", "apiVersion: labkeeper.dev/v1\nkind: Catalog\nspec:\n  teams: [{name: team-a}]\n");
  await put("pull-secret.json", PULL_SECRET);
  await put("key.pub", SSH_KEY);
  history = await startRepository(join(root, "catalog"), { name: "Test", email: "test@labkeeper.invalid" });
});
afterAll(async () => {
  try {
    const artifacts = await edges.artifacts();
    const keys = await artifacts.list("");
    const logs = keys.filter((key) => /\/log$|\.log$|\/failures\//.test(key));
    expect(logs).not.toEqual([]);
    const texts = await Promise.all(logs.map(async (key) => Buffer.from((await artifacts.get(key)) ?? [])));
    await expectNoLeak(canaries, {
      database: raw,
      said: {
        said,
        "the listing of artifacts": keys.join("\n"),
        logs: Buffer.concat(texts).toString("latin1"),
        "arguments of installers": await readFile(join(root, "calls"), "utf8"),
      },
    });
  } finally {
    await edges[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    await raw.end();
    await database.drop();
    await rm(root, { recursive: true, force: true });
  }
});

const labFile = (name: string, spec: string): string =>
  `apiVersion: labkeeper.dev/v1\nkind: Lab\nmetadata: {name: ${name}, team: team-a, owner: octocat, costCenter: sandbox}\nspec: ${spec}\n`;

/** The VPCs of the account that some cluster owns, by their tags: asked of moto, not of labkeeper. */
const clusterVpcs = async (): Promise<Record<string, string>[]> => {
  const ec2 = await clients.client("ec2", "lab", REGION);
  const { Vpcs = [] } = await ec2.send(new DescribeVpcsCommand({}));
  return Vpcs.map(({ Tags = [] }) => Object.fromEntries(Tags.map(({ Key = "", Value = "" }) => [Key, Value]))).filter(
    (tags) => Object.keys(tags).some((key) => key.startsWith("kubernetes.io/cluster/")),
  );
};

test("a lab file becomes a cluster in the account, and nothing of it when the file goes", async () => {
  for (const [key, file] of [
    ["openshift/pull-secret", "pull-secret.json"],
    ["openshift/ssh-key", "key.pub"],
  ] as const) {
    expect(await run("secrets", "put", key, "--file", join(root, file))).toMatchObject({ code: 0 });
  }
  await put(`catalog/labs/team-a/${LAB}.yaml`, labFile(LAB, "{profile: in-lab, tags: {purpose: demo}}"));
  // A catalog without any lab would hold the destroy.
  await put("catalog/labs/team-a/stays.yaml", labFile("stays", "{profile: simulated}"));
  await history.commitAll("Add a lab");
  const made = await run("reconcile", "--wait");
  expect(made, `${made.stdout}${made.stderr}`).toMatchObject({ code: 0 });

  // What is there, and whose it says it is.
  const { rows } = await raw.query<{ id: string; intent: { infraId: string; accountId: string } }>(
    "select id, intent from labs where name = $1",
    [LAB],
  );
  const { id = "", intent: { infraId = "", accountId = "" } = {} } = rows[0] ?? {};
  expect(accountId).toBe(clients.accountId);
  expect(await beforeFirst).toEqual({ intents: [infraId], metadata: true });
  const [vpc, ...others] = await clusterVpcs();
  expect(others).toEqual([]);
  expect(vpc).toMatchObject({
    [`kubernetes.io/cluster/${infraId}`]: "owned",
    "labkeeper.dev/lab-id": id,
    "labkeeper.dev/lab": LAB,
    "labkeeper.dev/team": "team-a",
    "labkeeper.dev/owner": "octocat",
    "labkeeper.dev/cost-center": "sandbox",
    "labkeeper.dev/expires-at": expect.stringMatching(/^\d{4}-/),
    purpose: "demo",
  });
  const target = {
    account: "lab",
    accountId,
    region: REGION,
    regions: [REGION],
    infraId,
    labId: id,
    clusterName: LAB,
    baseDomain: "labs.example.com",
  };
  const seen = await edges.cloud.inventory.observe(target);
  if (seen.verdict !== "present") throw new Error(JSON.stringify(seen));
  for (const kind of [/:vpc\//, /:volume\//, /:elastic-ip\//, /:loadbalancer\//, /:role\//, /\/A\/api\./]) {
    expect(seen.evidence.filter((line) => kind.test(line)).length, `${kind}`).toBeGreaterThan(0);
  }

  // What people get of it.
  expect(await json("status", LAB)).toMatchObject({ state: "ready", job: null, failure: null });
  expect(await json("credentials", LAB)).toMatchObject({
    names: ["kubeconfig", "password", "username"],
    outputs: { version: "4.20.3", consoleUrl: expect.stringContaining(`apps.${LAB}.labs.example.com`) },
    values: null,
  });
  // Into this test and nowhere else.
  const { stdout: kubeconfig } = await begin("credentials", LAB, "--name", "kubeconfig").ended;
  expect(await lookAtCluster(kubeconfig, new AbortController().signal)).toMatchObject({ version: "4.20.3" });
  const log = await run("logs", LAB);
  expect(log.stdout).toContain("Install complete!");
  expect(log.stdout).toContain("simulated");

  // Where its things are.
  const stored = await remembering(await edges.secrets(), canaries).get(`labs/${id}`);
  expect(stored?.names).toEqual(["kubeconfig", "password", "username"]);
  const s3 = await clients.client("s3", "lab", REGION);
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: `prod/labs/${id}/` }));
  expect(Contents.length).toBeGreaterThan(5);

  // Something that the installer will not find holds the receipt back.
  const leftover = await LEFTOVERS["bucket of the image registry"]?.(
    world,
    clusterOf(infraId, id, LAB, "labs.example.com"),
  );
  if (leftover === undefined) throw new Error("a kind of leftover");
  await rm(join(root, "catalog", "labs", "team-a", `${LAB}.yaml`));
  await history.commitAll("Remove the lab");
  const waiting = begin("reconcile", "--wait");
  const state = async (): Promise<string | undefined> =>
    (await raw.query("select state from labs where id = $1", [id])).rows[0]?.state;
  await vi.waitFor(async () => expect(await state()).toBe("destroy_failed"), { timeout: 120_000, interval: 200 });
  expect(await clusterVpcs()).toEqual([]);
  expect((await raw.query("select 1 from destroy_receipts")).rowCount).toBe(0);
  // What the installer leaves in the zone of exactly this cluster goes with it.
  const destroying = await run("logs", LAB);
  expect(destroying.stdout).toMatch(/removed arn:\S+\/A\/\*\.apps\.\S+, which the installer had left/);
  expect(await json("status", LAB)).toMatchObject({
    state: "destroy_failed",
    failure: { code: "LK5007", message: expect.stringContaining(leftover.id) },
  });
  await leftover.remove();
  const gone = await listened(waiting);
  expect(gone, `${gone.stdout}${gone.stderr}`).toMatchObject({ code: 0 });

  // Proof that it is gone, and what is kept of it.
  expect(await edges.cloud.inventory.observe(target)).toMatchObject({ verdict: "absent" });
  const { receipt, ...after } = await json("status", LAB);
  expect(after).toMatchObject({ state: "destroyed", destroyCause: { kind: "commit" } });
  const looks = (receipt as { observations: { verdict: string; at: string; evidence: string[] }[] }).observations;
  expect(looks.map(({ verdict }) => verdict)).toEqual(["absent", "absent"]);
  expect(Date.parse(looks[1]?.at ?? "") - Date.parse(looks[0]?.at ?? "")).toBeGreaterThanOrEqual(1_000);
  expect(looks[0]?.evidence.join("\n")).toContain(`account ${clients.accountId} (lab)`);
  const sm = await clients.client("secrets", "lab", REGION);
  const secret = await sm.send(new DescribeSecretCommand({ SecretId: `labkeeper/labs/${id}` }));
  expect(secret.DeletedDate).toBeInstanceOf(Date);
  const checks = await raw.query(
    "select due_at - created_at as after from receipt_checks c join destroy_receipts r on r.id = c.receipt_id",
  );
  expect(checks.rowCount).toBe(2);
  const calls = await readFile(join(root, "calls"), "utf8");
  for (const call of [
    "create manifests",
    "create ignition-configs",
    "create cluster",
    "destroy cluster",
    "aws create-all",
    "aws delete",
  ]) {
    expect(calls).toContain(call);
  }
  // The installer worked with the account's session, not with labkeeper's own keys: what it made is in that account.
  expect(server.log.some(({ service, action }) => service === "sts" && action === "AssumeRole")).toBe(true);
}, 240_000);
