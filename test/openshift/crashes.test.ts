/**
 * kill -9 of the worker at every step boundary of provision and destroy, and in the middle of what the installer does;
 * then another worker. Promises: nothing exists that is not recorded (P2), never two installers (P3), destroyed is
 * proven (P4), every history converges (P6), and no secret anywhere it must not be (P9).
 */

import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/core/types.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import { work } from "../../src/work.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { aLabFile, aPolicy, aProfile } from "../fixtures.ts";
import { applyCatalog, UNLIMITED } from "../store/seed.ts";
import { workerDeps } from "./hosts.ts";
import { type Ended, run } from "./run-binary.ts";
import { shippedProfile } from "./subjects.ts";
import { type Fault, PULL_SECRET, type World, world } from "./world.ts";

const shipped = await shippedProfile("aws-standard");
const lifecycle = { ...shipped.spec.lifecycle, deletionGraceHours: 0 };
const profile = aProfile("aws-standard", { ...shipped.spec, lifecycle });
const policy = aPolicy({ profiles: [profile] });
const file = aLabFile("team-a-crash", { spec: { profile: "aws-standard" } });
const cache = await mkdtemp(join(tmpdir(), "labkeeper-compiled-"));
afterAll(() => rm(cache, { recursive: true, force: true }));
const WORKER = fileURLToPath(new URL("crashing-worker.ts", import.meta.url));

interface Scene extends AsyncDisposable {
  readonly it: World;
  readonly store: Store;
  readonly raw: pg.Client;
  readonly database: TestDatabase;
  /** A worker's whole life; `host` is which one it runs on. */
  worker(crashAt?: string, host?: string): Promise<Ended>;
  /** One that is not killed; it needs no process of its own for that. */
  survivor(host: string): Promise<void>;
  lab(): Promise<{ id: string; state: string; intent: JsonObject | null }>;
}

async function scene(faults: readonly Fault[] = []): Promise<Scene> {
  const it = await world({ env: { STANDIN_PACE_MS: "5" } });
  const output: string[] = [];
  await it.plan(faults);
  const database = await createDatabase();
  const store = await openStore(database.connection, { max: 2 });
  const raw = new pg.Client(database.connection);
  await raw.connect();
  await applyCatalog(store, [file], { policy });
  return {
    it,
    store,
    raw,
    database,
    worker: async (crashAt = "", host = "one") => {
      const ended = await run(process.execPath, ["--no-warnings", WORKER], {
        CRASH_AT: crashAt,
        DATABASE_URL: database.url,
        WORLD: it.path,
        HOST: host,
        // Compiling the same sources for each worker would take most of the time.
        NODE_COMPILE_CACHE: cache,
      });
      output.push(ended.stdout, ended.stderr);
      return ended;
    },
    survivor: async (host) => {
      const [job] = await store.claim({
        worker: `host-${host}`,
        slots: 1,
        destroySlots: 1,
        leaseSeconds: 60,
        limits: UNLIMITED,
      });
      const control = { signal: new AbortController().signal, leaving: () => false };
      if (job !== undefined) output.push(JSON.stringify(await work(workerDeps(it, { store }, host), job, control)));
    },
    lab: async () => {
      const { rows } = await raw.query("select id, state, intent from labs");
      return rows[0] as { id: string; state: string; intent: JsonObject | null };
    },
    [Symbol.asyncDispose]: async () => {
      try {
        await it.expectNoLeak({ database: raw, said: { "the workers' output": output.join("\n") } });
      } finally {
        await raw.end();
        await store.close();
        await database.drop();
        await it[Symbol.asyncDispose]();
      }
    },
  };
}

/** At every moment at which nobody works: what P2, P3 and P4 say of it. */
async function expectPromises({ it, lab, raw }: Scene): Promise<void> {
  const { intent, state } = await lab();
  const resources = await it.resources();
  // P2: what exists in the cloud is what the database knows of.
  const former = (intent?.["former"] ?? []) as JsonObject[];
  const known = [intent, ...former].map((record) => record?.["infraId"]);
  for (const { infraID } of resources) expect(known).toContain(infraID);
  // P3: one job is somebody's at most. That two programs were never at work at once is asked at the world's end.
  const { rows } = await raw.query(`select
    (select count(*)::int from jobs where state = 'running') as running,
    (select count(*)::int from destroy_receipts) as receipts,
    (select count(*)::int from labs where state = 'destroyed' and receipt_id is null) as unproven`);
  const [{ running, receipts, unproven }] = rows as [{ running: number; receipts: number; unproven: number }];
  expect(running).toBeLessThanOrEqual(1);
  // P4: nothing is called destroyed but by its receipt, and then it is.
  expect({ receipts, unproven }).toEqual({ receipts: state === "destroyed" ? 1 : 0, unproven: 0 });
  if (state === "destroyed") expect(resources).toEqual([]);
}

/** Process ids of installers that work in this world now, by what the kernel says. */
async function installers(path: string): Promise<readonly number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  const ours = (line: string): boolean => line.includes("standins/openshift-install") && line.includes(path);
  return pids.filter((_, index) => ours(lines[index] ?? "")).map(Number);
}

/** A host that is gone takes its processes along. */
async function hostDies(path: string): Promise<void> {
  for (const pid of await installers(path)) process.kill(pid, "SIGKILL");
}

/** What a lost worker's lease does by itself within a minute. */
const leaseEnds = ({ raw }: Scene): Promise<unknown> =>
  raw.query("update leases set expires_at = clock_timestamp() - interval '1 second'");

