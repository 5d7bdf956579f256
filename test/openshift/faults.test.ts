/** Everything that an installer was ever seen to do to its caller, and what the world looks like afterwards. */

import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { checkTarget } from "../../src/cloud/aws/exact-target.ts";
import type { CloudAccount, CloudInventory, CloudTarget } from "../../src/cloud-ports.ts";
import { revealAll, credentials as sealed } from "../../src/core/credentials.ts";
import type { JsonObject } from "../../src/core/types.ts";
import type { LabkeeperError } from "../../src/errors.ts";
import type { Installed, LabOrder } from "../../src/ports.ts";
import { loadSnapshot } from "../../src/provisioners/snapshot.ts";
import { type HeardContext, hearing } from "../provisioners/lab-order.ts";
import { labOf } from "./subjects.ts";
import { account, type Fault, type World, world } from "./world.ts";

/** Many small processes: on a busy machine each of them waits. */
const PATIENT = { timeout: 90_000 };

const lab: LabOrder = await labOf("aws-standard");

interface Scene {
  readonly context: HeardContext;
  readonly abort: AbortController;
  /** The intent that is recorded now. */
  intent: JsonObject;
  /** Intents that were recorded by install itself. */
  readonly recorded: JsonObject[];
}

async function prepared(it: World, of: LabOrder = lab): Promise<Scene> {
  const abort = new AbortController();
  const recorded: JsonObject[] = [];
  const context = {
    ...hearing(join(it.path, "work"), abort.signal),
    recordIntent: async (intent: JsonObject) => {
      recorded.push(intent);
      scene.intent = intent;
    },
  };
  const scene: Scene = { context, abort, recorded, intent: {} };
  scene.intent = await it.provisioner.prepare(of, context);
  return scene;
}

const install = (it: World, scene: Scene, of: LabOrder = lab): Promise<Installed> =>
  it.provisioner.install(of, scene.intent, scene.context);

const infraIds = async (it: World): Promise<readonly string[]> => [
  ...new Set((await it.resources()).map(({ infraID }) => infraID)),
];

async function destroyed(it: World, scene: Scene, of: LabOrder = lab): Promise<void> {
  await it.provisioner.destroy(of, scene.intent, scene.context);
  expect(await it.provisioner.observe(of, scene.intent, scene.context)).toMatchObject({ verdict: "absent" });
  expect(await it.resources()).toEqual([]);
}

const error = (said: string): string => `level=error msg="${said}"`;

describe.concurrent("a whole life", PATIENT, () => {
  test("makes a cluster that answers, and unmakes it", async () => {
    await using it = await world();
    const scene = await prepared(it);
    expect(await it.resources()).toEqual([]);
    expect(scene.intent).toMatchObject({
      infraId: expect.stringMatching(/^team-a-test-01-[a-z0-9]{5}$/),
      clusterName: "team-a-test-01",
      baseDomain: "labs.example.com",
      region: "us-east-1",
      accountId: "123456789012",
      version: "4.20.3",
      metadata: { infraID: scene.intent["infraId"] },
    });
    const made = await install(it, scene);
    expect(made.outputs).toMatchObject({
      version: "4.20.3",
      apiUrl: expect.stringMatching(/^https:\/\/127\.0\.0\.1:\d+$/),
      consoleUrl: "https://console-openshift-console.apps.team-a-test-01.labs.example.com",
    });
    await it.provisioner.verify(lab, scene.intent, made.credentials, scene.context);
    const resources = await it.resources();
    expect(resources.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["vpc", "instance-master-2", "instance-worker-2", "control-plane"]),
    );
    expect(resources.map(({ name }) => name)).not.toContain("instance-bootstrap");
    for (const { tags } of resources) {
      expect(tags).toMatchObject({ "labkeeper.dev/lab-id": lab.id, "labkeeper.dev/owner": "octocat" });
    }
    const percents = scene.context.phases.flatMap(({ percent }) => percent ?? []);
    expect(percents).toEqual([...percents].sort((a, b) => a - b));
    expect(percents.at(-1)).toBe(100);
    await destroyed(it, scene);
    expect(await readdir(scene.context.workdir)).toEqual([]);
  });

  test("makes the control plane schedulable when the profile says so, also beside workers", async () => {
    await using it = await world();
    const both = await labOf("aws-minimal-test", { workers: 2 });
    const scene = await prepared(it, both);
    await install(it, scene, both);
    const plane = (await it.resources()).find(({ name }) => name === "control-plane");
    expect(plane).toMatchObject({ schedulable: true });
    await destroyed(it, scene, both);
  });

  test.each(["aws-standard", "ibm-standard"])(
    "with Manual credentials of %s makes and removes them too",
    async (name) => {
      await using it = await world();
      const manual = await labOf(name, { profile: { credentialsMode: "Manual" } });
      const scene = await prepared(it, manual);
      expect(await it.resources()).toEqual([]);
      const made = await install(it, scene, manual);
      await it.provisioner.verify(manual, scene.intent, made.credentials, scene.context);
      expect(made.intent).toEqual(scene.recorded.at(-1));
      const roles = (await it.resources()).filter(({ tags }) =>
        Object.keys(tags).some((key) => key.startsWith("openshift.io/cloud-credential-operator/")),
      );
      expect(roles).not.toEqual([]);
      await destroyed(it, scene, manual);
    },
  );
});

