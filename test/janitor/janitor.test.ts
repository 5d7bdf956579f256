/** The janitor's rounds on a real Postgres, with a cloud that shows what the test says. */

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { CloudResource } from "../../src/cloud-ports.ts";
import type { Observation } from "../../src/core/types.ts";
import { type JanitorDeps, sweep } from "../../src/janitor.ts";
import { folderArtifacts } from "../../src/local/artifacts.ts";
import { installationId } from "../../src/local/installation.ts";
import { folderWorkspace } from "../../src/local/workspace.ts";
import type { Log, LogFields } from "../../src/log.ts";
import type { Provisioner } from "../../src/ports.ts";
import { type Role, type ServeDeps, serve } from "../../src/serve.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { aLabFile } from "../fixtures.ts";
import { absences, applyCatalog, claimOne, leader } from "../store/seed.ts";

const HOUR = 3_600_000;
const ABSENT: Observation = { verdict: "absent", evidence: ["nothing"] };
const PRESENT: Observation = { verdict: "present", evidence: ["arn:aws:ec2:us-east-1:123456789012:volume/vol-1"] };
const UNKNOWN: Observation = { verdict: "unknown", reason: "throttled" };

let database: TestDatabase;
let store: Store;
let folder: string;
/** Hours from now at which the janitor believes to be. */
let hours = 0;
let seen: Observation | Error = ABSENT;
let looks = 0;
let swept: { resources: CloudResource[]; unseen: { scope: string; reason: string }[] };

