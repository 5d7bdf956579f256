/** An assumed role's session ends after an hour, an install after more: what the installer is lent has to be renewed. */

import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { CloudAccount, SessionKeys } from "../../src/cloud-ports.ts";
import { packageFile } from "../../src/package-root.ts";
import { installerEnvironment } from "../../src/provisioners/openshift/installer-env.ts";
import { lendSession, roleEnvironment } from "../../src/provisioners/openshift/role-session.ts";
import { hearing } from "../provisioners/lab-order.ts";
import { standIn } from "./run-binary.ts";
import { labOf } from "./subjects.ts";
import { account, type World, world } from "./world.ts";

const PATIENT = { timeout: 90_000 };
const lab = await labOf("aws-standard");

const keysOf = (n: number, seconds = 3_600): SessionKeys => ({
  accessKeyId: `ASIASESSION${n}`,
  secretAccessKey: `secretOfSession${n}/canary`,
  sessionToken: `tokenOfSession${n}-canary`,
  expiresAt: new Date(Date.now() + seconds * 1_000),
});

/** Another session every ten times that it is asked. */
const shortLived = (): CloudAccount => {
  let asked = 0;
  return { ...account, sessionKeys: async () => keysOf(Math.floor(asked++ / 10)) };
};

const provisionerFor = (it: World, of: CloudAccount) => {
  const aws = it.deps.clouds.get("aws");
  const clouds = new Map([["aws", { inventory: aws?.inventory ?? null, account: of }]]);
  return it.provisionerWith({ clouds, renewEverySeconds: 0.02 });
};

describe.concurrent("a run that is longer than its session", PATIENT, () => {
  test("goes on with the next one, installing and destroying, and shows neither", async () => {
    await using it = await world();
    const provisioner = provisionerFor(it, shortLived());
    const context = hearing(join(it.path, "work"));
    await it.plan([
      { command: "create cluster", at: "bootstrap", do: "outlive" },
      { command: "create cluster", at: "operators", do: "secrets" },
      { command: "destroy cluster", at: "half", do: "outlive" },
    ]);
    const intent = await provisioner.prepare(lab, context);
    await provisioner.install(lab, intent, context);
    await provisioner.destroy(lab, intent, context);
    expect(await it.resources()).toEqual([]);
    const said = context.lines.join("\n");
    expect(said.match(/went on with ASIASESSION\d+ after ASIASESSION\d+/g)).toHaveLength(2);
    expect(said).toContain("debug: [redacted]");
    expect(said).not.toMatch(/OfSession\d|canary/);
    expect(await readdir(context.workdir)).toEqual([]);
  });
});

describe("a session that is lent", () => {
  let path: string;
  beforeAll(async () => {
    path = await mkdtemp(join(tmpdir(), "labkeeper-role-"));
  });
  afterAll(() => rm(path, { recursive: true, force: true }));

  const lend = async (folder: string, keys: () => Promise<SessionKeys>, lines: string[] = [], everyMs = 10) =>
    await lendSession({ folder, keys, hide: () => undefined, log: (line) => lines.push(line), everyMs });

  /** AWS' own SDK, in another process and with nothing but this environment; it prints each key id that is new to it. */
  const sdk = (folder: string) => {
    const program = `
      import { fromNodeProviderChain } from "@aws-sdk/credential-providers";
      const provide = fromNodeProviderChain();
      for (let last = "";;) {
        const { accessKeyId, sessionToken } = await provide();
        if (accessKeyId !== last) console.log(accessKeyId, sessionToken);
        last = accessKeyId;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      cwd: packageFile("."),
      env: { PATH: process.env["PATH"], HOME: path, ...roleEnvironment(folder) },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output = { text: "" };
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output.text += text;
      });
    }
    return { output, [Symbol.dispose]: () => child.kill("SIGKILL") };
  };

  test.each(["plain", `a lab's folder $HOME "x" \\ and more`])(
    "is read by AWS' SDK, and read again, from the folder %s",
    async (name) => {
      const folder = join(path, name, "aws");
      let current = keysOf(1, 62);
      await using _lent = await lend(folder, async () => current);
      using child = sdk(folder);
      await vi.waitFor(() => expect(child.output.text).toContain("ASIASESSION1 tokenOfSession1-canary"), 30_000);
      current = keysOf(2, 62);
      await vi.waitFor(() => expect(child.output.text).toContain("ASIASESSION2 tokenOfSession2-canary"), 30_000);
    },
    60_000,
  );

  test("is nobody else's to read, ends early for the SDKs, and is gone afterwards", async () => {
    const folder = join(path, "closed");
    const keys = keysOf(1);
    {
      await using _lent = await lend(folder, async () => keys);
      expect((await stat(folder)).mode & 0o777).toBe(0o700);
      for (const name of await readdir(folder)) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
      const told = JSON.parse(await readFile(join(folder, "session.json"), "utf8")) as { Expiration: string };
      expect(new Date(told.Expiration).getTime()).toBeLessThan(keys.expiresAt.getTime() - 30_000);
    }
    expect(await readdir(path)).not.toContain("closed");
  });

  test("that cannot be renewed says so once, stays, and is renewed when that is possible again", async () => {
    const folder = join(path, "failing");
    const lines: string[] = [];
    let failures = 0;
    let answer = async (): Promise<SessionKeys> => keysOf(1);
    await using _lent = await lend(folder, async () => await answer(), lines);
    answer = async () => {
      failures++;
      throw new Error("no answer");
    };
    await vi.waitFor(() => expect(failures).toBeGreaterThan(3), 10_000);
    expect(lines).toEqual(["the session of the account's role cannot be renewed: no answer"]);
    expect(await readFile(join(folder, "session.json"), "utf8")).toContain("ASIASESSION1");
    answer = async () => keysOf(2);
    await vi.waitFor(
      async () => expect(await readFile(join(folder, "session.json"), "utf8")).toContain("ASIASESSION2"),
      10_000,
    );
  });

  test("is not begun without keys", async () => {
    const refused = Object.assign(new Error("refused"), { code: "LK6108" });
    await expect(lend(join(path, "none"), () => Promise.reject(refused))).rejects.toBe(refused);
  });
});

