/** P5: ready means usable: the lab answers with the credentials that are stored. */

import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { credentials } from "../../src/core/credentials.ts";
import { LabkeeperError } from "../../src/errors.ts";
import { askPostgres } from "../../src/local/local-postgres/ask.ts";
import { localPostgresCommand } from "../../src/local/local-postgres/command.ts";
import type { SecretStore } from "../../src/ports.ts";
import { execProvisioner } from "../../src/provisioners/exec.ts";
import { hashOf } from "../../src/provisioners/simulated-cluster.ts";
import { gone, lab, labs } from "./files.ts";
import { type World, world } from "./world.ts";

async function expectNotReady(w: World, code: string): Promise<void> {
  const { state, readyAt, expiresAt, failure } = await w.lab("one");
  expect({ state, readyAt, expiresAt }).toEqual({ state: "failed", readyAt: null, expiresAt: null });
  expect(failure).toMatchObject({ code, remedy: expect.stringMatching(/./) });
  expect((await w.events("one")).map(({ type }) => type)).not.toContain("provision.completed");
}

async function recovers(w: World): Promise<void> {
  await w.hurry();
  await w.work();
  expect(await w.states()).toEqual({ one: "ready" });
  await expectUsable(w, "one");
}

/** The credentials in the store are the ones that the cluster knows. */
async function expectUsable(w: World, name: string): Promise<void> {
  const stored = await w.secrets.get(`labs/${(await w.lab(name)).id}`);
  const cluster = (await w.cloud.clusters()).find((each) => each.name === name);
  expect(cluster).toMatchObject({ state: "running", credentialsHash: stored && hashOf(stored) });
}

test("a ready lab has its credentials stored, and they fit", async () => {
  await using w = await world();
  await w.turn(labs(["one", "two"]));
  for (const name of ["one", "two"]) {
    await expectUsable(w, name);
    const { readyAt, expiresAt } = await w.lab(name);
    expect((expiresAt?.getTime() ?? 0) - (readyAt?.getTime() ?? 0)).toBe(24 * 3_600_000);
    expect((await w.detail(name)).outputs).toMatchObject({ apiUrl: expect.stringContaining(name) });
  }
});

test("an installer that says ok while nothing is there is found out", async () => {
  await using w = await world();
  w.weather = { lies: { installedNothing: 1 } };
  await w.turn(lab("one"));
  await expectNotReady(w, "LK5006");
  expect(await w.existing()).toEqual([]);
  w.weather = {};
  await recovers(w);
});

const LOSSES: readonly (readonly [string, string, (real: SecretStore) => SecretStore])[] = [
  ["loses what it is given", "LK6002", (real) => ({ ...real, put: () => Promise.resolve() })],
  ["forgets", "LK6002", (real) => ({ ...real, get: () => Promise.resolve(null) })],
  [
    "cannot be read",
    "LK6002",
    (real) => ({ ...real, get: () => Promise.reject(new LabkeeperError("LK6002", "permission denied")) }),
  ],
  [
    "cannot be written",
    "LK6002",
    (real) => ({ ...real, put: () => Promise.reject(new LabkeeperError("LK6002", "disk full")) }),
  ],
  [
    "gives back somebody else's",
    "LK5006",
    (real) => ({ ...real, get: () => Promise.resolve(credentials({ kubeconfig: "of another cluster" })) }),
  ],
];

test.each(LOSSES)("a store of secrets that %s keeps the lab from being ready", async (_, code, broken) => {
  await using w = await world();
  w.commit(lab("one"));
  await w.reconcile();
  await w.work({ secrets: broken(w.secrets) });
  await expectNotReady(w, code);
  await recovers(w);
});

test("an installer without credentials made no lab", async () => {
  await using w = await world();
  w.interfere.install = async (...call) => ({ ...(await w.real.install(...call)), credentials: credentials({}) });
  await w.turn(lab("one"));
  expect(await w.states()).toEqual({ one: "failed" });
  delete w.interfere.install;
  await recovers(w);
});

test("what is verified is what was stored, not what was in memory", async () => {
  await using w = await world();
  let seen: string | null = null;
  w.interfere.verify = (order, intent, stored, context) => {
    seen = hashOf(stored);
    return w.real.verify(order, intent, stored, context);
  };
  await w.turn(lab("one"));
  const stored = await w.secrets.get(`labs/${(await w.lab("one")).id}`);
  expect(seen).toBe(stored && hashOf(stored));
});

test("a lab that was ready stays so through a failed update, and says that it is behind", async () => {
  await using w = await world();
  await w.turn(lab("one"));
  w.weather = { permanentFailureRate: { update: 1 } };
  await w.turn(lab("one", { spec: { workers: 3 } }));
  expect(await w.lab("one")).toMatchObject({ state: "ready", failure: { code: "LK5003" } });
  await expectUsable(w, "one");
  // It came half of the way.
  expect((await w.cloud.clusters())[0]?.workers).toBeLessThan(3);
  w.weather = {};
  await w.store.retry("one", "octocat");
  await w.work();
  expect(await w.lab("one")).toMatchObject({ state: "ready", failure: null, failedDigest: null });
  expect((await w.cloud.clusters())[0]).toMatchObject({ workers: 3 });
  await expectUsable(w, "one");
});

test("a real server answers to its stored credentials when it is ready, and to nobody when it is gone", async () => {
  await using w = await world({
    provisioners: (folder) => ({
      "local-postgres": execProvisioner({
        name: "local-postgres",
        command: localPostgresCommand({ sharedDir: join(folder, "shared") }),
        environment: process.env,
      }),
    }),
  });
  // As root, Postgres runs as somebody else, who has to pass.
  await chmod(w.folder, 0o711);
  await w.turn({ ...lab("real", { spec: { profile: "local-postgres" } }), ...lab("other") });
  expect(await w.lab("real")).toMatchObject({ state: "ready", failure: null });
  const stored = await w.secrets.get(`labs/${(await w.lab("real")).id}`);
  const url = stored?.reveal("url") ?? "";
  expect(await askPostgres(url, "select 6 * 7 as answer")).toEqual([{ answer: 42 }]);
  await w.turn(gone("real"));
  expect(await w.detail("real")).toMatchObject({
    lab: { state: "destroyed" },
    receipt: { provisioner: "local-postgres" },
  });
  await expect(askPostgres(url, "select 1")).rejects.toThrow();
});

test("the database refuses ready without an intent", async () => {
  await using w = await world();
  w.commit(lab("one"));
  await w.reconcile();
  const limits = { jobs: 9, creates: 9, createsPerTeam: 9, createsPerAccountRegion: 9 };
  const [job] = await w.store.claim({ worker: "careless", slots: 1, destroySlots: 0, leaseSeconds: 60, limits });
  if (!job) throw new Error("nothing to claim");
  await expect(w.store.finish(job, { kind: "provisioned", outputs: {} })).rejects.toMatchObject({ code: "LK4005" });
});
