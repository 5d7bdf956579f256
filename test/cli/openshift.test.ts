/**
 * The command line with the openshift provisioner, the stand-in installer and an AWS that does not answer: nothing may be
 * made before it does, nothing may be called destroyed that could not be looked at, and no secret may show.
 */

import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type HistoryWriter, startRepository } from "../../src/git/history-writer.ts";
import { packageFile } from "../../src/package-root.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import { expectNoLeak } from "../canary.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { standIn } from "../openshift/run-binary.ts";
import { CANARIES, PULL_SECRET, SSH_KEY } from "../openshift/world.ts";
import { claimOne } from "../store/seed.ts";
import { type Ended, type Running, start } from "./run-labkeeper.ts";

let root = "";
let database: TestDatabase;
let store: Store;
let raw: pg.Client;
let history: HistoryWriter;
/** All that commands said. */
let said = "";

const put = async (path: string, text: string): Promise<void> => {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
};

const begin = (more: Readonly<Record<string, string>>, ...args: string[]): Running =>
  start(args, {
    LABKEEPER_STATE_DIR: join(root, "state"),
    LABKEEPER_CATALOG: join(root, "catalog"),
    LABKEEPER_DATABASE_URL: database.url,
    OPENSHIFT_INSTALL_BIN: join(root, "openshift-install"),
    // Nobody listens there.
    AWS_ENDPOINT_URL: "http://127.0.0.1:1",
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "AKIACANARYCANARYCANA",
    AWS_SECRET_ACCESS_KEY: CANARIES.awsKey,
    AWS_EC2_METADATA_DISABLED: "true",
    ...more,
  });

const run = async (...args: string[]): Promise<Ended> => {
  const ended = await begin({}, ...args).ended;
  said += ended.stdout + ended.stderr;
  return ended;
};

const labFile = (name: string): string =>
  `apiVersion: labkeeper.dev/v1\nkind: Lab\nmetadata: {name: ${name}, team: team-a, owner: octocat, costCenter: sandbox}\nspec: {profile: once}\n`;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "labkeeper openshift-"));
  database = await createDatabase();
  store = await openStore(database.connection, { max: 2 });
  raw = new pg.Client(database.connection);
  await raw.connect();
  await mkdir(join(root, "state"), { mode: 0o700 });
  await mkdir(join(root, "cloud"));
  await put("state/config.yaml", "openshift: {observationGapSeconds: 0}\nworker: {pollSeconds: 1}\n");
  await put(
    "openshift-install",
    `#!/bin/sh\nexport STANDIN_CLOUD='${join(root, "cloud")}' STANDIN_SCENARIO='${join(root, "scenario.json")}' STANDIN_PACE_MS=1\necho "$@" >> '${join(root, "calls")}'\nexec '${standIn("openshift-install")}' "$@"\n`,
  );
  await chmod(join(root, "openshift-install"), 0o755);
  await put("scenario.json", JSON.stringify({ faults: [] }));
  await put("calls", "");
  await put("pull-secret.json", `${PULL_SECRET}\n`);
  await put("key.pub", SSH_KEY);
  await put("catalog/catalog.yaml", "apiVersion: labkeeper.dev/v1\nkind: Catalog\nspec:\n  teams: [{name: team-a}]\n");
  const profile = await readFile(packageFile("profiles/aws-minimal-test.yaml"), "utf8");
  await put(
    "catalog/profiles/once.yaml",
    profile.replace("name: aws-minimal-test", "name: once").replace("maxAttempts: 3", "maxAttempts: 1"),
  );
  history = await startRepository(join(root, "catalog"), { name: "Test", email: "test@labkeeper.invalid" });
});
afterAll(async () => {
  try {
    expect(said).toContain("second");
    await expectNoLeak([...Object.values(CANARIES), PULL_SECRET, SSH_KEY], {
      database: raw,
      folders: ["state/artifacts", "state/secrets"].map((name) => join(root, name)),
      said: { said, "arguments of the installer": await calls() },
    });
  } finally {
    await raw.end();
    await store.close();
    await database.drop();
    await rm(root, { recursive: true, force: true });
  }
});

const stateOf = async (name: string): Promise<string | undefined> => (await store.lab(name))?.lab.state;
const calls = async (): Promise<string> => await readFile(join(root, "calls"), "utf8");

