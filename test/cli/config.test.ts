import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Flags, loadConfig, neutralEnvironment } from "../../src/config.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "labkeeper config-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const load = (environment: Record<string, string> = {}, flags: Flags = {}, cwd = folder) =>
  loadConfig({ stateDir: join(folder, "nothing-here"), ...flags }, environment, cwd);

const refusal = async (environment: Record<string, string>, flags: Flags = {}): Promise<string> =>
  load(environment, flags).then(
    () => "accepted",
    (error: { code: string; message: string }) => `${error.code} ${error.message}`,
  );

const file = async (text: string): Promise<string> => {
  const path = join(folder, `config-${Math.random().toString(36).slice(2)}.yaml`);
  await writeFile(path, text);
  return path;
};

describe("where settings come from", () => {
  it("has a default for everything but the catalog", async () => {
    const config = await load();
    expect(config).toMatchObject({
      catalog: null,
      catalogRef: null,
      databaseUrl: null,
      artifacts: { kind: "folder", folder: join(folder, "nothing-here", "artifacts") },
      secrets: { kind: "folder", folder: join(folder, "nothing-here", "secrets") },
      accounts: {},
      aws: { regions: [], pathStyle: false },
      openshift: { installer: null, sliceMinutes: 30, graceSeconds: 90, observationGapSeconds: 60 },
      janitor: { sweepMinutes: 60, artifactRetentionDays: 30 },
      pollSeconds: 30,
      lease: { seconds: 60, heartbeatSeconds: 15 },
      logLevel: "info",
    });
    expect(config.secretsKeyFile.startsWith(join(folder, "nothing-here", "secrets/"))).toBe(false);
  });

  it("keeps state where the XDG specification says, and ignores a relative XDG_STATE_HOME", async () => {
    expect((await loadConfig({}, { XDG_STATE_HOME: "/var/state" }, folder)).stateDir).toBe("/var/state/labkeeper");
    expect((await loadConfig({}, { XDG_STATE_HOME: "state" }, folder)).stateDir).toMatch(
      /\/\.local\/state\/labkeeper$/,
    );
  });

  it("prefers flags to the environment, that to the file, that to the default", async () => {
    const config = await file("catalog: ./from-file\npollSeconds: 7\nlogLevel: debug\n");
    expect(await load({}, { config })).toMatchObject({
      catalog: join(folder, "from-file"),
      pollSeconds: 7,
      logLevel: "debug",
    });
    const environment = { LABKEEPER_CATALOG: "/from-environment", LABKEEPER_POLL_SECONDS: "8" };
    expect(await load(environment, { config })).toMatchObject({ catalog: "/from-environment", pollSeconds: 8 });
    expect(await load(environment, { config, catalog: "/from-flag" })).toMatchObject({ catalog: "/from-flag" });
  });

  it("finds config.yaml in the state folder, and the catalog in the current one", async () => {
    const stateDir = join(folder, "with spaces", "state");
    await mkdir(stateDir, { recursive: true });
    await writeFile(join(stateDir, "config.yaml"), "pollSeconds: 9\n");
    await writeFile(join(folder, "with spaces", "catalog.yaml"), "");
    const config = await load({}, { stateDir }, join(folder, "with spaces"));
    expect(config).toMatchObject({
      pollSeconds: 9,
      configFile: join(stateDir, "config.yaml"),
      catalog: join(folder, "with spaces"),
    });
  });

  it("takes an empty variable as not set", async () => {
    expect(await load({ LABKEEPER_POLL_SECONDS: "", LABKEEPER_CATALOG: "" })).toMatchObject({
      pollSeconds: 30,
      catalog: null,
    });
  });

  it("cannot be changed afterwards", async () => {
    const config = await load();
    expect(() => Object.assign(config, { pollSeconds: 1 })).toThrow(TypeError);
    expect(() => Object.assign(config.limits, { jobs: 1 })).toThrow(TypeError);
  });

  it("gives the demo an environment without labkeeper's settings and secrets", () => {
    expect(neutralEnvironment({ LABKEEPER_DATABASE_URL: "x", GITHUB_TOKEN: "x", PATH: "/bin" })).toEqual({
      PATH: "/bin",
    });
  });
});

