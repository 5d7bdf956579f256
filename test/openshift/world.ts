/** A host, a cloud made of files, stores in folders, and an openshift provisioner that works with the stand-in. */

import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { CloudAccount, CloudInventory } from "../../src/cloud-ports.ts";
import { credentials } from "../../src/core/credentials.ts";
import { ccoTag, clusterTag, TAGS } from "../../src/core/ownership.ts";
import { folderArtifacts } from "../../src/local/artifacts.ts";
import { installationId } from "../../src/local/installation.ts";
import { folderSecrets } from "../../src/local/secrets.ts";
import type { ArtifactStore, Provisioner, SecretStore } from "../../src/ports.ts";
import { binaries } from "../../src/provisioners/openshift/binaries.ts";
import type { OpenshiftDeps } from "../../src/provisioners/openshift/deps.ts";
import { openshiftProvisioner } from "../../src/provisioners/openshift/provisioner.ts";
import { expectNoLeak, overheard, type Places, remembering } from "../canary.ts";
import { standIn } from "./run-binary.ts";

/** Each is searched for where no secret may be. */
export const CANARIES = {
  login: "canary-login-5f3a9c1e7b",
  awsKey: "canaryAwsSecretKey/8d2f6b4a0c1e",
  awsSession: "canary-session-token-77aa33",
};
export const PULL_SECRET = JSON.stringify({
  auths: { "registry.invalid": { auth: Buffer.from(`robot:${CANARIES.login}`).toString("base64"), email: "a@b.c" } },
});
export const SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIcanarykey labs@example.com";

/** Everything else among the artifacts is install state, which is a secret itself. */
const IS_LOG = /\/log$|\.log$|\/(failures|evidence)\//;

export interface Fault {
  readonly command: string;
  readonly at: string;
  readonly do: string;
  readonly code?: number;
  readonly log?: readonly string[];
  readonly times?: number;
  readonly megabytes?: number;
}

export interface Resource {
  readonly infraID: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly path: string;
  readonly [more: string]: unknown;
}

export interface World extends AsyncDisposable {
  readonly path: string;
  readonly artifacts: ArtifactStore;
  readonly secrets: SecretStore;
  readonly artifactsFolder: string;
  readonly provisioner: Provisioner;
  readonly deps: OpenshiftDeps;
  /** Another provisioner on the same world. */
  provisionerWith(change: Partial<OpenshiftDeps>): Provisioner;
  /** Everything in the cloud, found without asking the provisioner. */
  resources(): Promise<readonly Resource[]>;
  /** Of all that was put into the secret store or answered as credentials, and CANARIES; disposing asks for it, too. */
  expectNoLeak(more?: Places): Promise<void>;
  /** Leaves only these faults to happen. */
  plan(faults: readonly Fault[], env?: Readonly<Record<string, string>>): Promise<void>;
}

export async function resourcesIn(cloud: string): Promise<readonly Resource[]> {
  const names = (await readdir(cloud).catch(() => [])).filter((name) => name.endsWith(".json"));
  const read = names.map(async (name) => {
    const path = join(cloud, name);
    const text = await readFile(path, "utf8").catch(() => null);
    return text === null ? [] : [{ ...(JSON.parse(text) as Resource), path }];
  });
  return (await Promise.all(read)).flat();
}

/** Sees what carries exactly this infraID or lab, as the real one does. */
export const folderInventory = (cloud: string): CloudInventory => ({
  observe: async ({ infraId, labId }) => {
    const found = (await resourcesIn(cloud)).filter(
      ({ tags }) =>
        tags[clusterTag(infraId)] === "owned" ||
        tags[ccoTag(infraId)] === "owned" ||
        (tags[TAGS.labId] === labId && Object.keys(tags).every((key) => !key.startsWith("kubernetes.io/"))),
    );
    return found.length === 0
      ? { verdict: "absent", evidence: [`nothing is tagged ${clusterTag(infraId)}`] }
      : { verdict: "present", evidence: found.map(({ name }) => `arn:simulated:${infraId}/${name}`) };
  },
  sweep: async () => ({ resources: [], unseen: [] }),
});

export const account: CloudAccount = {
  accountId: async () => "123456789012",
  preflight: async () => [{ scope: "aws/123456789012/us-east-1", resource: "vCPU", need: 12, limit: 64, used: 0 }],
  removeDnsRecords: async () => [],
  destroyResource: async () => undefined,
  sessionKeys: async () => ({
    accessKeyId: "ASIACANARYCANARYCANA",
    secretAccessKey: CANARIES.awsKey,
    sessionToken: CANARIES.awsSession,
    expiresAt: new Date(Date.now() + 3_600_000),
  }),
};