/** Lets workers work until the lab is where it should be; every failed attempt is tried again at once. */
async function converge(at: Scene, state: string, host: string): Promise<void> {
  for (let round = 0; round < 4; round++) {
    await leaseEnds(at);
    await at.raw.query("update jobs set run_at = now() where state = 'queued'");
    await at.survivor(host);
    await expectPromises(at);
    if ((await at.lab()).state === state) return;
  }
  expect((await at.lab()).state).toBe(state);
}

/** `in`: recorded as begun. `before`: the one before is done, which nobody has recorded. */
const PROVISION = [
  "in preflight",
  "before record-intent",
  "in record-intent",
  "kept manifest",
  "before the intent",
  "after the intent",
  "in install",
  "kept infrastructure",
  "kept bootstrap",
  "kept initialize",
  "kept complete",
  "before store-credentials",
  "in store-credentials",
  "before verify",
  "in verify",
  "before finish",
  "after finish",
];
const DESTROY = [
  "in destroy",
  "at destroying the cluster",
  "before observe",
  "in observe",
  "before clean-up",
  "in clean-up",
  "before finish",
  "after finish",
];

const POINTS = PROVISION.map((at, index): readonly [string, string, string] => [
  at,
  DESTROY[index % DESTROY.length] ?? "",
  index % 2 === 1 ? "two" : "one",
]);

describe.concurrent("a worker that is killed", { timeout: 120_000 }, () => {
  test.each(POINTS)(
    "%s and, destroying, %s leaves a lab that another, on host %s, brings to its end",
    async (provisionAt, destroyAt, host) => {
      await using at = await scene();
      const killed = await at.worker(provisionAt);
      expect(killed, killed.stderr).toMatchObject({ signal: "SIGKILL" });
      await expectPromises(at);
      if (host === "two") await hostDies(at.it.path);
      await converge(at, "ready", host);
      expect(await installers(at.it.path)).toEqual([]);
      const { id } = await at.lab();
      const stored = await at.it.secrets.get(`labs/${id}`);
      expect(stored?.names).toContain("kubeconfig");

      await applyCatalog(at.store, [], { policy });
      const killedAgain = await at.worker(destroyAt);
      expect(killedAgain, killedAgain.stderr).toMatchObject({ signal: "SIGKILL" });
      await expectPromises(at);
      if (destroyAt !== "after finish") expect((await at.lab()).state).not.toBe("destroyed");
      if (host === "two") await hostDies(at.it.path);
      // Back to the first host: what it had of the lab is from before.
      await converge(at, "destroyed", "one");
      expect(await at.it.secrets.get(`labs/${id}`)).toBeNull();
      expect(await installers(at.it.path)).toEqual([]);
    },
  );

  test("while an installer goes on without it never has two of them", async () => {
    await using at = await scene([{ command: "create cluster", at: "bootstrap", do: "hang" }]);
    const killed = await at.worker("kept bootstrap");
    expect(killed).toMatchObject({ signal: "SIGKILL" });
    expect(await installers(at.it.path)).toHaveLength(1);
    await leaseEnds(at);
    await converge(at, "ready", "one");
    expect(await installers(at.it.path)).toEqual([]);
    await applyCatalog(at.store, [], { policy });
    await converge(at, "destroyed", "two");
    expect(await at.it.resources()).toEqual([]);
  });
});

describe("secrets", { timeout: 120_000 }, () => {
  test("are nowhere that they must not be, whatever the installer prints and however it fails", async () => {
    await using at = await scene([
      { command: "create manifests", at: "end", do: "secrets" },
      { command: "create cluster", at: "infrastructure", do: "secrets" },
      {
        command: "create cluster",
        at: "bootstrap",
        do: "exit",
        code: 5,
        log: [`level=error msg="pull: ${PULL_SECRET.replaceAll('"', '\\"')}"`],
      },
      { command: "create cluster", at: "operators", do: "secrets" },
    ]);
    const arguments_: string[] = [];
    const watching = setInterval(() => {
      commandLines().then(
        (lines) => arguments_.push(...lines),
        () => undefined,
      );
    }, 25);
    for (let round = 0; round < 3 && (await at.lab()).state !== "ready"; round++) {
      await at.raw.query("update jobs set run_at = now() where state = 'queued'");
      await at.worker();
    }
    const { id, state } = await at.lab();
    expect(state).toBe("ready");
    // Made by another process: what is read here is looked for.
    expect((await at.it.secrets.get(`labs/${id}`))?.names).toEqual(expect.arrayContaining(["kubeconfig", "password"]));
    await applyCatalog(at.store, [], { policy });
    await at.worker();
    clearInterval(watching);
    expect((await at.lab()).state).toBe("destroyed");

    const { rows } = await at.raw.query("select 1 from lab_events where event_type = 'intent.recorded'");
    expect(rows).not.toEqual([]);
    const keys = (await at.it.artifacts.list("")).filter((name) => /\/log$|\.log$|\/failures\//.test(name));
    const logs = await Promise.all(keys.map(async (name) => Buffer.from((await at.it.artifacts.get(name)) ?? [])));
    expect(Buffer.concat(logs).toString("utf8")).toContain("Login to the console with user");
    expect(arguments_.join("\n")).toContain("create\0cluster");
    await at.it.expectNoLeak({ database: at.raw, said: { "process arguments as the kernel has them": arguments_ } });
  });
});

async function commandLines(): Promise<readonly string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return lines.filter((line) => /openshift|ccoctl|crashing-worker/.test(line));
}
