/** What changes between two calls on a lab: accounts, programs, files, what somebody else put there. */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFile, chmod, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import type { CloudAccount, CloudInventory } from "../../src/cloud-ports.ts";
import { clusterTag } from "../../src/core/ownership.ts";
import type { JsonObject } from "../../src/core/types.ts";
import type { Installed, LabOrder, Provisioner } from "../../src/ports.ts";
import { type Binaries, binaries } from "../../src/provisioners/openshift/binaries.ts";
import { type HeardContext, hearing } from "../provisioners/lab-order.ts";
import { labOf } from "./subjects.ts";
import { account, type World, world } from "./world.ts";

const PATIENT = { timeout: 90_000 };

const lab: LabOrder = await labOf("aws-standard");

interface Scene {
  readonly context: HeardContext;
  /** The intent that is recorded now. */
  intent: JsonObject;
}

async function prepared(it: World, of: LabOrder = lab, work = "work"): Promise<Scene> {
  const context = {
    ...hearing(join(it.path, work)),
    recordIntent: async (intent: JsonObject) => {
      scene.intent = intent;
    },
  };
  const scene: Scene = { context, intent: {} };
  scene.intent = await it.provisioner.prepare(of, context);
  return scene;
}

const install = (by: Provisioner, scene: Scene, of: LabOrder = lab): Promise<Installed> =>
  by.install(of, scene.intent, scene.context);

async function destroyed(it: World, scene: Scene, of: LabOrder = lab): Promise<void> {
  await it.provisioner.destroy(of, scene.intent, scene.context);
  expect(await it.provisioner.observe(of, scene.intent, scene.context)).toMatchObject({ verdict: "absent" });
  expect(await it.resources()).toEqual([]);
}

const calls = async (it: World): Promise<readonly string[]> =>
  (await readFile(join(it.path, "calls"), "utf8").catch(() => "")).split("\n").filter((line) => line !== "");

const inventoryOf = (it: World): CloudInventory => {
  const inventory = it.deps.clouds.get("aws")?.inventory;
  if (!inventory) throw new Error("an inventory");
  return inventory;
};

const withAws = (it: World, change: { account?: CloudAccount; inventory?: CloudInventory }): Provisioner =>
  it.provisionerWith({ clouds: new Map([["aws", { inventory: inventoryOf(it), account, ...change }]]) });

describe.concurrent("credentials that lead to another account since the lab was recorded", PATIENT, () => {
  const elsewhere: CloudAccount = { ...account, accountId: async () => "999999999999" };

  test("make nothing there: nobody would ever look for it", async () => {
    await using it = await world();
    const scene = await prepared(it);
    await expect(install(withAws(it, { account: elsewhere }), scene)).rejects.toMatchObject({ code: "LK5302" });
    expect(await it.resources()).toEqual([]);
    await install(it.provisioner, scene);
    await destroyed(it, scene);
  });

  test("are not what a destroy is tried with", async () => {
    await using it = await world();
    const scene = await prepared(it);
    await install(it.provisioner, scene);
    const before = await calls(it);
    const other = withAws(it, { account: elsewhere });
    await expect(other.destroy(lab, scene.intent, scene.context)).rejects.toMatchObject({
      code: "LK5302",
      message: expect.stringMatching(/999999999999.*123456789012/),
    });
    expect(await calls(it)).toEqual(before);
    await destroyed(it, scene);
  });
});

describe.concurrent("an earlier cluster of the lab that cannot be removed", PATIENT, () => {
  test("does not keep the present one alive", async () => {
    await using it = await world();
    const scene = await prepared(it);
    await install(it.provisioner, scene);
    const former = { infraId: "team-a-test-01-zzzzz", clusterId: "", snapshot: "labs/x", snapshotRef: null };
    scene.intent = { ...scene.intent, former: [{ ...former, metadata: null, preparedAt: new Date().toISOString() }] };
    const stuck: CloudInventory = {
      ...inventoryOf(it),
      observe: async (target, signal) =>
        target.infraId === former.infraId
          ? { verdict: "present", evidence: ["arn:aws:ec2:us-east-1:123456789012:security-group/sg-1"] }
          : await inventoryOf(it).observe(target, signal),
    };
    const deaf = join(it.path, "bin", "deaf");
    const real = (await it.deps.binaries.anyInstaller("4.20.3")).path;
    await writeFile(deaf, `#!/bin/sh\ncase "$*" in *${former.infraId}*) exit 1;; esac\nexec '${real}' "$@"\n`);
    await chmod(deaf, 0o755);
    const { anyInstaller } = it.deps.binaries;
    const hard: Binaries = {
      ...it.deps.binaries,
      anyInstaller: async (version) => ({ ...(await anyInstaller(version)), path: deaf }),
    };
    const by = it.provisionerWith({ binaries: hard, clouds: new Map([["aws", { inventory: stuck, account }]]) });
    await expect(by.destroy(lab, scene.intent, scene.context)).rejects.toMatchObject({
      code: "LK5221",
      message: expect.stringMatching(/zzzzz.*; 1 remain/),
    });
    expect(await it.resources()).toEqual([]);
  });
});