describe("secrets put", () => {
  it("is what doctor asks for before any lab has to fail for want of it", async () => {
    const { code, stdout } = await run("doctor");
    expect(code).toBe(1);
    expect(stdout).toMatch(/✘ pull secret +LK5202 .*openshift\/pull-secret/);
    expect(stdout).toContain("labkeeper secrets put openshift/pull-secret --file FILE");
    await put("calls", "");
  }, 30_000);

  it("refuses what is no pull secret, without quoting it", async () => {
    await put("wrong.json", `{"auths": "${CANARIES.login}"`);
    const ended = await run("secrets", "put", "openshift/pull-secret", "--file", join(root, "wrong.json"));
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringMatching(/^LK5202: .*openshift\/pull-secret/) });
  });

  it("refuses keys of labs, and values that are not there", async () => {
    expect(await run("secrets", "put", "labs/x", "--file", join(root, "key.pub"))).toMatchObject({ code: 2 });
    expect(await run("secrets", "put", "../x", "--file", join(root, "key.pub"))).toMatchObject({ code: 2 });
    expect(await run("secrets", "put", "mine", "--file", join(root, "nothing"))).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^LK7003/),
    });
    expect(await run("secrets", "put", "mine")).toMatchObject({ code: 1, stderr: expect.stringMatching(/empty/) });
  });

  it("stores what installers need", async () => {
    for (const [key, file] of [
      ["openshift/pull-secret", "pull-secret.json"],
      ["openshift/ssh-key", "key.pub"],
    ] as const) {
      expect(await run("secrets", "put", key, "--file", join(root, file))).toMatchObject({
        code: 0,
        stdout: `${key} is stored.\n`,
      });
    }
  });
});

describe("an AWS that does not answer", () => {
  it("lets no cluster be made: preflight says why, and no installer makes anything", async () => {
    await put("catalog/labs/team-a/first.yaml", labFile("first"));
    await history.commitAll("Add a lab");
    expect(await run("reconcile", "--wait")).toMatchObject({ code: 1 });
    const detail = await store.lab("first");
    expect(detail?.lab).toMatchObject({ state: "failed_permanent", intent: null });
    expect(detail?.lab.failure).toMatchObject({ code: "LK5309", remedy: expect.stringContaining("network") });
    expect((await calls()).trim().split("\n")).toEqual(["version"]);
    expect(await readdir(join(root, "cloud"))).toEqual([]);
  }, 60_000);

  it("lets nothing be called destroyed: it stays destroy_failed, without a receipt", async () => {
    await put("catalog/labs/team-a/second.yaml", labFile("second"));
    await history.commitAll("Add another");
    expect(await run("reconcile")).toMatchObject({ code: 0 });
    const job = await claimOne(store);
    const infraId = "second-x7k2p";
    await store.recordIntent(job, {
      infraId,
      clusterId: "5f0c3a1e-0000-4000-8000-000000000001",
      snapshot: `labs/${job.lab.id}/snapshot`,
      metadata: null,
      preparedAt: new Date().toISOString(),
      clusterName: "second",
      baseDomain: "labs.example.com",
      platform: "aws",
      region: "us-east-1",
      regions: ["us-east-1"],
      account: null,
      accountId: "123456789012",
      version: "4.20.3",
      manual: false,
      workers: 0,
      tags: {},
      former: [],
    });
    await store.finish(job, { kind: "provisioned", outputs: {} });
    expect(await run("cancel", "second")).toMatchObject({ code: 0 });
    const waiting = begin({}, "reconcile", "--wait");
    await vi.waitFor(async () => expect(await stateOf("second")).toBe("destroy_failed"), { timeout: 30_000 });
    waiting.child.kill("SIGTERM");
    const ended = await waiting.ended;
    said += ended.stdout + ended.stderr;
    expect(await calls()).toContain("destroy cluster");
    expect((await raw.query("select 1 from destroy_receipts")).rowCount).toBe(0);
    const { stdout } = await run("status", "second");
    expect(stdout).toContain("destroy_failed");
    await run("explain", "second");
  }, 60_000);

  it("is what doctor says, beside the installer that is there", async () => {
    const { stdout } = await run("doctor", "-o", "json");
    const { checks } = JSON.parse(stdout) as { checks: { name: string; verdict: string; detail: string }[] };
    const found = new Map(checks.map(({ name, verdict, detail }) => [name, `${verdict} ${detail}`]));
    expect(found.get("installer")).toMatch(/^warning .*openshift-install is a simulated 4\.20\.3; labs of 4\.18\.30, /);
    expect(found.get("orphans")).toMatch(/^warning are looked for in no region/);
    expect(found.get("profiles")).toMatch(/^ok /);
    expect(found.get("pull secret")).toBe("ok is stored");
  }, 30_000);
});