beforeEach(async () => {
  database = await createDatabase();
  store = await openStore(database.connection);
  folder = await mkdtemp(join(tmpdir(), "labkeeper-janitor-"));
  [hours, seen, looks] = [0, ABSENT, 0];
  swept = { resources: [], unseen: [] };
});
afterEach(async () => {
  await store.close();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

const never = (): never => {
  throw new Error("a janitor only looks");
};
const provisioner: Provisioner = {
  prepare: never,
  install: never,
  verify: never,
  update: never,
  destroy: never,
  observe: async () => {
    looks += 1;
    if (seen instanceof Error) throw seen;
    return seen;
  },
};

const deps = (change: Partial<JanitorDeps> = {}): JanitorDeps => ({
  store,
  provisioners: new Map([["simulated", provisioner]]),
  inventory: { observe: never, sweep: async () => swept },
  workspace: folderWorkspace(folder),
  artifacts: folderArtifacts(join(folder, "artifacts")),
  artifactRetentionDays: 30,
  clock: { now: () => new Date(Date.now() + hours * HOUR), monotonic: () => performance.now() },
  holder: "janitor-1",
  ...change,
});

/** A lab that was made and is gone, with a receipt. */
const destroyed = async (name = "a"): Promise<void> => {
  await applyCatalog(store, [aLabFile(name)]);
  const provision = await claimOne(store);
  await store.recordIntent(provision, { infraId: `${name}-x1` });
  await store.finish(provision, { kind: "provisioned", outputs: {} });
  await applyCatalog(store, []);
  await store.finish(await claimOne(store), { kind: "destroyed", receipt: absences() });
};
const state = async (): Promise<string | undefined> => (await store.labs(true))[0]?.lab.state;
const events = async (): Promise<string[]> => (await store.events("a")).map(({ type }) => type);

describe("receipts", () => {
  test("are not looked at before their time", async () => {
    await destroyed();
    hours = 23;
    expect(await sweep(deps())).toMatchObject({ confirmed: 0, residue: [] });
    expect(looks).toBe(0);
  });

  test("are confirmed after a day and after a week, once each, and leave no folder", async () => {
    await destroyed();
    for (const [at, confirmed] of [
      [25, 1],
      [26, 0],
      [24 * 8, 1],
    ] as const) {
      hours = at;
      expect(await sweep(deps())).toMatchObject({ confirmed, residue: [] });
    }
    expect((await events()).filter((type) => type === "receipt.confirmed")).toHaveLength(2);
    expect(await state()).toBe("destroyed");
    expect(await readdir(folder)).toEqual([]);
  });

  test("residue reopens the lab, which is destroyed again and needs a new receipt", async () => {
    await destroyed();
    [hours, seen] = [25, PRESENT];
    expect(await sweep(deps())).toMatchObject({ confirmed: 0, residue: ["a"] });
    const again = await claimOne(store);
    expect(again).toMatchObject({ kind: "destroy", lab: { name: "a", intent: { infraId: "a-x1" } } });
    expect(await state()).toBe("destroying");
    await store.finish(again, { kind: "destroyed", receipt: absences() });
    expect(await state()).toBe("destroyed");
    expect(await events()).toContain("lab.residue");
  });

  test.each([
    ["unknown", UNKNOWN],
    ["failed", new Error("no route to host")],
  ])("a look that is %s confirms nothing and is taken again", async (_, look) => {
    await destroyed();
    [hours, seen] = [25, look];
    expect(await sweep(deps())).toMatchObject({ confirmed: 0, residue: [] });
    expect(await sweep(deps())).toMatchObject({ confirmed: 0 });
    expect(looks).toBe(1);
    [hours, seen] = [27, ABSENT];
    expect(await sweep(deps())).toMatchObject({ confirmed: 1 });
    expect(looks).toBe(2);
  });

  test("of a provisioner that nobody registered any more stay open", async () => {
    await destroyed();
    hours = 25;
    expect(await sweep(deps({ provisioners: new Map() }))).toMatchObject({ confirmed: 0, residue: [] });
    hours = 27;
    expect(await sweep(deps())).toMatchObject({ confirmed: 1 });
  });
});

describe("artifacts", () => {
  const artifacts = () => folderArtifacts(join(folder, "artifacts"));
  const keep = async (): Promise<void> => {
    for (const { lab } of await store.labs(true)) {
      await artifacts().put(`labs/${lab.id}/state`, Buffer.from("x"));
      // As after a destroy that could not remove it.
      await artifacts().put(`labs-by-name/${lab.name}/${lab.id}/record`, Buffer.from("x"));
    }
  };
  const kept = async (): Promise<number> => (await artifacts().list("labs")).length;
  const confirm = async (): Promise<void> => {
    for (const at of [25, 24 * 8]) {
      hours = at;
      await sweep(deps());
    }
  };

  test("of a lab go when it was proven gone at every look and their time has passed, and no others", async () => {
    await destroyed("a");
    await applyCatalog(store, [aLabFile("living")]);
    await keep();
    await confirm();
    hours = 24 * 30 - 1;
    expect(await sweep(deps())).toMatchObject({ forgotten: [], unforgotten: [] });
    expect(await kept()).toBe(2);
    hours = 24 * 30 + 1;
    expect(await sweep(deps())).toMatchObject({ forgotten: ["a"], unforgotten: [] });
    const [living] = (await store.labs(false)).map(({ lab }) => lab.id);
    expect(await artifacts().list("labs")).toEqual([`labs/${living}/state`]);
    expect(await artifacts().list("labs-by-name")).toEqual([`labs-by-name/living/${living}/record`]);
    expect(await sweep(deps())).toMatchObject({ forgotten: [] });
    expect((await events()).filter((type) => type === "artifacts.removed")).toHaveLength(1);
  });

  test.each([
    ["could not be looked at", UNKNOWN],
    ["showed something", PRESENT],
  ])("of a lab that %s later are kept", async (_, look) => {
    await destroyed();
    await keep();
    [hours, seen] = [24 * 40, look];
    await sweep(deps());
    expect(await sweep(deps())).toMatchObject({ forgotten: [] });
    expect(await kept()).toBe(1);
  });

  test("that cannot be removed are told, and tried again", async () => {
    await destroyed();
    await keep();
    await confirm();
    hours = 24 * 31;
    const remove = async (): Promise<never> => {
      throw new Error("denied");
    };
    const broken = { artifacts: { list: async () => [], remove } };
    expect(await sweep(deps(broken))).toMatchObject({ forgotten: [], unforgotten: [{ lab: "a", reason: "denied" }] });
    expect(await sweep(deps())).toMatchObject({ forgotten: ["a"] });
    expect(await kept()).toBe(0);
  });

  test("are not called removed by a janitor that lost its lease", async () => {
    await destroyed();
    await confirm();
    const [old] = await store.artifactsToForget(new Date(Date.now() + 1_000), 9);
    const lease = await leader(store, "janitor");
    await store.release(lease);
    await expect(store.recordForgotten(old ?? { id: "", name: "" }, lease)).rejects.toMatchObject({ code: "LK4004" });
    expect(await events()).not.toContain("artifacts.removed");
  });
});

const MADE = new Date(Date.now() - 2 * HOUR);

const volume = (id: string, change: Partial<CloudResource> = {}): CloudResource => ({
  id: `arn:aws:ec2:us-east-1:123456789012:volume/${id}`,
  type: "ec2:volume",
  account: "default",
  region: "us-east-1",
  infraId: null,
  labId: "0198c0de-0000-7000-8000-00000000ffff",
  createdAt: MADE,
  dailyCost: 0.3,
  ...change,
});

describe("orphans", () => {
  test("are told once, with what they are; what belongs to a living lab is none", async () => {
    await applyCatalog(store, [aLabFile("a")]);
    const lab = (await store.labs(true))[0]?.lab.id ?? "";
    swept = { resources: [volume("vol-1"), volume("vol-2", { labId: lab })], unseen: [] };
    const { orphans } = await sweep(deps());
    expect(orphans).toMatchObject([{ resource: volume("vol-1"), why: "lab is unknown", state: "open" }]);
    expect((await sweep(deps())).orphans).toEqual([]);
    expect(await store.orphans(false)).toHaveLength(1);
  });

  test("are not what another labkeeper made in the same account", async () => {
    const own = await installationId(folderArtifacts(join(folder, "artifacts")));
    const theirs = { ...volume("vol-1"), installation: "0d4c7a52-6f0e-4b8e-9c39-2f6f0a1b2c3d" };
    const ours = { ...volume("vol-2"), labId: "0198c0de-0000-7000-8000-00000000000f", installation: own };
    swept = { resources: [theirs, ours], unseen: [] };
    const { orphans } = await sweep(deps({ installation: async () => own }));
    expect(orphans.map(({ resource }) => resource.id)).toEqual([ours.id]);
  });

  test("a region that could not be seen makes nothing gone, and is told", async () => {
    swept = { resources: [volume("vol-1")], unseen: [] };
    await sweep(deps());
    const blind = [{ scope: "default/us-east-1", reason: "throttled" }];
    swept = { resources: [], unseen: blind };
    expect(await sweep(deps())).toMatchObject({ unseen: blind });
    expect(await store.orphans(false)).toHaveLength(1);
    swept = { resources: [], unseen: [] };
    await sweep(deps());
    expect(await store.orphans(false)).toEqual([]);
  });

  test("are looked for by the names of all clusters that ever were", async () => {
    await destroyed("a");
    await applyCatalog(store, [aLabFile("b")]);
    const provision = await claimOne(store);
    const cluster = { account: null, clusterName: "b", baseDomain: "labs.example.com" };
    await store.recordIntent(provision, { ...cluster, infraId: "b-2", former: [{ infraId: "b-1" }] });
    let asked: unknown;
    const inventory: JanitorDeps["inventory"] = {
      observe: never,
      sweep: async (_signal, clusters) => {
        asked = clusters;
        return swept;
      },
    };
    await sweep(deps({ inventory }));
    const { id: labId } = provision.lab;
    expect(asked).toEqual(["b-1", "b-2"].map((infraId) => ({ ...cluster, infraId, labId })));
  });

  test("without a cloud there are none to look for", async () => {
    expect(await sweep(deps({ inventory: null }))).toMatchObject({ orphans: [], unseen: [] });
  });
});

describe("a round that takes longer than its lease", () => {
  /** A cloud that answers when the test says, or when it is told to stop. */
  const slowCloud = () => {
    let enter: (signal: AbortSignal) => void = never;
    let answer: (seen: typeof swept) => void = never;
    const entered = new Promise<AbortSignal>((resolve) => {
      enter = resolve;
    });
    const answered = new Promise<typeof swept>((resolve) => {
      answer = resolve;
    });
    const inventory: JanitorDeps["inventory"] = {
      observe: never,
      sweep: async (signal) => {
        if (signal === undefined) throw new Error("a sweep that nobody can stop");
        enter(signal);
        const stopped = new Promise<never>((_, reject) => {
          signal.addEventListener("abort", () => reject(new Error("the connection was cut")), { once: true });
        });
        return await Promise.race([answered, stopped]);
      },
    };
    return { inventory, entered, answer };
  };
  const PATIENT = { timeout: 30_000, interval: 50 };
  const sql = async <Row extends object>(text: string): Promise<Row[]> => {
    const client = new pg.Client(database.connection);
    await client.connect();
    try {
      return (await client.query<Row>(text)).rows;
    } finally {
      await client.end();
    }
  };

  test("keeps it, so that nobody sweeps beside it, and what it saw counts", async () => {
    const cloud = slowCloud();
    const first = sweep(deps({ inventory: cloud.inventory, leaseSeconds: 2 }));
    await cloud.entered;
    const [began] = await sql<{ expires_at: Date }>("select expires_at from leases where resource = 'janitor'");
    await vi.waitFor(async () => {
      const [row] = await sql<{ over: boolean }>(
        `select clock_timestamp() > '${began?.expires_at.toISOString()}'::timestamptz as over`,
      );
      expect(row?.over).toBe(true);
    }, PATIENT);
    expect(await store.acquire("janitor", "janitor-2", 60)).toBeNull();
    cloud.answer({ resources: [volume("vol-1")], unseen: [] });
    expect((await first).orphans).toHaveLength(1);
    // Given back in the end.
    expect(await store.acquire("janitor", "janitor-2", 60)).not.toBeNull();
  }, 60_000);

  test("ends when another has taken it, and writes nothing", async () => {
    const cloud = slowCloud();
    const first = sweep(deps({ inventory: cloud.inventory, leaseSeconds: 2 }));
    const signal = await cloud.entered;
    await sql(
      "update leases set token = token + 1, holder = 'janitor-2', expires_at = clock_timestamp() + interval '1 hour'",
    );
    await expect(first).rejects.toMatchObject({ code: "LK4004", message: expect.stringContaining("another's") });
    expect(signal.aborted).toBe(true);
    expect(await sql("select 1 from orphans")).toEqual([]);
    // Not given back: it is the other's.
    expect(await store.acquire("janitor", "janitor-3", 60)).toBeNull();
  }, 60_000);

  test("ends a beat before the lease does when it cannot be renewed, but not at the first failure", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    try {
      const cloud = slowCloud();
      const renew = async (): Promise<never> => {
        throw new Error("the database is away");
      };
      let seconds = 0;
      const clock = { now: () => new Date(), monotonic: () => seconds * 1000 };
      const first = sweep(deps({ store: { ...store, renew }, inventory: cloud.inventory, clock, leaseSeconds: 60 }));
      const outcome = expect(first).rejects.toMatchObject({
        code: "LK4004",
        message: expect.stringContaining("not renewed"),
      });
      const signal = await cloud.entered;
      const after: [seconds: number, aborted: boolean][] = [];
      for (; seconds < 60; after.push([seconds, signal.aborted])) {
        seconds += 15;
        vi.advanceTimersByTime(15_000);
      }
      expect(after).toEqual([
        [15, false],
        [30, false],
        [45, true],
        [60, true],
      ]);
      await outcome;
    } finally {
      vi.useRealTimers();
    }
  });

  test("ends with the process, not with a lost lease", async () => {
    const cloud = slowCloud();
    const leaving = new AbortController();
    const first = sweep(deps({ inventory: cloud.inventory }), leaving.signal);
    await cloud.entered;
    leaving.abort();
    await expect(first).rejects.toThrow("the connection was cut");
    expect(await store.acquire("janitor", "janitor-2", 60)).not.toBeNull();
  });
});

describe("serve", () => {
  const run = async (janitorDeps: ServeDeps["janitorDeps"]) => {
    const lines: [level: string, message: string, fields: LogFields][] = [];
    const keep = (level: string) => (fields: LogFields, message: string) => void lines.push([level, message, fields]);
    const log: Log = { debug: keep("debug"), info: keep("info"), warn: keep("warn"), error: keep("error") };
    const controller = new AbortController();
    const unused = async () => never();
    const served = serve(
      {
        log,
        onWork: unused,
        reconcileDeps: unused,
        workerDeps: unused,
        workerOptions: never,
        janitorDeps,
        conversation: async () => null,
        listen: async () => null,
      },
      { roles: new Set<Role>(["janitor"]), pollMs: 1000, sweepMs: 10, signal: controller.signal },
    );
    const said = (level: string, message: string) =>
      lines.filter(([its, words]) => its === level && words.includes(message)).map(([, , fields]) => fields);
    return {
      said,
      stop: async () => {
        controller.abort();
        await served;
      },
    };
  };

  test("with the role janitor warns of residue and of orphans, each once", async () => {
    await destroyed();
    [hours, seen] = [25, PRESENT];
    swept = { resources: [volume("vol-1")], unseen: [{ scope: "default/global", reason: "denied" }] };
    const { said, stop } = await run(async () => deps());
    await vi.waitFor(() => expect(said("debug", "round").length).toBeGreaterThan(1), { timeout: 10_000 });
    await stop();
    expect(said("warn", "still there")).toEqual([{ alert: "residue", lab: "a" }]);
    expect(said("warn", "no lab answers")).toMatchObject([
      { alert: "orphan", id: volume("vol-1").id, region: "us-east-1", why: "lab is unknown", dailyCost: 0.3 },
    ]);
    expect(said("warn", "could not be looked at")[0]).toEqual({
      alert: "unseen",
      scope: "default/global",
      reason: "denied",
    });
  });

  test("goes on after a round that failed", async () => {
    let failures = 0;
    const { said, stop } = await run(async () => {
      failures += 1;
      if (failures < 3) throw new Error("the database is away");
      return deps();
    });
    await vi.waitFor(() => expect(said("debug", "round").length).toBeGreaterThan(0), { timeout: 10_000 });
    await stop();
    expect(said("error", "failed")).toHaveLength(2);
  });
});