describe.concurrent("an install that fails", PATIENT, () => {
  const beforeAnything: readonly [string, Fault, string][] = [
    ["exit 1 without a word", { command: "create cluster", at: "start", do: "exit", code: 1 }, "LK5220"],
    ["exit 3", { command: "create cluster", at: "start", do: "exit", code: 3 }, "LK5215"],
    [
      "a quota",
      {
        command: "create cluster",
        at: "start",
        do: "exit",
        code: 4,
        log: [error("VpcLimitExceeded: maximum reached")],
      },
      "LK5210",
    ],
    [
      "refused credentials",
      { command: "create cluster", at: "start", do: "exit", code: 1, log: [error("InvalidClientTokenId: invalid")] },
      "LK5211",
    ],
  ];
  const afterResources: readonly [string, Fault, string][] = [
    [
      "no capacity",
      {
        command: "create cluster",
        at: "infrastructure",
        do: "exit",
        code: 4,
        log: [error("InsufficientInstanceCapacity: none")],
      },
      "LK5213",
    ],
    ["exit 5, no bootstrap", { command: "create cluster", at: "bootstrap", do: "exit", code: 5 }, "LK5216"],
    ["exit 6, operators", { command: "create cluster", at: "operators", do: "exit", code: 6 }, "LK5217"],
    ["exit 7, not stable", { command: "create cluster", at: "end", do: "exit", code: 7 }, "LK5217"],
    ["exit 8, interrupted by somebody", { command: "create cluster", at: "bootstrap", do: "exit", code: 8 }, "LK5219"],
    ["an exit code nobody knows", { command: "create cluster", at: "infrastructure", do: "exit", code: 42 }, "LK5220"],
    ["SIGKILL from somebody", { command: "create cluster", at: "infrastructure", do: "kill" }, "LK5220"],
  ];

  test.each([...beforeAnything, ...afterResources])(
    "by %s says so, succeeds when tried again, and can be destroyed",
    async (_what, fault, code) => {
      await using it = await world();
      const scene = await prepared(it);
      await it.plan([fault]);
      await expect(install(it, scene)).rejects.toMatchObject({ code, remedy: expect.any(String) });
      const again = await install(it, scene);
      await it.provisioner.verify(lab, scene.intent, again.credentials, scene.context);
      // What the first attempt left is gone, or is what became the cluster.
      expect(await infraIds(it)).toEqual([scene.intent["infraId"]]);
      await destroyed(it, scene);
    },
  );

  test("with operators that come up late is gone on with rather than made anew", async () => {
    await using it = await world();
    const scene = await prepared(it);
    await it.plan([{ command: "create cluster", at: "operators", do: "exit", code: 6 }]);
    await expect(install(it, scene)).rejects.toMatchObject({ code: "LK5217" });
    const before = await infraIds(it);
    await install(it, scene);
    expect(await infraIds(it)).toEqual(before);
    expect(scene.recorded).toEqual([]);
    await destroyed(it, scene);
  });

  test("twice with operators that never come up is made anew, under another infraID that is recorded first", async () => {
    await using it = await world();
    const scene = await prepared(it);
    const first = scene.intent["infraId"];
    await it.plan([
      { command: "create cluster", at: "operators", do: "exit", code: 6 },
      { command: "wait-for install-complete", at: "start", do: "exit", code: 6 },
    ]);
    await expect(install(it, scene)).rejects.toMatchObject({ code: "LK5217" });
    await expect(install(it, scene)).rejects.toMatchObject({ code: "LK5217" });
    const seen: (readonly string[])[] = [];
    const { recordIntent } = scene.context;
    const made = await it.provisioner.install(lab, scene.intent, {
      ...scene.context,
      recordIntent: async (intent) => {
        seen.push(await infraIds(it));
        await recordIntent?.(intent);
      },
    });
    expect(seen).toEqual([[]]);
    expect(made.intent).toMatchObject({ former: [{ infraId: first }] });
    expect(await infraIds(it)).toEqual([scene.intent["infraId"]]);
    expect(scene.intent["infraId"]).not.toBe(first);
    await destroyed(it, scene);
  });

  test("keeps its log bundle and the end of its log, without secrets", async () => {
    await using it = await world();
    const scene = await prepared(it);
    await it.plan([
      { command: "create cluster", at: "infrastructure", do: "secrets" },
      { command: "create cluster", at: "bootstrap", do: "exit", code: 5 },
    ]);
    await expect(install(it, scene)).rejects.toMatchObject({ code: "LK5216" });
    const keys = await it.artifacts.list(`${scene.intent["snapshot"]}/evidence`);
    const names = keys.map((key) => key.replace(/^.*\/[0-9a-f]{12}-/, "")).sort();
    expect(names).toEqual(["log-bundle-20260101000000.tar.gz", "openshift_install.log"]);
    const log = keys.find((key) => key.endsWith(".log")) ?? "";
    const text = new TextDecoder().decode((await it.artifacts.get(log)) ?? new Uint8Array());
    expect(text).toContain("Creating infrastructure resources");
    expect(text).not.toMatch(/canary-login|canaryAwsSecretKey/);
    await destroyed(it, scene);
  });

  test("by a quota is not begun again before there is room", async () => {
    await using it = await world();
    const scene = await prepared(it);
    await it.plan([
      { command: "create cluster", at: "infrastructure", do: "exit", code: 4, log: [error("VcpuLimitExceeded: 32")] },
    ]);
    await expect(install(it, scene)).rejects.toMatchObject({ code: "LK5210", disposition: "wait" });
    const full: CloudAccount = {
      ...account,
      preflight: async () => [{ scope: "aws/1/us-east-1", resource: "vCPU", need: 24, limit: 32, used: 16 }],
    };
    const crowded = it.provisionerWith({
      clouds: new Map([["aws", { inventory: it.deps.clouds.get("aws")?.inventory ?? null, account: full }]]),
    });
    await expect(crowded.install(lab, scene.intent, scene.context)).rejects.toMatchObject({
      code: "LK5210",
      message: expect.stringContaining("16 of 32"),
    });
    expect(scene.recorded).toEqual([]);
    expect(await it.resources()).toEqual([]);
    await install(it, scene);
    await destroyed(it, scene);
  });

  test("in bootstrap and is gone on with elsewhere becomes a cluster, whatever happens to the bootstrap machine", async () => {
    await using it = await world();
    const scene = await prepared(it);
    await it.plan([
      { command: "create cluster", at: "bootstrap", do: "kill" },
      { command: "destroy bootstrap", at: "start", do: "exit", code: 1 },
    ]);
    await expect(install(it, scene)).rejects.toMatchObject({ code: "LK5220" });
    const elsewhere = { ...scene.context, workdir: join(it.path, "another-host") };
    const made = await it.provisioner.install(lab, scene.intent, elsewhere);
    await it.provisioner.verify(lab, scene.intent, made.credentials, elsewhere);
    expect(scene.context.lines.join("\n")).toContain("the bootstrap machine is left");
    await destroyed(it, scene);
  });

  test("of ignition configs a day old is begun anew without destroying what never was", async () => {
    await using it = await world();
    const scene = await prepared(it);
    const tomorrow = it.provisionerWith({ now: () => new Date(Date.now() + 30 * 3_600_000) });
    const made = await tomorrow.install(lab, scene.intent, scene.context);
    expect(made.intent).toMatchObject({ former: [{}] });
    expect(scene.context.lines.join("\n")).not.toContain("Uninstallation");
    await destroyed(it, scene);
  });

  test("by a configuration that cannot be is refused before anything is decided", async () => {
    await using it = await world();
    const bad = await labOf("aws-standard", { platformConfig: { aws: { nope: "x" } } });
    await expect(prepared(it, bad)).rejects.toMatchObject({ code: "LK5215", disposition: "stop" });
    expect(await it.artifacts.list("labs")).toEqual([]);
  });
});