describe("doctor", () => {
  const checksWith = async (settings: string, env: Readonly<Record<string, string>> = {}) => {
    await put("other.yaml", settings);
    const { stdout } = await begin(env, "doctor", "-o", "json", "--config", join(root, "other.yaml")).ended;
    const { checks } = JSON.parse(stdout) as { checks: { name: string; verdict: string; detail: string }[] };
    return new Map(checks.map(({ name, verdict, detail }) => [name, `${verdict} ${detail}`]));
  };

  it("tries the bucket, the secrets and each account", async () => {
    const found = await checksWith(
      `artifacts: s3://labs-state/x\nsecrets: aws-secrets-manager\naws: {regions: [us-east-1]}\naccounts: {sandbox: {roleArn: "arn:aws:iam::123456789012:role/labkeeper"}}\n`,
    );
    for (const name of ["bucket access", "secrets", "account default", "account sandbox"]) {
      expect(found.get(name), name).toMatch(/^failed /);
    }
    for (const name of ["bucket versioning", "bucket encryption"]) expect(found.get(name), name).toMatch(/^warning /);
    expect(found.has("secrets key")).toBe(false);
    expect(found.has("orphans")).toBe(false);
  }, 60_000);

  it("says which version's installer is missing, or is not the one that was reviewed", async () => {
    await mkdir(join(root, "installers"), { recursive: true });
    const name = "openshift-install-4.20.3";
    await put(`installers/${name}`, `#!/bin/sh\nexec '${standIn("openshift-install")}' "$@"\n`);
    await chmod(join(root, "installers", name), 0o755);
    await put("installers/SHA256SUMS", `${"0".repeat(64)}  ${name}\n`);
    const before = await checksWith("openshift: {installersFolder: ./installers}\n", { OPENSHIFT_INSTALL_BIN: "" });
    expect(before.get("installer 4.20.3")).toMatch(/^failed .*has checksum/);
    expect(before.get("installer 4.19.20")).toMatch(/^failed .*is not there/);
    const sum = createHash("sha256")
      .update(await readFile(join(root, "installers", name)))
      .digest("hex");
    await put("installers/SHA256SUMS", `${sum}  ${name}\n`);
    const after = await checksWith("openshift: {installersFolder: ./installers}\n", { OPENSHIFT_INSTALL_BIN: "" });
    expect(after.get("installer 4.20.3")).toMatch(/^ok /);
  }, 60_000);

  it("says which enabled profile makes clusters that nobody can see to be gone", async () => {
    const profile = await readFile(packageFile("profiles/ibm-standard.yaml"), "utf8");
    expect(profile).toContain("enabled: false");
    await put("ibm/ibm-labs.yaml", profile.replace("name: ibm-standard", "name: ibm-labs"));
    expect((await checksWith("profiles: ./ibm\n")).has("proof ibmcloud")).toBe(false);
    await put(
      "ibm/ibm-labs.yaml",
      profile.replace("name: ibm-standard", "name: ibm-labs").replace("enabled: false", "enabled: true"),
    );
    const found = await checksWith("profiles: ./ibm\n");
    expect(found.get("proof ibmcloud")).toMatch(
      /^warning nothing can look into ibmcloud yet: labs of ibm-labs can be made/,
    );
    expect(found.has("proof aws")).toBe(false);
  }, 30_000);

  it("says which profile names a provisioner that nobody registered", async () => {
    const profile = await readFile(packageFile("profiles/simulated.yaml"), "utf8");
    await put(
      "profiles/mainframe.yaml",
      profile.replace("name: simulated", "name: mainframe").replace("provisioner: simulated", "provisioner: zos"),
    );
    const found = await checksWith("profiles: ./profiles\n");
    expect(found.get("profiles")).toBe("failed mainframe names zos: nobody registered that");
  }, 30_000);
});