describe("an installer's environment", () => {
  const chains: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ["keys", { AWS_ACCESS_KEY_ID: "AKIA1", AWS_SECRET_ACCESS_KEY: "s", AWS_SESSION_TOKEN: "t" }],
    ["a profile", { AWS_PROFILE: "labs", AWS_CONFIG_FILE: "/etc/aws/config", AWS_SDK_LOAD_CONFIG: "true" }],
    ["a web identity", { AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/x", AWS_WEB_IDENTITY_TOKEN_FILE: "/var/token" }],
    ["a container's", { AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://169.254.170.23/v1", AWS_REGION: "eu-west-1" }],
  ];

  test.each(chains)("without a role has %s as they are, so that the SDKs renew by themselves", async (_what, chain) => {
    await using it = await temporary();
    const env = await installerEnvironment(
      { ...chain, HOME: "/home/labs", LABKEEPER_DATABASE_URL: "x" },
      null,
      it.path,
    );
    expect(env).toMatchObject({ AWS_SDK_LOAD_CONFIG: "1", ...chain, HOME: "/home/labs" });
    expect(env).not.toHaveProperty("LABKEEPER_DATABASE_URL");
  });

  test("takes the profile where there are keys too, as labkeeper itself does", async () => {
    await using it = await temporary();
    const both = { ...chains[0]?.[1], AWS_PROFILE: "labs" };
    expect(Object.keys(await installerEnvironment(both, null, it.path))).not.toContain("AWS_ACCESS_KEY_ID");
    const none = { ...chains[0]?.[1], AWS_PROFILE: "" };
    expect(Object.keys(await installerEnvironment(none, null, it.path))).toContain("AWS_ACCESS_KEY_ID");
  });

  test("with a role leads to that alone", async () => {
    await using it = await temporary();
    const ambient = Object.assign({}, ...chains.map(([, chain]) => chain)) as Record<string, string>;
    const env = await installerEnvironment(ambient, roleEnvironment(it.path), it.path);
    expect(Object.keys(env).filter((name) => name.startsWith("AWS_"))).toEqual(
      expect.arrayContaining(["AWS_CONFIG_FILE", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_REGION"]),
    );
    expect(env).toMatchObject(roleEnvironment(it.path));
    expect(Object.keys(env).join(" ")).not.toMatch(/ACCESS_KEY|SESSION_TOKEN|ROLE_ARN|WEB_IDENTITY|CONTAINER/);
  });

  test("is what the installer gets: where no role is assumed, nobody's keys are put into it", async () => {
    await using it = await world();
    await mkdir(join(it.path, "seen"));
    const binary = join(it.path, "bin", "openshift-install");
    const script = `#!/bin/sh\nenv > '${join(it.path, "seen")}'/$$\nexec '${standIn("openshift-install")}' "$@"\n`;
    await writeFile(binary, script);
    const own = { ...account, sessionKeys: async () => null };
    const aws = { inventory: null, account: own };
    const environment = { ...it.deps.environment, AWS_WEB_IDENTITY_TOKEN_FILE: "/var/token", AWS_ROLE_ARN: "arn:x" };
    const provisioner = it.provisionerWith({ clouds: new Map([["aws", aws]]), environment });
    await provisioner.prepare(lab, hearing(join(it.path, "work")));
    const seen = await readdir(join(it.path, "seen"));
    const texts = await Promise.all(seen.map((name) => readFile(join(it.path, "seen", name), "utf8")));
    const [last = ""] = texts.filter((text) => text.includes("TMPDIR="));
    expect(last).toContain("AWS_WEB_IDENTITY_TOKEN_FILE=/var/token");
    expect(texts.join("\n")).not.toMatch(/AWS_(ACCESS_KEY_ID|SECRET|SESSION|PROFILE)/);
  });
});

async function temporary(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "labkeeper-env-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