describe.concurrent("a cluster that was made", PATIENT, () => {
  test.each([
    ["is not available", { available: false }],
    ["has no API any more", null],
  ])("and %s is not ready", async (_what, change) => {
    await using it = await world();
    const scene = await prepared(it);
    const { credentials } = await install(it, scene);
    const plane = (await it.resources()).find(({ name }) => name === "control-plane");
    if (change === null) await rm(plane?.path ?? "");
    else await writeFile(plane?.path ?? "", JSON.stringify({ ...plane, ...change }));
    const verifying = it.provisioner.verify(lab, scene.intent, credentials, scene.context);
    await expect(verifying).rejects.toMatchObject({ code: "LK5006", disposition: "retry" });
    await destroyed(it, scene);
  });

  test("does not let another cluster's credentials in", async () => {
    await using it = await world();
    const scene = await prepared(it);
    const { credentials } = await install(it, scene);
    const other = await labOf("aws-standard", { id: "0198c0de-0000-7000-8000-000000000002", name: "team-a-test-02" });
    const otherScene = await prepared(it, other);
    const strange = await install(it, otherScene, other);
    const server = /server: (\S+)/.exec(credentials.reveal("kubeconfig"))?.[1] ?? "";
    const mixed = strange.credentials.reveal("kubeconfig").replace(/server: \S+/, `server: ${server}`);
    const verifying = it.provisioner.verify(lab, scene.intent, sealed({ kubeconfig: mixed }), scene.context);
    await expect(verifying).rejects.toMatchObject({ code: "LK5006" });
  });
});

