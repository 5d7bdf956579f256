/**
 * Every fault that a simulation knows comes about, and labkeeper tolerates it: a fault that never comes about would be a
 * defect of the simulation, however often it is set.
 */

import { setImmediate as nextTurn } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Fate, Occupation } from "../../simulate/fate.ts";
import {
  DELIVERY_FAULTS,
  FAULTS,
  type FaultKind,
  FENCED,
  GIT_FAULTS,
  GITHUB_FAULTS,
  HANGING,
  TRANSACTIONS,
} from "../../simulate/faults.ts";
import { NAMES, type Step } from "../../simulate/history.ts";
import { expectPromises } from "../../simulate/invariants.ts";
import { newProcess } from "../../simulate/labour.ts";
import { type SimulationServer, startServer } from "../../simulate/server.ts";
import { settle } from "../../simulate/settle.ts";
import { type Simulation, simulation } from "../../simulate/simulation.ts";
import { take, write } from "../../simulate/steps.ts";
import { catalogFile } from "../promises/files.ts";

let server: SimulationServer;
beforeAll(async () => {
  server = await startServer();
}, 120_000);
afterAll(() => server[Symbol.asyncDispose](), 120_000);

const isOfHost = (kind: FaultKind): boolean => /^(webhook|git|github) /.test(kind);
const isOfKilled = (kind: FaultKind): boolean => kind.startsWith("kill -9");

const fate = (kind: Fate["kind"], on?: string, at = 1): Fate => ({ kind, at, ...(on === undefined ? {} : { on }) });

/** One of each that can come over a worker, a reconciler, a janitor. */
const FATES: Readonly<Record<Occupation, readonly Fate[]>> = {
  worker: [
    fate("crash-before", "store.finish"),
    fate("crash-after", "cloud.write"),
    fate("cut", "store.finish"),
    fate("slow"),
    fate("one-connection"),
    fate("disk-full", "artifacts"),
    fate("disk-full", "secrets"),
    fate("disk-full", "workspace"),
    fate("restart-fast", "store.finish"),
    fate("restart-immediate", "provisioner.install"),
    fate("restart-crash", "provisioner.destroy"),
    ...FENCED.filter((kind) => !/^(apply|recordCheck)$/.test(kind)).map((kind) => fate("freeze", `store.${kind}`)),
    ...TRANSACTIONS.filter((kind) => !/^(apply|recordCheck)$/.test(kind)).flatMap((kind) => [
      fate("cut-in", `sql.${kind}`),
      fate("answer-lost", kind === "reserve" ? "sql.commit reserve" : `sql.${kind}`),
    ]),
    ...HANGING.map((verb) => fate("hang-drain", `provisioner.${verb}`)),
    fate("hang-limit", "provisioner.install"),
    fate("hang-cancel", "provisioner.update"),
  ],
  reconciler: [
    fate("unreadable"),
    fate("freeze", "store.apply"),
    fate("cut-in", "sql.apply", 3),
    fate("answer-lost", "sql.commit apply"),
  ],
  janitor: [
    fate("freeze", "store.recordCheck"),
    fate("cut-in", "sql.recordCheck", 2),
    fate("answer-lost", "sql.commit recordCheck"),
  ],
};

const RATES = { prepare: 0.2, install: 0.5, verify: 0.3, update: 0.6, destroy: 0.5 };
const WEATHERS = [
  {},
  { failureRate: RATES },
  { lies: { installedNothing: 0.4, residue: 0.5, unknown: 0.4 } },
  { permanentFailureRate: { install: 0.4, update: 0.4, destroy: 0.4 } },
];

const machines: readonly Step[] = [
  { do: "reconcile", processes: [[]] },
  { do: "work", processes: [[], []] },
];

/** Labs come, change and go, with everything that waits to come over them. */
const life = (number: number): readonly Step[] => {
  const labs = NAMES.slice(0, 2);
  const workers = 1 + (number % 4);
  return [
    { do: "weather", weather: WEATHERS[number % WEATHERS.length] ?? {} },
    { do: "clock jump", hours: number % 2 === 0 ? 1 : -1 },
    ...labs.map((lab): Step => ({ do: "write", lab, file: { spec: { workers } } })),
    ...machines,
    ...machines,
    ...labs.map((lab): Step => ({ do: "edit", lab, workers: workers === 1 ? 5 : 1 })),
    ...machines,
    { do: "remove", labs },
    ...machines,
    { do: "work", processes: [[], []] },
    { do: "janitor", fates: [] },
  ];
};

