/** Labs that kill the process which works on them, beside others in the same process, with real processes. */

import { expect, test } from "vitest";
import { gone, labs, names } from "../promises/files.ts";
import { type World, world } from "../promises/world.ts";
import { endLeases, type Member, members } from "./members.ts";

const TIME = { timeout: 600_000 };
const PATIENT = { timeout: 120_000, interval: 50 };

const slow = { slow: { platformConfig: { simulated: { latencySeconds: { install: 1.5 } } } } };

/** The most that was ever said of a job when it was taken up. */
const worst = async (w: World, name: string): Promise<{ readonly suspicion: number; readonly recoveries: number }> => {
  const [row] = await w.sql<{ suspicion: number; recoveries: number }>(
    `select max((payload ->> 'suspicion')::int) as suspicion, max((payload ->> 'recoveries')::int) as recoveries
    from lab_events where lab = $1 and source = 'worker'`,
    [name],
  );
  return row ?? { suspicion: -1, recoveries: -1 };
};

/** Starts one process after the other until one lives to see that nothing is left to do; answers it and how many died. */
async function survivor(w: World, start: () => Member): Promise<{ readonly deaths: number; readonly last: Member }> {
  for (let deaths = 0; deaths < 25; deaths++) {
    const worker = start();
    const idle = expect
      .poll(async () => (await w.sql("select 1 from jobs where state in ('queued', 'running')")).length, PATIENT)
      .toBe(0)
      .then(() => "idle");
    idle.catch(() => undefined);
    if ((await Promise.race([worker.ended, idle])) === "idle") return { deaths, last: worker };
    expect(await worker.ended).toBe("SIGKILL");
    await endLeases(w);
  }
  throw new Error("processes die on and on");
}

test(
  "a lab that kills each process is given up with an alert, and its neighbours are made",
  async () => {
    const poison = ["poison"];
    await using w = await world({ profiles: slow });
    await using m = members(w);
    const neighbours = names("lab", 5);
    w.commit(labs([...poison, ...neighbours], { spec: { profile: "slow" } }));
    await w.reconcile();
    const order = { role: "work" as const, concurrency: 8, poison, fuseMs: 300 };
    const { deaths, last } = await survivor(w, () => m.start(order));

    expect(await w.states()).toEqual(
      Object.fromEntries([
        ...neighbours.map((name) => [name, "ready"]),
        ...poison.map((name) => [name, "failed_permanent"]),
      ]),
    );
    expect(deaths).toBeGreaterThanOrEqual(6);
    expect(deaths).toBeLessThanOrEqual(10 * poison.length);
    // All of them lost a worker more than once, and only what killed it was ever more than suspected.
    for (const name of neighbours) {
      const { suspicion, recoveries } = await worst(w, name);
      expect([name, recoveries >= 2, suspicion <= 2]).toEqual([name, true, true]);
    }
    for (const name of poison) {
      expect(await w.lab(name)).toMatchObject({
        failure: { code: "LK5010", retryAt: null, remedy: expect.stringContaining(`labkeeper retry ${name}`) },
      });
    }
    expect(await last.stop()).toBe(0);
    const alerts = m.log().filter(({ alert }) => alert !== undefined);
    expect(alerts.map(({ alert, lab, level }) => [alert, lab, level]).sort()).toEqual(
      poison.map((name) => ["quarantined", name, "error"]),
    );
    // Once mended it is made like any other.
    await w.store.retry("poison", "octocat");
    await w.work();
    expect(await w.states()).toMatchObject({ poison: "ready" });
  },
  TIME.timeout,
);

test(
  "a destroy that kills each process is told of and tried again for ever, with the others destroyed",
  TIME,
  async () => {
    await using w = await world({ guards: { maxDestroys: 99, maxDestroyPercent: 100 } });
    await using m = members(w);
    await w.turn(labs(["poison", "one", "two", "stays"]));
    w.commit(gone("poison", "one", "two"));
    await w.reconcile();
    const order = { role: "work", concurrency: 8, poison: ["poison"] } as const;
    const due = "update jobs set run_at = clock_timestamp() where state = 'queued'";
    const waits = "select 1 from jobs where state = 'queued' and failure ->> 'code' = 'LK5010' and attempt = $1";
    let deaths = 0;
    for (const rounds of [1, 2]) {
      for (let told = false; !told; ) {
        const worker = m.start(order);
        const calm = expect
          .poll(async () => [await w.states(), (await w.sql(waits, [rounds])).length], PATIENT)
          .toEqual([{ poison: "destroy_failed", stays: "ready" }, 1]);
        const how = await Promise.race([worker.ended, calm.then(() => "calm")]);
        calm.catch(() => undefined);
        if (how === "calm") {
          told = true;
          expect(await worker.stop()).toBe(0);
        } else {
          deaths += 1;
          // What the first deaths lead to is the same for every kind of job.
          if (rounds === 1 && deaths === 2) await w.sql("update jobs set suspicion = 4 where suspicion = 1");
          expect(deaths).toBeLessThan(15);
          await endLeases(w);
        }
      }
      expect(m.log().filter(({ alert, lab }) => alert === "quarantined" && lab === "poison")).toHaveLength(rounds);
      // The second time one death is enough.
      if (rounds === 1) deaths = 0;
      else expect(deaths).toBe(1);
      await w.sql(due);
    }
    await w.work();
    expect(await w.existing()).toEqual(["stays"]);
    expect(await w.detail("poison")).toMatchObject({ lab: { state: "destroyed" }, receipt: expect.anything() });
  },
);