describe.concurrent("an installer that misbehaves", PATIENT, () => {
  test("by ending well without a cluster is found out, and made again", async () => {
    await using it = await world();
    const scene = await prepared(it);
    await it.plan([{ command: "create cluster", at: "start", do: "succeed" }]);
    const made = await install(it, scene);
    const verifying = it.provisioner.verify(lab, scene.intent, made.credentials, scene.context);
    await expect(verifying).rejects.toMatchObject({ code: "LK5006", disposition: "retry" });
    const again = await install(it, scene);
    await it.provisioner.verify(lab, scene.intent, again.credentials, scene.context);
    await destroyed(it, scene);
  });

  test("by hanging is stopped with the signal that it understands, and gone on with", async () => {
    await using it = await world();
    const scene = await prepared(it);
    await it.plan([{ command: "create cluster", at: "bootstrap", do: "hang" }]);
    const hanging = expect(install(it, scene)).rejects.toMatchObject({ code: "LK5009" });
    await vi.waitFor(() => expect(scene.context.lines.join("\n")).toContain("bootstrapping to complete"), 10_000);
    scene.abort.abort("shutdown");
    await hanging;
    expect(scene.context.lines.join("\n")).toContain("Received interrupt signal");
    const before = await infraIds(it);
    const context = { ...scene.context, signal: new AbortController().signal };
    const made = await it.provisioner.install(lab, scene.intent, context);
    await it.provisioner.verify(lab, scene.intent, made.credentials, context);
    expect(await infraIds(it)).toEqual(before);
    expect((await it.resources()).map(({ name }) => name)).not.toContain("instance-bootstrap");
    await destroyed(it, { ...scene, context });
  });

  test("by ignoring signals is killed when its grace is over", async () => {
    await using it = await world({ deps: { gracePeriodSeconds: 0.3 } });
    const scene = await prepared(it);
    await it.plan([{ command: "create cluster", at: "infrastructure", do: "ignore-signals" }]);
    const deaf = expect(install(it, scene)).rejects.toMatchObject({ code: "LK5009" });
    await vi.waitFor(async () => expect(await it.resources()).not.toEqual([]), 10_000);
    scene.abort.abort("cancelled");
    await deaf;
    const context = { ...scene.context, signal: new AbortController().signal };
    await destroyed(it, { ...scene, context });
  });

  test("by dying right after it wrote metadata.json left nothing, and is decided on again", async () => {
    await using it = await world();
    await it.plan([{ command: "create ignition-configs", at: "metadata", do: "kill" }]);
    await expect(prepared(it)).rejects.toMatchObject({ code: "LK5220" });
    expect(await it.resources()).toEqual([]);
    const scene = await prepared(it);
    await install(it, scene);
    await destroyed(it, scene);
  });

  test("by fifty megabytes of log neither fails nor fills the lab's log", async () => {
    await using it = await world({ deps: { maxLogChars: 200_000 } });
    const scene = await prepared(it);
    await it.plan([{ command: "create cluster", at: "bootstrap", do: "flood", megabytes: 50 }]);
    await install(it, scene);
    const chars = scene.context.lines.reduce((sum, line) => sum + line.length, 0);
    expect(chars).toBeLessThan(300_000);
    expect(scene.context.lines.join("\n")).toContain("is left out");
    await destroyed(it, scene);
  });

  test("by printing secrets has them hidden", async () => {
    await using it = await world();
    const scene = await prepared(it);
    await it.plan([{ command: "create cluster", at: "operators", do: "secrets" }]);
    const made = await install(it, scene);
    const { password = "" } = revealAll(made.credentials);
    const said = scene.context.lines.join("\n");
    expect(said).toContain("Login to the console with user");
    for (const secret of [password, "canary-login", "canaryAwsSecretKey"]) {
      expect(said).not.toContain(secret);
      expect(said).not.toContain(Buffer.from(secret).toString("base64").slice(0, 12));
    }
    await destroyed(it, scene);
  });
});

