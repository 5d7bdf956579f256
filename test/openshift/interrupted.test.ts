/**
 * An installer that runs while its worker has to leave, or while its lab's destroy is asked: it is told with SIGINT, given
 * the time it needs, killed with all it started if it does not end, and there is never another one beside it: the stand-in
 * itself notices that, and the end of every world asks for it.
 */

import { describe, expect, test, vi } from "vitest";
import type { Store } from "../../src/store/open.ts";
import { startWorker, type Worker, type WorkerOptions } from "../../src/worker.ts";
import { UNLIMITED } from "../store/seed.ts";
import { type Changed, openRecords, processesOf, type Records, workerDeps } from "./hosts.ts";
import { type World, world } from "./world.ts";

const PATIENT = { timeout: 120_000 };
const WAIT = { timeout: 60_000, interval: 30 };

const begin = (it: World, at: Records, host: string, changed: Changed = {}, options: Partial<WorkerOptions> = {}) =>
  startWorker(workerDeps(it, at, host, changed), {
    name: `host-${host}`,
    concurrency: 1,
    destroyConcurrency: 1,
    leaseSeconds: 6,
    heartbeatSeconds: 0.5,
    pollMs: 50,
    drainMs: 0,
    limits: UNLIMITED,
    ...options,
  });

async function stopping(worker: Worker): Promise<AsyncDisposable> {
  return { [Symbol.asyncDispose]: () => worker.stop() };
}

const stateIs = (at: Records, state: string) =>
  vi.waitFor(async () => expect((await at.lab()).state).toBe(state), WAIT);

async function logOf({ artifacts }: World, at: Records): Promise<string> {
  const keys = (await artifacts.list(`labs/${(await at.lab()).id}`)).filter((key) => key.endsWith("/log"));
  const logs = await Promise.all(keys.map((key) => artifacts.get(key)));
  return logs.map((log) => new TextDecoder().decode(log ?? new Uint8Array())).join("");
}

describe.concurrent("an installer at work", PATIENT, () => {
  test("while its worker leaves is told, waited for past its lease's time, and gone on with by another", async () => {
    await using it = await world({ env: { STANDIN_SIGINT_MS: "9000" }, deps: { gracePeriodSeconds: 30 } });
    await using at = await openRecords(it, "team-a-drain");
    await it.plan([{ command: "create cluster", at: "bootstrap", do: "hang" }]);
    const leaving = await begin(it, at, "one");
    await vi.waitFor(async () => expect(await logOf(it, at)).toContain("bootstrapping to complete"), WAIT);
    const before = await at.lab();
    // Ready to take the job from the first moment on: only the lease keeps it away.
    await using _other = await stopping(await begin(it, at, "two"));
    await leaving.stop();
    expect(await logOf(it, at)).toContain("Received interrupt signal");
    expect(await logOf(it, at)).toContain("has completed operations");
    await stateIs(at, "ready");
    expect((await at.lab()).intent?.["infraId"]).toBe(before.intent?.["infraId"]);
    const { rows } = await at.raw.query("select 1 from lab_events where event_type = 'provision.released'");
    expect(rows).toHaveLength(1);
    await at.removeLab();
    await stateIs(at, "destroyed");
    expect(await it.resources()).toEqual([]);
  });

  test("that takes its time to end is killed before its worker's lease ends, when that cannot be renewed", async () => {
    await using it = await world({ deps: { gracePeriodSeconds: 60 } });
    await using at = await openRecords(it, "team-a-deaf-drain");
    await it.plan([{ command: "create cluster", at: "infrastructure", do: "ignore-signals" }]);
    let cut = false;
    const store: Store = {
      ...at.store,
      renew: async (...call) => {
        if (cut) throw new Error("the database does not answer");
        return await at.store.renew(...call);
      },
    };
    const lease = { leaseSeconds: 20, heartbeatSeconds: 5 };
    const leaving = await begin(it, at, "one", { store }, lease);
    await vi.waitFor(async () => expect(await processesOf(it.path, "standin-controller")).toHaveLength(1), WAIT);
    cut = true;
    const left = leaving.stop();
    await using _other = await stopping(await begin(it, at, "two", {}, lease));
    await left;
    expect(await processesOf(it.path, "standin-controller")).toEqual([]);
    await stateIs(at, "ready");
    await at.removeLab();
    await stateIs(at, "destroyed");
  });

  test("when its lab's destroy is asked is told and waited for, and only then the lab is destroyed", async () => {
    await using it = await world({ env: { STANDIN_SIGINT_MS: "3000" }, deps: { gracePeriodSeconds: 30 } });
    await using at = await openRecords(it, "team-a-cancel");
    await it.plan([{ command: "create cluster", at: "bootstrap", do: "hang" }]);
    await using _worker = await stopping(await begin(it, at, "one"));
    await vi.waitFor(async () => expect(await logOf(it, at)).toContain("bootstrapping to complete"), WAIT);
    await at.removeLab();
    await stateIs(at, "destroyed");
    const log = await logOf(it, at);
    const told = ["Received interrupt signal", "has completed operations", "Uninstallation complete"];
    const places = told.map((line) => log.indexOf(line));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places[0]).toBeGreaterThan(-1);
    expect(await it.resources()).toEqual([]);
    expect((await at.raw.query("select 1 from destroy_receipts")).rowCount).toBe(1);
    const { rows } = await at.raw.query("select kind, state from jobs order by id");
    expect(rows).toEqual([
      { kind: "provision", state: "cancelled" },
      { kind: "destroy", state: "succeeded" },
    ]);
  });

  test("that hears no signal is killed with all it started when its time is over, and the lab is destroyed", async () => {
    await using it = await world({ deps: { gracePeriodSeconds: 1 } });
    await using at = await openRecords(it, "team-a-deaf");
    await it.plan([{ command: "create cluster", at: "infrastructure", do: "ignore-signals" }]);
    await using _worker = await stopping(await begin(it, at, "one"));
    await vi.waitFor(async () => expect(await processesOf(it.path, "standin-controller")).toHaveLength(1), WAIT);
    await at.removeLab();
    await stateIs(at, "destroyed");
    expect(await processesOf(it.path, "standin-controller")).toEqual([]);
    expect(await processesOf(it.path)).toEqual([]);
    expect(await it.resources()).toEqual([]);
  });

  test("whose worker was killed is stopped by the next on this host, before that destroys", async () => {
    await using it = await world({ deps: { gracePeriodSeconds: 30 } });
    await using at = await openRecords(it, "team-a-stray");
    await it.plan([{ command: "create cluster", at: "bootstrap", do: "hang" }]);
    // Its lease ends without its knowing, and it is gone: what a kill -9 leaves, an installer with a record beside it.
    const lost = await begin(it, at, "one", {}, { heartbeatSeconds: 3_600, leaseSeconds: 3_600 });
    await vi.waitFor(async () => expect(await logOf(it, at)).toContain("bootstrapping to complete"), WAIT);
    expect(await processesOf(it.path)).toHaveLength(1);
    await at.leaseEnds();
    await at.removeLab();
    await using _next = await stopping(await begin(it, at, "one"));
    await stateIs(at, "destroyed");
    expect(await logOf(it, at)).toMatch(
      /stopping process \d+, left by an earlier run of openshift-install create cluster/,
    );
    expect(await it.resources()).toEqual([]);
    await lost.stop();
  });
});
