/** kill -9 of a real process at every boundary: of a cycle, and of each step of each kind of job. */

import { describe, expect, test } from "vitest";
import { gone, lab, labs, names } from "../promises/files.ts";
import { type World, world } from "../promises/world.ts";
import { endLeases, type Members, members } from "./members.ts";

const TIME = { timeout: 240_000 };

const around = (calls: readonly string[]): string[] => calls.flatMap((call) => [`before ${call}`, `after ${call}`]);

/** What a plan leaves in the records. */
const applied = async (w: World): Promise<object> => ({
  commit: (await w.store.revision())?.commit ?? null,
  labs: (await w.sql<{ name: string }>("select name from labs order by name")).map(({ name }) => name),
  jobs: (await w.sql<{ n: number }>("select count(*)::int as n from jobs"))[0]?.n,
  events: (await w.sql<{ n: number }>("select count(*)::int as n from lab_events"))[0]?.n,
});

describe("a reconciler that is killed", TIME, () => {
  const POINTS = around(["revision", "compare", "acquire", "apply", "release"]);

  test("at any call of a cycle has applied all of its plan or nothing, and the next one goes on", async () => {
    await using w = await world({ guards: { maxDestroys: 99, maxDestroyPercent: 100 } });
    await using m = members(w);
    await w.turn(labs(names("old", POINTS.length)));
    for (const [index, point] of POINTS.entries()) {
      const before = await applied(w);
      const old = names("old", POINTS.length)[index] ?? "";
      const commit = w.commit({ ...lab(`new-${index}`), ...lab(`more-${index}`), ...gone(old) });
      expect(await m.start({ role: "reconcile", diesAt: point }).ended, point).toBe("SIGKILL");

      const after = await applied(w);
      const done = ["after apply", "before release", "after release"].includes(point);
      if (done) expect(after, point).toMatchObject({ commit });
      else expect(after, point).toEqual(before);
      await endLeases(w);
      await w.reconcile();
      const whole = await applied(w);
      if (done) expect(whole, point).toEqual(after);
      expect(whole, point).toMatchObject({ commit, labs: expect.arrayContaining([`new-${index}`, `more-${index}`]) });
    }
    await w.work();
    const { plan } = await w.reconcile();
    expect(plan.changes.filter(({ action }) => action !== "keep")).toEqual([]);
    const made = POINTS.flatMap((_, index) => [`more-${index}`, `new-${index}`]);
    expect(await w.existing()).toEqual(made.sort());
    await expectMadeOnce(w, [...made, ...names("old", POINTS.length)]);
  });

  test("in the middle of applying has applied nothing", async () => {
    await using w = await world();
    await using m = members(w);
    await w.turn(lab("one"));
    w.commit(lab("two"));
    const before = await applied(w);
    // Applying comes as far as its first event, and waits there for whoever holds the table.
    const holding = w.sql("do $$ begin lock table lab_events in exclusive mode; perform pg_sleep(60); end $$ -- held");
    const held = holding.catch((error: unknown) => error);
    const waits = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    const reconciler = m.start({ role: "reconcile" });
    await expect.poll(async () => (await w.sql(waits)).length, { timeout: 30_000 }).toBe(1);
    reconciler.kill("SIGKILL");
    expect(await reconciler.ended).toBe("SIGKILL");
    await w.sql(
      "select pg_cancel_backend(pid) from pg_stat_activity where query like '%-- held' and pid <> pg_backend_pid() and datname = current_database()",
    );
    expect(await held).toMatchObject({ code: "57014" });
    await expect.poll(async () => (await w.sql(waits)).length, { timeout: 10_000 }).toBe(0);
    expect(await applied(w)).toEqual(before);
    await endLeases(w);
    await w.turn();
    expect(await w.existing()).toEqual(["one", "two"]);
  });
});