describe.concurrent("a crash between deciding and recording", PATIENT, () => {
  test("forgets no infraID: the next worker answers the same one, on whatever host", async () => {
    await using it = await world();
    const first = await prepared(it);
    const elsewhere = hearing(join(it.path, "another-host"));
    const second = await it.provisioner.prepare(lab, elsewhere);
    expect(second).toEqual(first.intent);
    const made = await it.provisioner.install(lab, second, elsewhere);
    await it.provisioner.verify(lab, second, made.credentials, elsewhere);
    await it.provisioner.destroy(lab, second, elsewhere);
    expect(await it.resources()).toEqual([]);
  });
});

describe.concurrent("an artifact store that lost everything", PATIENT, () => {
  test("during the install has what was made removed, and another made", async () => {
    await using it = await world();
    const scene = await prepared(it);
    await it.plan([{ command: "create cluster", at: "bootstrap", do: "exit", code: 5 }]);
    await expect(install(it, scene)).rejects.toMatchObject({ code: "LK5216" });
    await it.artifacts.remove("labs");
    const made = await it.provisioner.install(lab, scene.intent, {
      ...scene.context,
      workdir: join(it.path, "another-host"),
    });
    expect(made.intent).toMatchObject({ former: [{}] });
    expect(await infraIds(it)).toEqual([scene.intent["infraId"]]);
    await destroyed(it, scene);
  });
});