describe("clouds", () => {
  it("keeps artifacts in a bucket and secrets in Secrets Manager, as the file says more of them", async () => {
    const config = await file(`
accounts:
  sandbox: { roleArn: "arn:aws:iam::123456789012:role/labkeeper", externalId: labs-1, regions: [eu-west-1, us-east-1], dnsAccount: default }
aws:
  dnsAccount: sandbox
  regions: [us-east-1]
  artifacts: { account: sandbox, region: us-east-1, kmsKeyId: "arn:aws:kms:us-east-1:123456789012:key/abc" }
  secrets: { recoveryDays: 0 }
`);
    const environment = { LABKEEPER_ARTIFACTS: "s3://labs-state/prod/", LABKEEPER_SECRETS: "aws-secrets-manager" };
    expect(await load(environment, { config })).toMatchObject({
      artifacts: {
        kind: "s3",
        bucket: "labs-state",
        prefix: "prod",
        account: "sandbox",
        region: "us-east-1",
        kmsKeyId: "arn:aws:kms:us-east-1:123456789012:key/abc",
      },
      secrets: { kind: "aws-secrets-manager", account: null, region: null, kmsKeyId: null, recoveryDays: 0 },
      accounts: { sandbox: { externalId: "labs-1", dnsAccount: "default" } },
      aws: { regions: ["us-east-1", "eu-west-1"], dnsAccount: "sandbox" },
    });
  });

  it("finds installers by variable before the file, whose paths start at its own folder", async () => {
    const config = await file(
      "openshift: {installer: ./one, installersFolder: ./all, sliceMinutes: 5}\njanitor: {sweepMinutes: 5, artifactRetentionDays: 90}\n",
    );
    expect(await load({}, { config })).toMatchObject({
      openshift: { installer: join(folder, "one"), installersFolder: join(folder, "all"), sliceMinutes: 5 },
      janitor: { sweepMinutes: 5, artifactRetentionDays: 90 },
    });
    expect(await load({ OPENSHIFT_INSTALL_BIN: "/opt/openshift-install" }, { config })).toMatchObject({
      openshift: { installer: "/opt/openshift-install" },
    });
  });

  it.each([
    ["accounts: {default: {}}", "must match pattern"],
    ["accounts: {a: {roleArn: 'arn:aws:iam::1:user/x'}}", "accounts.a.roleArn: must match pattern"],
    [
      "accounts: {a: {roleArn: 'arn:aws:iam::123456789012:role/x', accountId: '210987654321'}}",
      "accounts.a.accountId: allowed is the account that roleArn names",
    ],
    ["accounts: {a: {accountId: 123456789012}}", "accounts.a.accountId: must be string"],
    ["accounts: {a: {password: hunter2}}", '"password" is not a known field'],
    ["aws: {regions: [everywhere]}", "aws.regions.0: must match pattern"],
    ["aws: {artifacts: {account: nobody}}", "aws.artifacts.account: allowed is a name under accounts"],
    ["aws: {dnsAccount: nobody}", "aws.dnsAccount: allowed is a name under accounts"],
    ["accounts: {a: {dnsAccount: nobody}}", "accounts.a.dnsAccount: allowed is a name under accounts, or default"],
    ["aws: {secrets: {recoveryDays: 3}}", "aws.secrets.recoveryDays: allowed is 0, or a whole number from 7 to 30"],
    ["openshift: {sliceMinutes: 0}", "openshift.sliceMinutes: must be > 0"],
    ["openshift: {lockFile: x}", '"lockFile" is not a known field'],
    ["janitor: {sweepMinutes: 0}", "janitor.sweepMinutes: must be >= 1"],
    // The later looks at a receipt need what the destroy needed.
    ["janitor: {artifactRetentionDays: 6}", "janitor.artifactRetentionDays: must be >= 7"],
    ["artifacts: s3://x", "artifacts: allowed is s3://BUCKET/PREFIX or file:///"],
    ["secrets: vault", "secrets: allowed is aws-secrets-manager or file:///"],
  ])("refuses %j", async (text, expected) => {
    const message = await refusal({}, { config: await file(text) });
    expect(message).toMatch(/^LK7001 /);
    expect(message).toContain(expected);
    expect(message).not.toContain("hunter2");
  });
});