export interface WorldOptions {
  readonly path?: string;
  readonly deps?: Partial<OpenshiftDeps>;
  /** What the stand-in is told besides. */
  readonly env?: Readonly<Record<string, string>>;
}

/** With a `path` the world of an earlier call is entered again, as another process does. */
export async function world(options: WorldOptions = {}): Promise<World> {
  const path = options.path ?? (await mkdtemp(join(tmpdir(), "labkeeper-openshift-")));
  const cloud = join(path, "cloud");
  const bin = join(path, "bin");
  const scenario = join(path, "scenario.json");
  const canaries = new Set([...Object.values(CANARIES), SSH_KEY.split(" ")[1] ?? ""]);
  const heard: unknown[] = [];
  const secrets = remembering(folderSecrets({ root: join(path, "secrets"), keyFile: join(path, "key") }), canaries);
  const artifactsFolder = join(path, "artifacts");
  const artifacts = folderArtifacts(artifactsFolder);

  const wrap = async (name: "openshift-install" | "oc" | "ccoctl", more: Readonly<Record<string, string>>) => {
    const env = {
      STANDIN_CLOUD: cloud,
      STANDIN_SCENARIO: scenario,
      STANDIN_SIGINT_MS: "100",
      STANDIN_PACE_MS: "1",
      ...more,
    };
    const exports = Object.entries(env).map(([key, value]) => `export ${key}='${value}'`);
    await writeFile(
      join(bin, name),
      `#!/bin/sh\n${exports.join("\n")}\necho "$@" >> '${join(path, "calls")}'\nexec '${standIn(name)}' "$@"\n`,
    );
    await chmod(join(bin, name), 0o755);
  };
  const wrapAll = async (more: Readonly<Record<string, string>>) => {
    for (const name of ["openshift-install", "oc", "ccoctl"] as const) await wrap(name, more);
  };
  if (options.path === undefined) {
    await mkdir(cloud);
    await mkdir(bin);
    await wrapAll(options.env ?? {});
    await secrets.put("openshift/pull-secret", credentials({ value: PULL_SECRET }));
    await secrets.put("openshift/ssh-key", credentials({ value: SSH_KEY }));
  }
  const deps: OpenshiftDeps = {
    binaries: binaries({
      installer: join(bin, "openshift-install"),
      oc: join(bin, "oc"),
      ccoctl: join(bin, "ccoctl"),
      folder: null,
      environment: process.env,
    }),
    artifacts,
    secrets,
    installation: () => installationId(artifacts),
    clouds: new Map([
      ["aws", { inventory: folderInventory(cloud), account }],
      ["ibmcloud", { inventory: folderInventory(cloud), account: null }],
    ]),
    environment: { PATH: process.env["PATH"], HOME: path },
    gracePeriodSeconds: 3,
    observationGapSeconds: 0,
    ...options.deps,
  };
  const self: World = {
    path,
    artifacts,
    secrets,
    artifactsFolder,
    deps,
    provisioner: overheard(openshiftProvisioner(deps), heard, canaries),
    provisionerWith: (change) => overheard(openshiftProvisioner({ ...deps, ...change }), heard, canaries),
    resources: () => resourcesIn(cloud),
    plan: async (faults, env) => {
      for (const name of await readdir(path)) if (name.endsWith(".used")) await rm(join(path, name));
      await writeFile(scenario, JSON.stringify({ faults }));
      if (env !== undefined) await wrapAll(env);
    },
    expectNoLeak: async (more = {}) => {
      const keys = await artifacts.list("");
      const logs = await Promise.all(keys.filter((key) => IS_LOG.test(key)).map((key) => artifacts.get(key)));
      await expectNoLeak(canaries, {
        ...more,
        folders: [join(path, "secrets")],
        said: {
          ...more.said,
          "the provisioner's words": heard,
          "the listing of artifacts": keys.join("\n"),
          "logs among the artifacts": logs.map((bytes) => Buffer.from(bytes ?? []).toString("latin1")).join("\n"),
          "arguments of installers": await readFile(join(path, "calls"), "utf8").catch(() => ""),
        },
      });
    },
    [Symbol.asyncDispose]: async () => {
      try {
        await self.expectNoLeak();
        // Promise P3, whatever the test is about.
        expect(await readFile(join(cloud, "two-at-once"), "utf8").catch(() => "")).toBe("");
      } finally {
        // A cluster's API server ends by itself when its file goes.
        await rm(path, { recursive: true, force: true, maxRetries: 5 });
      }
    },
  };
  return self;
}