describe("a worker that is killed", TIME, () => {
  /** One process for each point, one lab for each process. Each dies there, and nowhere else. */
  async function killed(m: Members, points: readonly string[]): Promise<void> {
    const waiting = [...points];
    const one = async (): Promise<void> => {
      for (let point = waiting.shift(); point !== undefined; point = waiting.shift())
        expect([point, await m.start({ role: "work", diesAt: point }).ended]).toEqual([point, "SIGKILL"]);
    };
    await Promise.all([one(), one(), one()]);
  }

  test("at any boundary of a provision leaves what the next one makes one cluster of", async () => {
    const points = [
      "after claim",
      ...around([
        "beginStep preflight",
        "beginStep record-intent",
        "prepare",
        "recordIntent",
        "remember",
        "beginStep install",
        "install",
      ]),
      ...around(["beginStep store-credentials", "put", "beginStep verify", "verify", "finish"]),
    ];
    await using w = await world();
    await using m = members(w);
    const all = names("lab", points.length);
    w.commit(labs(all));
    await w.reconcile();
    await killed(m, points);
    await expectRecorded(w);
    await endLeases(w);
    await w.work();
    expect(await w.existing()).toEqual(all);
    expect(Object.values(await w.states())).toEqual(all.map(() => "ready"));
    await expectMadeOnce(w, all);
    await expectRecorded(w);
    expect(w.errors).toEqual([]);
  });

  test("at any boundary of an update leaves it for the next one", async () => {
    const points = ["after claim", ...around(["beginStep apply", "update", "finish"])];
    await using w = await world();
    await using m = members(w);
    const all = names("lab", points.length);
    await w.turn(labs(all));
    w.commit(labs(all, { spec: { workers: 3 } }));
    await w.reconcile();
    await killed(m, points);
    await endLeases(w);
    await w.work();
    expect((await w.cloud.clusters()).map(({ workers, state }) => ({ workers, state }))).toEqual(
      all.map(() => ({ workers: 3, state: "running" })),
    );
    expect(Object.values(await w.states())).toEqual(all.map(() => "ready"));
    await expectMadeOnce(w, all);
  });

  test("at any boundary of a destroy leaves it for the next one, and nobody believes it too early", async () => {
    const points = [
      "after claim",
      ...around([
        "beginStep destroy",
        "destroy",
        "beginStep observe",
        "observe",
        "beginStep clean-up",
        "remove",
        "finish",
      ]),
    ];
    await using w = await world({ guards: { maxDestroys: 99, maxDestroyPercent: 100 } });
    await using m = members(w);
    const all = names("lab", points.length);
    await w.turn(labs([...all, "stays"]));
    w.commit(gone(...all));
    await w.reconcile();
    await killed(m, points);
    const early = await w.sql(
      "select name from labs l where state = 'destroyed' and not exists (select 1 from destroy_receipts r where r.lab_id = l.id)",
    );
    expect(early).toEqual([]);
    await endLeases(w);
    await w.work();
    expect(await w.existing()).toEqual(["stays"]);
    for (const name of all)
      expect(await w.detail(name)).toMatchObject({ lab: { state: "destroyed" }, receipt: expect.anything() });
  });
});

/** P2: whatever exists is recorded. */
async function expectRecorded(w: World): Promise<void> {
  const intents = await w.sql<{ id: string }>("select intent ->> 'infraID' as id from labs where intent is not null");
  const recorded = intents.map(({ id }) => id);
  expect((await w.cloud.clusters()).filter(({ infraID }) => !recorded.includes(infraID))).toEqual([]);
}

/** By the cloud's own journal: one cluster a lab, however often it was said to be created. */
async function expectMadeOnce(w: World, all: readonly string[]): Promise<void> {
  const journal = await w.cloud.journal();
  for (const name of all) {
    const ids = new Set(journal.filter(({ lab: of }) => of === name).map(({ infraID }) => infraID));
    expect([name, ids.size]).toEqual([name, 1]);
  }
}