describe("what is refused", () => {
  it("names every bad value at once, with what is allowed", async () => {
    const message = await refusal(
      {
        LABKEEPER_CATALOG: "ssh://host/repository",
        LABKEEPER_DATABASE_URL: "mysql://host/db",
        LABKEEPER_ARTIFACTS: "s3://Bucket/../prefix",
        LABKEEPER_SECRETS: "file://host/share",
        LABKEEPER_POLL_SECONDS: "0",
        LABKEEPER_CONCURRENCY: "many",
        LABKEEPER_LOG_LEVEL: "loud",
      },
      { ref: "--upload-pack=x" },
    );
    expect(message).toMatch(/^LK7001 /);
    for (const name of [
      "CATALOG",
      "DATABASE_URL",
      "ARTIFACTS",
      "SECRETS",
      "POLL_SECONDS",
      "CONCURRENCY",
      "LOG_LEVEL",
    ]) {
      expect(message).toContain(`LABKEEPER_${name}: allowed is `);
    }
    expect(message).toContain("--ref: allowed is a branch name");
  });

  it.each([
    ["https://user:hunter2@example.com/catalog.git"],
    ["https://hunter2@example.com/catalog.git"],
    ["git@example.com:hunter2/catalog.git"],
    ["ftp://example.com/hunter2"],
    ["https://"],
  ])("refuses the catalog %s without repeating it", async (catalog) => {
    const message = await refusal({ LABKEEPER_CATALOG: catalog });
    expect(message).toContain("LABKEEPER_CATALOG");
    expect(message).not.toContain("hunter2");
  });

  it("does not repeat a database's password", async () => {
    expect(await refusal({ LABKEEPER_DATABASE_URL: "mysql://user:hunter2@host/db" })).not.toContain("hunter2");
  });

  it.each([
    ["pollSeconds: -1", "pollSeconds: must be >= 1"],
    ["polSeconds: 5", '"polSeconds" is not a known field'],
    ["worker: {concurency: 5}", 'worker: "concurency" is not a known field'],
    ["logLevel: loud", "logLevel: allowed are"],
    [
      "lease: {seconds: 10, heartbeatSeconds: 9}",
      "lease.heartbeatSeconds: allowed is at most a third of lease.seconds (3)",
    ],
    ["provisioners: {mine: {type: shell}}", 'provisioners.mine.type: must be "exec" or "simulated"'],
    ["provisioners: {mine: {type: exec}}", "provisioners.mine: must have required property 'command'"],
    ["provisioners: {mine: {type: exec, command: run.sh}}", "provisioners.mine.command: must be array"],
    ["provisioners: {'../x': {type: simulated}}", "must match pattern"],
    ["a: [", "is not valid YAML or JSON"],
    ["- a", "(the whole file): must be object"],
    ["catalog: git@host:x", "catalog: allowed is a path"],
  ])("refuses the file %j", async (text, expected) => {
    const message = await refusal({}, { config: await file(text) });
    expect(message).toMatch(/^LK7001 /);
    expect(message).toContain(expected);
  });

  it("says that a file named cannot be read", async () => {
    expect(await refusal({}, { config: join(folder, "missing.yaml") })).toContain("cannot be read (ENOENT)");
  });

  it("reads an empty file as one that sets nothing", async () => {
    expect(await load({}, { config: await file("") })).toMatchObject({ pollSeconds: 30 });
  });
});