describe.concurrent("a destroy", PATIENT, () => {
  test("that says all is well and leaves something is found out", async () => {
    await using it = await world();
    const scene = await prepared(it);
    await install(it, scene);
    await it.plan([{ command: "destroy cluster", at: "half", do: "residue" }]);
    await it.provisioner.destroy(lab, scene.intent, scene.context);
    expect(await it.provisioner.observe(lab, scene.intent, scene.context)).toMatchObject({
      verdict: "present",
      evidence: [expect.stringContaining("vpc")],
    });
    await destroyed(it, scene);
  });

  test("that never ends is stopped after its slice, says what remains, and goes on later", async () => {
    await using it = await world({ env: { STANDIN_DESTROY_FOREVER: "true" } });
    const scene = await prepared(it);
    await install(it, scene);
    const sliced = it.provisionerWith({ sliceMinutes: 1.5 / 60 });
    await expect(sliced.destroy(lab, scene.intent, scene.context)).rejects.toMatchObject({
      code: "LK5221",
      disposition: "retry",
      message: expect.stringContaining("remain"),
    });
    await it.plan([], { STANDIN_DESTROY_FOREVER: "false" });
    await destroyed(it, scene);
  });

  test("that fails says why and what remains", async () => {
    await using it = await world();
    const scene = await prepared(it);
    await install(it, scene);
    await it.plan([
      { command: "destroy cluster", at: "half", do: "exit", code: 1, log: [error("Throttling: Rate exceeded")] },
    ]);
    await expect(it.provisioner.destroy(lab, scene.intent, scene.context)).rejects.toMatchObject({
      code: "LK5214",
      message: expect.stringMatching(/Rate exceeded; \d+ remain/),
    });
    expect(scene.context.lines.join("\n")).toContain("remains: arn:simulated:");
    await destroyed(it, scene);
  });

  test("works without any artifact, from what was recorded", async () => {
    await using it = await world();
    const scene = await prepared(it);
    await install(it, scene);
    await it.artifacts.remove("labs");
    const bare = { ...scene.intent, metadata: null };
    await it.provisioner.destroy(lab, bare, hearing(join(it.path, "another-host")));
    expect(await it.resources()).toEqual([]);
  });

  test("does not use kept metadata of another cluster", async () => {
    await using it = await world();
    const scene = await prepared(it);
    await install(it, scene);
    const other = await labOf("aws-standard", { id: "0198c0de-0000-7000-8000-000000000002", name: "team-a-test-02" });
    const otherScene = await prepared(it, other);
    await install(it, otherScene, other);
    const mixed = { ...scene.intent, snapshot: otherScene.intent["snapshot"] ?? "" };
    await it.provisioner.destroy(lab, mixed, scene.context);
    expect(await infraIds(it)).toEqual([otherScene.intent["infraId"]]);
    await it.provisioner.destroy(other, otherScene.intent, otherScene.context);
  });

  test.each([
    ["an empty infraID", { infraId: "" }],
    ["a pattern", { infraId: "*" }],
    ["no platform", { platform: null }],
  ])("of an intent with %s is refused", async (_what, change) => {
    await using it = await world();
    const scene = await prepared(it);
    await install(it, scene);
    const before = await it.resources();
    const bad = { ...scene.intent, ...change };
    await expect(it.provisioner.destroy(lab, bad, scene.context)).rejects.toMatchObject({ code: "LK5203" });
    expect(await it.resources()).toEqual(before);
    expect(await it.provisioner.observe(lab, bad, scene.context)).toMatchObject({ verdict: "unknown" });
    await destroyed(it, scene);
  });

  test.each(["aws-standard", "ibm-standard"])(
    "of %s without an inventory is never known to be complete",
    async (name) => {
      await using it = await world();
      const blindLab = await labOf(name);
      const scene = await prepared(it, blindLab);
      const blind = it.provisionerWith({ clouds: new Map() });
      await blind.preflight?.(blindLab, scene.context);
      expect(scene.context.lines.join("\n")).toContain("will never be proven");
      await blind.install(blindLab, scene.intent, scene.context);
      await blind.destroy(blindLab, scene.intent, scene.context);
      expect(await it.resources()).toEqual([]);
      expect(await blind.observe(blindLab, scene.intent, scene.context)).toEqual({
        verdict: "unknown",
        reason: expect.stringContaining("nothing can look into"),
      });
    },
  );
});