describe.concurrent("what somebody else left in a lab's place", PATIENT, () => {
  /** A second lab's cluster in the same cloud. */
  async function neighbour(it: World): Promise<{ of: LabOrder; scene: Scene; made: Installed }> {
    const of = await labOf("aws-standard", { id: "0198c0de-0000-7000-8000-000000000002", name: "team-a-test-02" });
    const scene = await prepared(it, of, "work-of-another");
    return { of, scene, made: await install(it.provisioner, scene, of) };
  }

  test("metadata.json with another cluster's filter beside its own destroys nothing of that", async () => {
    await using it = await world();
    const scene = await prepared(it);
    await install(it.provisioner, scene);
    const { of, scene: other } = await neighbour(it);
    const metadata = scene.intent["metadata"] as JsonObject;
    const aws = metadata["aws"] as JsonObject;
    const foreign = { [clusterTag(String(other.intent["infraId"]))]: "owned" };
    const identifier = [...(aws["identifier"] as JsonObject[]), foreign];
    await it.artifacts.remove("labs");
    const wide = { ...scene.intent, metadata: { ...metadata, aws: { ...aws, identifier } } };
    await it.provisioner.destroy(lab, wide, scene.context);
    const left = await it.resources();
    expect(new Set(left.map(({ infraID }) => infraID))).toEqual(new Set([other.intent["infraId"]]));
    expect(left.map(({ name }) => name)).toContain("control-plane");
    await destroyed(it, other, of);
  });

  test("a kubeconfig of another cluster, however well that answers, makes no lab ready", async () => {
    await using it = await world();
    const scene = await prepared(it);
    const made = await install(it.provisioner, scene);
    const { of, scene: other, made: foreign } = await neighbour(it);
    const { verify } = it.provisioner;
    await verify(lab, scene.intent, made.credentials, scene.context);
    await expect(verify(lab, scene.intent, foreign.credentials, scene.context)).rejects.toMatchObject({
      code: "LK5006",
      message: expect.stringContaining(String(scene.intent["clusterId"])),
    });
    await it.provisioner.destroy(of, other.intent, other.context);
    await destroyed(it, scene);
  });
});

describe.concurrent("an installer's folder that lost its auth", PATIENT, () => {
  test("before the cluster is waited for has it again from what is kept", async () => {
    await using it = await world();
    const scene = await prepared(it);
    await it.plan([{ command: "create cluster", at: "operators", do: "exit", code: 6 }]);
    await expect(install(it.provisioner, scene)).rejects.toMatchObject({ code: "LK5217" });
    await rm(join(scene.context.workdir, "cluster", "auth"), { recursive: true });
    const made = await install(it.provisioner, scene);
    await it.provisioner.verify(lab, scene.intent, made.credentials, scene.context);
    await destroyed(it, scene);
  });

  test("when the installer said that all is well keeps no cluster from being used", async () => {
    await using it = await world();
    const scene = await prepared(it);
    const real = (await it.deps.binaries.installer("4.20.3")).path;
    const careless = join(it.path, "bin", "careless");
    const auth = join(scene.context.workdir, "cluster", "auth");
    await writeFile(careless, `#!/bin/sh\n'${real}' "$@" || exit\nrm -r '${auth}'\n`);
    await chmod(careless, 0o755);
    const { installer } = it.deps.binaries;
    const by = it.provisionerWith({
      binaries: {
        ...it.deps.binaries,
        installer: async (version) => ({ ...(await installer(version)), path: careless }),
      },
    });
    const made = await install(by, scene);
    await by.verify(lab, scene.intent, made.credentials, scene.context);
    await destroyed(it, scene);
  });
});

describe.concurrent("a file that was edited before its lab was ready", PATIENT, () => {
  const edited = async () => await labOf("aws-standard", { workers: 5, tags: { purpose: "another" } });
  const workers = async (it: World): Promise<number> =>
    (await it.resources()).filter(({ name }) => name.startsWith("instance-worker-")).length;

  test.each([
    ["nothing was made yet", null],
    ["its infrastructure failed", { command: "create cluster", at: "infrastructure", do: "exit", code: 4 }],
    ["its operators did not come up", { command: "create cluster", at: "operators", do: "exit", code: 6 }],
  ])("when %s becomes the cluster that it asks for now", async (_what, fault) => {
    await using it = await world();
    const scene = await prepared(it);
    if (fault !== null) {
      await it.plan([fault]);
      await expect(install(it.provisioner, scene)).rejects.toMatchObject({ disposition: "retry" });
    }
    const more = await edited();
    await install(it.provisioner, scene, more);
    expect(await workers(it)).toBe(5);
    expect(scene.intent).toMatchObject({ workers: 5, tags: { purpose: "another" } });
    const tags = (await it.resources()).map((each) => each.tags["purpose"]);
    expect(new Set(tags)).toEqual(new Set(["another"]));
    await expect(it.provisioner.update(more, scene.intent, scene.context)).resolves.toEqual({ outputs: {} });
    await destroyed(it, scene, more);
  });
});

