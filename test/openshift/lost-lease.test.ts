/**
 * A worker that was given up for dead and goes on: the artifact store cannot tell that its lease is gone. What it keeps
 * must not count, and no destroy may ever read the state of another cluster than the one that is recorded.
 */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/core/types.ts";
import type { ArtifactStore, ClaimedJob } from "../../src/ports.ts";
import { loadSnapshot, type SnapshotSource, saveSnapshot } from "../../src/provisioners/snapshot.ts";
import type { Store } from "../../src/store/open.ts";
import { work } from "../../src/work.ts";
import { type HeardContext, hearing } from "../provisioners/lab-order.ts";
import { claimOne } from "../store/seed.ts";
import { type Changed, openRecords, type Records, workerDeps } from "./hosts.ts";
import { labOf } from "./subjects.ts";
import { type World, world } from "./world.ts";

const PATIENT = { timeout: 90_000 };
const lab = await labOf("aws-standard");

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const infraIds = async (it: World): Promise<readonly string[]> => [
  ...new Set((await it.resources()).map(({ infraID }) => infraID)),
];

interface Prepared {
  readonly context: HeardContext & { recordIntent(intent: JsonObject): Promise<void> };
  intent: JsonObject;
}

async function prepared(it: World, of = lab): Promise<Prepared> {
  const context = {
    ...hearing(join(it.path, "work")),
    recordIntent: async (intent: JsonObject) => {
      scene.intent = intent;
    },
  };
  const scene: Prepared = { context, intent: {} };
  scene.intent = await it.provisioner.prepare(of, context);
  return scene;
}

/** What a late worker keeps where the lab's own state is: `change` of the files that are there. */
async function keepLate(
  it: World,
  intent: JsonObject,
  change: (path: string, content: string) => string,
): Promise<void> {
  const prefix = text(intent["snapshot"]);
  const files = await loadSnapshot(it.artifacts, prefix, text(intent["snapshotRef"]));
  const changed = [...(files ?? [])].map(([path, bytes]): [string, SnapshotSource] => [
    path,
    new TextEncoder().encode(change(path, new TextDecoder().decode(bytes))),
  ]);
  await saveSnapshot(it.artifacts, prefix, new Map(changed));
}

const other = (intent: JsonObject): string => `${text(intent["infraId"]).slice(0, -5)}zzzzz`;