describe.concurrent("preflight", PATIENT, () => {
  test("answers what the cloud says the lab will take", async () => {
    await using it = await world();
    const needs = await it.provisioner.preflight?.(lab, hearing(join(it.path, "work")));
    expect(needs).toMatchObject([{ resource: "vCPU" }]);
    expect(await it.resources()).toEqual([]);
  });

  test("refuses what could never be proven gone", async () => {
    await using it = await world();
    const asked: CloudTarget[] = [];
    const observe: CloudInventory["observe"] = async (target) => {
      asked.push(target);
      return { verdict: "unknown", reason: "ec2 eu-west-1: AuthFailure" };
    };
    const blind = it.provisionerWith({
      clouds: new Map([["aws", { inventory: { observe, sweep: () => Promise.reject() }, account }]]),
    });
    await expect(blind.preflight?.(lab, hearing(join(it.path, "work")))).rejects.toMatchObject({
      code: "LK5008",
      message: expect.stringContaining("eu-west-1: AuthFailure"),
    });
    const { id: labId, spec, profile } = lab;
    const { region, baseDomain } = spec;
    const regions = profile.spec.regions?.allowlist;
    expect(asked).toMatchObject([{ labId, region, regions, baseDomain, clusterName: lab.name, account: null }]);
    expect(() => checkTarget(asked[0] as CloudTarget)).not.toThrow();
  });

  test("refuses another version than the installer's", async () => {
    await using it = await world();
    const other = await labOf("aws-standard", { version: "4.19.20" });
    const checking = it.provisioner.preflight?.(other, hearing(join(it.path, "work")));
    await expect(checking).rejects.toMatchObject({ code: "LK5201", message: expect.stringContaining("4.19.20") });
  });

  test("refuses Manual credentials without the programs that they need", async () => {
    await using it = await world();
    const manual = await labOf("aws-standard", { profile: { credentialsMode: "Manual" } });
    await rm(join(it.path, "bin", "ccoctl"));
    const checking = it.provisioner.preflight?.(manual, hearing(join(it.path, "work")));
    await expect(checking).rejects.toMatchObject({ code: "LK5201", message: expect.stringContaining("ccoctl") });
  });

  test("refuses to begin without a pull secret", async () => {
    await using it = await world();
    await it.secrets.remove("openshift/pull-secret");
    const checking = it.provisioner.preflight?.(lab, hearing(join(it.path, "work")));
    await expect(checking).rejects.toMatchObject({ code: "LK5202" });
  });
});

describe.concurrent("what is kept", PATIENT, () => {
  test("of the configuration has no secret in it, and the folder has none left", async () => {
    await using it = await world();
    const scene = await prepared(it);
    const folder = join(scene.context.workdir, "cluster");
    const copy = await readFile(join(folder, "labkeeper", "install-config.yaml"), "utf8");
    expect(copy).toContain("team-a-test-01");
    expect(copy).not.toMatch(/pullSecret|sshKey/);
    expect(await readdir(folder)).not.toContain("install-config.yaml");
    expect(JSON.stringify(scene.intent)).not.toMatch(/canary|BEGIN|client-key/);
  });

  test("is all that a destroy or another host needs, before `create cluster` is asked for", async () => {
    await using it = await world();
    const scene = await prepared(it);
    const prefix = String(scene.intent["snapshot"]);
    const files = await loadSnapshot(it.artifacts, prefix, String(scene.intent["snapshotRef"]));
    expect([...(files?.keys() ?? [])]).toEqual(
      expect.arrayContaining([
        ".openshift_install_state.json",
        "auth/kubeadmin-password",
        "auth/kubeconfig",
        "bootstrap.ign",
        "labkeeper/install-config.yaml",
        "metadata.json",
      ]),
    );
    expect(scene.intent).toMatchObject({ metadata: { infraID: scene.intent["infraId"] } });
    const asked = async () =>
      (await readFile(join(it.path, "calls"), "utf8"))
        .split("\n")
        .flatMap((line) => /^\w\S* [a-z]\S*/.exec(line)?.[0] ?? []);
    expect(await asked()).toEqual(["create manifests", "create ignition-configs"]);
    expect(await it.resources()).toEqual([]);
    await install(it, scene);
    expect(await asked()).toEqual(["create manifests", "create ignition-configs", "create cluster"]);
    await destroyed(it, scene);
  });

  test("of a configuration that the installer refused is nothing", async () => {
    await using it = await world();
    await it.plan([{ command: "create manifests", at: "start", do: "exit", code: 3 }]);
    await expect(prepared(it)).rejects.toMatchObject({ code: "LK5215" });
    expect(await readdir(join(it.path, "work", "cluster"))).not.toContain("install-config.yaml");
  });

  test("and errors are of labkeeper's own kind, with remedies", async () => {
    await using it = await world();
    const scene = await prepared(it);
    await it.plan([{ command: "create cluster", at: "start", do: "exit", code: 1, log: [error("gremlins")] }]);
    const failed = (await install(it, scene).catch((thrown: unknown) => thrown)) as LabkeeperError;
    expect(failed.message).toContain("gremlins");
    expect(failed.remedy).not.toBe("");
  });
});