test("a retired version of ccoctl keeps nothing of a cluster with Manual credentials", PATIENT, async () => {
  await using it = await world();
  const manual = await labOf("aws-standard", { profile: { credentialsMode: "Manual" } });
  const scene = await prepared(it, manual);
  await install(it.provisioner, scene, manual);
  const folder = join(it.path, "installers");
  await mkdir(folder);
  const sums: string[] = [];
  for (const name of ["openshift-install", "ccoctl"]) {
    const bytes = await readFile(join(it.path, "bin", name));
    await writeFile(join(folder, `${name}-4.20.4`), bytes, { mode: 0o755 });
    sums.push(`${createHash("sha256").update(bytes).digest("hex")}  ${name}-4.20.4`);
  }
  await writeFile(join(folder, "SHA256SUMS"), `${sums.join("\n")}\n`);
  const later = it.provisionerWith({ binaries: binaries({ installer: null, folder, environment: process.env }) });
  await later.destroy(manual, scene.intent, scene.context);
  expect(await it.resources()).toEqual([]);
});

test(
  "a cluster that is made leaves no secret on the host that made it, and is proven again from what is kept",
  PATIENT,
  async () => {
    await using it = await world();
    const scene = await prepared(it);
    await install(it.provisioner, scene);
    expect(await readdir(scene.context.workdir)).toEqual([]);
    // Whether it answered was not known any more when its worker died.
    const again = await install(it.provisioner, scene);
    await it.provisioner.verify(lab, scene.intent, again.credentials, scene.context);
    await destroyed(it, scene);
  },
);

describe.concurrent("an installer that its worker had no time to record", PATIENT, () => {
  test.each(["install", "destroy"] as const)("is stopped before another one begins to %s", async (verb) => {
    await using it = await world();
    const scene = await prepared(it);
    await it.plan([{ command: "create cluster", at: "infrastructure", do: "hang" }]);
    const { path } = await it.deps.binaries.installer("4.20.3");
    const { workdir } = scene.context;
    const child = spawn(path, ["create", "cluster", "--dir", join(workdir, "cluster")], {
      cwd: workdir,
      detached: true,
      stdio: "ignore",
      env: { PATH: process.env["PATH"], TMPDIR: join(workdir, "tmp") },
    });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    await vi.waitFor(async () => expect(await it.resources()).not.toEqual([]), 30_000);
    await it.artifacts.put(`${scene.intent["snapshot"]}/stages/infrastructure`, Buffer.from("infrastructure\n"));
    if (verb === "install") await install(it.provisioner, scene);
    await destroyed(it, scene);
    await ended;
    expect(scene.context.lines.join("\n")).toContain("which nobody recorded");
  });
});

describe.concurrent("an artifact store that gives back something else", PATIENT, () => {
  /** Every content that is kept, by a disk that flips bits. */
  async function damage(it: World): Promise<void> {
    for (const key of await it.artifacts.list("labs")) {
      if (key.includes("/objects/")) await appendFile(join(it.artifactsFolder, key), "x");
    }
  }

  test("before anything was recorded has another cluster decided on", async () => {
    await using it = await world();
    await prepared(it);
    await damage(it);
    const scene = await prepared(it);
    await install(it.provisioner, scene);
    await destroyed(it, scene);
  });

  test.each([
    ["before anything was made", null],
    ["in the middle of an install", { command: "create cluster", at: "operators", do: "exit", code: 6 }],
  ])("%s has what was made removed, and another made", async (_what, fault) => {
    await using it = await world();
    const scene = await prepared(it);
    const first = scene.intent["infraId"];
    if (fault !== null) {
      await it.plan([fault]);
      await expect(install(it.provisioner, scene)).rejects.toMatchObject({ code: "LK5217" });
    }
    await damage(it);
    const elsewhere = { ...scene, context: { ...scene.context, workdir: join(it.path, "another-host") } };
    const made = await it.provisioner.install(lab, scene.intent, elsewhere.context);
    await it.provisioner.verify(lab, scene.intent, made.credentials, elsewhere.context);
    expect(scene.intent["infraId"]).not.toBe(first);
    expect(new Set((await it.resources()).map(({ infraID }) => infraID))).toEqual(new Set([scene.intent["infraId"]]));
    await destroyed(it, scene);
  });
});