describe.concurrent("what a late worker keeps", PATIENT, () => {
  test("of another cluster is neither made nor destroyed by", async () => {
    await using it = await world();
    const scene = await prepared(it);
    const infraId = text(scene.intent["infraId"]);
    await keepLate(it, scene.intent, (_path, content) => content.replaceAll(infraId, other(scene.intent)));
    const elsewhere = { ...scene.context, workdir: join(it.path, "another-host") };
    const made = await it.provisioner.install(lab, scene.intent, elsewhere);
    await it.provisioner.verify(lab, scene.intent, made.credentials, elsewhere);
    expect(await infraIds(it)).toEqual([infraId]);
    await it.provisioner.destroy(lab, scene.intent, elsewhere);
    expect(await it.resources()).toEqual([]);
  });

  test("of the same cluster, with another signing key and password, is not the one that is gone on with", async () => {
    await using it = await world();
    const manual = await labOf("aws-standard", { profile: { credentialsMode: "Manual" } });
    const scene = await prepared(it, manual);
    await it.plan([{ command: "create cluster", at: "operators", do: "exit", code: 6 }]);
    const failing = it.provisioner.install(manual, scene.intent, scene.context);
    await expect(failing).rejects.toMatchObject({ code: "LK5217" });
    const password = await readFile(join(scene.context.workdir, "cluster", "auth", "kubeadmin-password"), "utf8");
    await keepLate(it, scene.intent, (path, content) => (path.startsWith("auth/") ? "of nobody" : content));
    const elsewhere = { ...scene.context, workdir: join(it.path, "another-host") };
    const made = await it.provisioner.install(manual, scene.intent, elsewhere);
    await it.provisioner.verify(manual, scene.intent, made.credentials, elsewhere);
    expect(made.credentials.reveal("password")).toBe(password.trim());
    await it.provisioner.destroy(manual, scene.intent, elsewhere);
    expect(await it.resources()).toEqual([]);
  });

  test("of another cluster is refused also where nobody recorded which state is the lab's", async () => {
    await using it = await world();
    const scene = await prepared(it);
    const infraId = text(scene.intent["infraId"]);
    const unnamed = { ...scene.intent, snapshotRef: null };
    await keepLate(it, scene.intent, (_path, content) => content.replaceAll(infraId, other(scene.intent)));
    const installing = it.provisioner.install(lab, unnamed, scene.context);
    await expect(installing).rejects.toMatchObject({ code: "LK5203", disposition: "stop" });
    expect(await it.resources()).toEqual([]);
    await it.provisioner.install(lab, scene.intent, scene.context);
    await it.provisioner.destroy(lab, unnamed, hearing(join(it.path, "another-host")));
    expect(await it.resources()).toEqual([]);
  });

  test("is not what a destroy is told: that has the recorded infraID", async () => {
    await using it = await world();
    const scene = await prepared(it);
    await it.provisioner.install(lab, scene.intent, scene.context);
    const infraId = text(scene.intent["infraId"]);
    await keepLate(it, scene.intent, (_path, content) => content.replaceAll(infraId, other(scene.intent)));
    for (const snapshotRef of [scene.intent["snapshotRef"] ?? null, null]) {
      await it.plan([{ command: "destroy cluster", at: "start", do: "exit", code: 1 }]);
      const context = hearing(join(it.path, "another-host"));
      const failing = it.provisioner.destroy(lab, { ...scene.intent, snapshotRef }, context);
      await expect(failing).rejects.toMatchObject({ code: "LK5221" });
      const [folder = ""] = (await readdir(context.workdir)).filter((name) => name.startsWith("destroy-"));
      expect(folder).toBe(`destroy-${infraId}`);
      const told = JSON.parse(await readFile(join(context.workdir, folder, "metadata.json"), "utf8")) as JsonObject;
      expect(told["infraID"]).toBe(infraId);
    }
  });
});

describe("two workers, of which one lost its lease while it decided on a cluster", PATIENT, () => {
  test("make one cluster, the recorded one, and the destroy removes it", async () => {
    await using it = await world();
    await using at = await openRecords(it, "team-a-late");
    const slow = gate();
    const reached = gate();
    const waiting: ArtifactStore = {
      ...it.artifacts,
      put: async (key, bytes) => {
        if (key.includes("/installs/")) {
          reached.open();
          await slow.opened;
        }
        await it.artifacts.put(key, bytes);
      },
    };
    const first = await claimOne(at.store, "host-one");
    const late = doWork(it, at, first, "one", { artifacts: waiting });
    await reached.opened;
    await at.leaseEnds();
    const second = await claimOne(at.store, "host-two");
    expect(second.lab.id).toBe(first.lab.id);
    // It leaves in front of `create cluster`, so that the other one is the last to keep a state.
    let recorded = false;
    const leavingStore = {
      ...at.store,
      recordIntent: async (...call: Parameters<Store["recordIntent"]>) => {
        await at.store.recordIntent(...call);
        recorded = true;
      },
    };
    const left = await doWork(it, at, second, "two", { store: leavingStore }, () => recorded);
    expect(left).toMatchObject({ kind: "released" });
    slow.open();
    expect(await late).toBeNull();
    expect(await it.artifacts.list(`labs/${first.lab.id}/installs/001/manifests`)).toHaveLength(2);

    await at.due();
    expect(await doWork(it, at, await claimOne(at.store, "host-three"), "three")).toMatchObject({
      kind: "provisioned",
    });
    const { intent } = await at.lab();
    expect(await infraIds(it)).toEqual([intent?.["infraId"]]);
    await at.removeLab();
    expect(await doWork(it, at, await claimOne(at.store, "host-four"), "four")).toMatchObject({ kind: "destroyed" });
    expect(await it.resources()).toEqual([]);
  });
});

/** One worker's run of one job, on a host of its own; its heart does not beat. */
const doWork = (it: World, at: Records, job: ClaimedJob, host: string, changed: Changed = {}, leaving = () => false) =>
  work(workerDeps(it, at, host, changed), job, { signal: new AbortController().signal, leaving });

function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}