const MOST_LIVES = 60;
/** What came over a process may end otherwise than it was meant to, as on a busy machine: from time to time all come again. */
const AGAIN_AFTER = 8;

/** Answers what did not come about. Fails when a promise did not hold meanwhile, or at the end. */
async function live(
  sim: Simulation,
  wanted: readonly FaultKind[],
  lifeOf: (number: number) => readonly Step[],
  fatesOf: Partial<typeof FATES> = {},
): Promise<readonly FaultKind[]> {
  const missing = (): FaultKind[] => wanted.filter((kind) => !sim.faults.has(kind));
  for (let number = 0; number < MOST_LIVES && missing().length > 0; number++) {
    // One that came over a process which died of another at the same moment made no difference: it comes again.
    for (const [kind, fates] of Object.entries(fatesOf))
      if (number % AGAIN_AFTER === 0 || (sim.unmet.get(kind as Occupation)?.length ?? 0) === 0)
        sim.unmet.set(kind as Occupation, [...fates]);
    for (const step of lifeOf(number)) {
      await take(sim, step);
      await expectPromises(sim);
    }
  }
  await settle(sim);
  await expectPromises(sim);
  return missing();
}

describe("every fault comes about and loses nothing", { timeout: 300_000 }, () => {
  test("in processes, the database, disks and clouds", async () => {
    await using sim = await simulation(1, server.database, false);
    // Nothing waits for an approval: no budget, and a catalog that is never empty.
    sim.commitPolicy(catalogFile(undefined, { maxDestroys: 1_000, maxDestroyPercent: 100 }));
    write(sim, "oak", { spec: { workers: 1 } });
    const wanted = FAULTS.filter((kind) => !isOfHost(kind) && !isOfKilled(kind) && kind !== "pool exhausted");
    expect(await live(sim, wanted, life, FATES)).toEqual([]);
  });

  test("in a pool that is used up", async () => {
    await using sim = await simulation(3, server.database, false);
    const { process, store, close } = await newProcess(sim, "worker", [fate("exhausted", "sql.claim")]);
    const limits = { jobs: 9, creates: 9, createsPerTeam: 9, createsPerAccountRegion: 9 };
    const claim = store.claim({ worker: process.name, slots: 1, destroySlots: 0, leaseSeconds: 60, limits });
    while (process.unmet().length > 0) await nextTurn();
    await expect(store.nextRunIn()).rejects.toMatchObject({ code: "LK4001" });
    expect(await claim).toEqual([]);
    expect(await store.nextRunIn()).toBeNull();
    expect(sim.faults.get("pool exhausted")).toBe(1);
    await close();
  });

  test("at GitHub, in git, and on the way of deliveries", async () => {
    await using sim = await simulation(4, server.database, true);
    const pick = <T>(all: readonly T[], number: number): T => all[number % all.length] as T;
    const round = (number: number): readonly Step[] => [
      { do: "webhook fault", kind: pick(DELIVERY_FAULTS, number), times: 2 },
      { do: "git fault", kind: pick(GIT_FAULTS, number) },
      { do: "write", lab: pick(NAMES, number), file: { spec: { workers: number % 5 } } },
      { do: "bell" },
      { do: "write", lab: pick(NAMES, number + 1), file: { spec: { workers: number % 5 } } },
      { do: "talk", fault: { kind: pick(GITHUB_FAULTS, number), times: 3 } },
      { do: "reconcile", processes: [[]] },
      { do: "work", processes: [[]] },
      { do: "bell" },
      { do: "talk", fault: null },
    ];
    expect(await live(sim, FAULTS.filter(isOfHost), round)).toEqual([]);
  });

  test("in processes of their own, killed with -9 side by side", async () => {
    await using sim = await simulation(2, server.database, false);
    const round = (number: number): readonly Step[] => [
      { do: "write", lab: NAMES[number % NAMES.length] ?? "ash", file: { spec: { workers: number % 5 } } },
      {
        do: "real processes",
        processes: (["worker", "reconciler", "janitor"] as const).map((role, index) => ({
          role,
          diesAt: 3 + 2 * index,
          after: index === 1,
        })),
      },
      { do: "all at once", reconcilers: [[], []], workers: [[], []], janitors: [[], []] },
    ];
    expect(await live(sim, FAULTS.filter(isOfKilled), round)).toEqual([]);
  });
});
