/** What labkeeper counts on in an openshift-install, as far as it can be seen without a cloud (platform none). */

import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseLogLine } from "../../src/core/openshift/log-line.ts";
import { idsFromState, parseMetadata } from "../../src/core/openshift/metadata.ts";
import { isInfraId } from "../../src/core/ownership.ts";
import { type Ended, run } from "./run-binary.ts";

const PULL_SECRET = '{"auths":{"registry.invalid":{"auth":"Y2FuYXJ5OnB1bGw="}}}';

const CONFIG = `apiVersion: "v1"
metadata:
  name: "contract"
baseDomain: "labs.example.com"
controlPlane:
  name: "master"
  replicas: 3
compute:
  - name: "worker"
    replicas: 0
platform:
  none: {}
pullSecret: ${JSON.stringify(PULL_SECRET)}
`;

interface Folder extends AsyncDisposable {
  readonly path: string;
  readonly dir: string;
  installer(...args: string[]): Promise<Ended>;
  names(): Promise<string[]>;
}

export function installerContract(name: string, binary: string, minutes = 0.3): void {
  const folder = async (config: string | null = CONFIG): Promise<Folder> => {
    const path = await mkdtemp(join(tmpdir(), "labkeeper-contract-"));
    const dir = join(path, "install");
    await mkdir(dir);
    if (config !== null) await writeFile(join(dir, "install-config.yaml"), config);
    const env = { HOME: path, TMPDIR: path, STANDIN_CLOUD: join(path, "cloud") };
    return {
      path,
      dir,
      installer: (...args) => run(binary, [...args, "--dir", dir], env),
      names: () => readdir(dir),
      [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
    };
  };

  describe(`${name} keeps the installer's contract`, { timeout: minutes * 60_000 }, () => {
    test("says its version first on stdout", async () => {
      const { code, stdout } = await run(binary, ["version"], { HOME: tmpdir() });
      expect(code).toBe(0);
      expect(stdout).toMatch(/^\S*openshift-install v?\d+\.\d+\.\d+/);
      expect(stdout).toMatch(/^release image \S+$/m);
    });

    test("reads install-config.yaml once and removes it; manifests can be changed", async () => {
      await using it = await folder();
      expect(await it.installer("create", "manifests")).toMatchObject({ code: 0 });
      const names = await it.names();
      expect(names).toEqual(expect.arrayContaining(["manifests", "openshift", ".openshift_install_state.json"]));
      expect(names).not.toContain("install-config.yaml");
      const scheduler = await readFile(join(it.dir, "manifests", "cluster-scheduler-02-config.yml"), "utf8");
      expect(scheduler).toMatch(/^ {2}mastersSchedulable: (true|false)$/m);
    });

    test("knows its infraID before there is a metadata.json, and keeps it", async () => {
      await using it = await folder();
      await it.installer("create", "manifests");
      const state = await readFile(join(it.dir, ".openshift_install_state.json"), "utf8");
      const ids = idsFromState(state);
      expect(ids).not.toBeNull();
      expect(isInfraId(ids?.infraId ?? "")).toBe(true);
      await it.installer("create", "ignition-configs");
      const parsed = parseMetadata(await readFile(join(it.dir, "metadata.json"), "utf8"));
      expect(parsed).toMatchObject({ metadata: { infraID: ids?.infraId, clusterName: "contract" } });
    });

    test("writes credentials and metadata with the ignition configs, and consumes the manifests", async () => {
      await using it = await folder();
      await it.installer("create", "manifests");
      expect(await it.installer("create", "ignition-configs")).toMatchObject({ code: 0 });
      const names = await it.names();
      expect(names).toEqual(expect.arrayContaining(["auth", "bootstrap.ign", "metadata.json"]));
      expect(names).not.toContain("manifests");
      expect(await readdir(join(it.dir, "auth"))).toEqual(expect.arrayContaining(["kubeadmin-password", "kubeconfig"]));
      expect((await stat(join(it.dir, ".openshift_install.log"))).size).toBeGreaterThan(0);
    });

    test("logs level and message on stderr, without the pull secret", async () => {
      await using it = await folder();
      const { stderr, stdout } = await it.installer("create", "manifests");
      const levels = stderr
        .trim()
        .split("\n")
        .map((line) => parseLogLine(line).level);
      expect(new Set(levels)).not.toContain("unknown");
      expect(stderr + stdout).not.toContain("Y2FuYXJ5OnB1bGw=");
    });

    test("ends with another code than 0 when it has no configuration and no terminal to ask", async () => {
      await using it = await folder(null);
      const { code, stderr } = await it.installer("create", "manifests");
      expect(code).toBeGreaterThan(0);
      expect(stderr).toContain("level=fatal");
    });

    test("refuses a broken configuration", async () => {
      await using it = await folder(CONFIG.replace('apiVersion: "v1"', 'apiVersion: "v9"'));
      const { code, stderr } = await it.installer("create", "manifests");
      expect([1, 3]).toContain(code);
      expect(stderr).toContain("level=fatal");
    });

    test("refuses an unknown flag with 1", async () => {
      await using it = await folder();
      expect(await it.installer("create", "manifests", "--no-such-flag")).toMatchObject({ code: 1 });
    });

    test("refuses to destroy without a metadata.json with 1", async () => {
      await using it = await folder(null);
      expect(await it.installer("destroy", "cluster")).toMatchObject({ code: 1 });
    });
  });
}
