/** Ten thousand labs in one commit, and their removal in another: queued or held, with bounded queries and memory. */

import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { gone, labs, names } from "../promises/files.ts";
import { type World, world } from "../promises/world.ts";

const MANY = 10_000;
const FEW = 100;
/** Room for the parsed catalog, its plan and what goes to the database at once; a leak for each lab would not fit. */
const MOST_BYTES = 600 * 1024 * 1024;

/** How many queries the work sends, whoever sends them. */
async function queriesOf(work: () => Promise<unknown>): Promise<number> {
  const { query } = pg.Client.prototype;
  let count = 0;
  pg.Client.prototype.query = function (this: pg.Client, ...given: never[]) {
    count++;
    return Reflect.apply(query, this, given);
  } as typeof query;
  try {
    await work();
  } finally {
    pg.Client.prototype.query = query;
  }
  return count;
}

let w: World;
beforeAll(async () => {
  w = await world({ files: labs(names("few", FEW)) });
});
afterAll(async () => await w[Symbol.asyncDispose]());

const counts = async (): Promise<object | undefined> => {
  const [row] = await w.sql<object>(`select (select count(*)::int from labs) as labs,
    (select count(*)::int from labs where destroy_cause is not null or leaving_since is not null) as leaving,
    (select count(*)::int from jobs where state = 'queued' and kind = 'provision') as queued,
    (select count(*)::int from jobs where kind = 'destroy') as destroys`);
  return row;
};

test("ten thousand creates are queued in as many queries as a hundred, and the queue hands them out bounded", async () => {
  const few = await queriesOf(() => w.reconcile());
  w.commit(labs(names("many", MANY)));
  const before = process.memoryUsage().heapUsed;
  let peak = 0;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().heapUsed);
  }, 50);
  const many = await queriesOf(() => w.reconcile());
  clearInterval(watch);
  expect(await counts()).toEqual({ labs: MANY + FEW, leaving: 0, queued: MANY + FEW, destroys: 0 });
  expect(many).toBeLessThanOrEqual(few + 5);
  expect(Math.max(peak, process.memoryUsage().heapUsed) - before).toBeLessThan(MOST_BYTES);

  const running = await w.sql("select 1 from jobs where state = 'running'");
  expect(running).toEqual([]);
  const worker = await w.worker({
    concurrency: 3,
    limits: { jobs: 3, creates: 2, createsPerTeam: 2, createsPerAccountRegion: 2 },
  });
  await expect.poll(async () => (await w.existing()).length, { timeout: 60_000 }).toBeGreaterThan(5);
  const [most] = await w.sql<{ running: number }>("select count(*)::int as running from jobs where state = 'running'");
  await worker.stop();
  expect(most?.running).toBeLessThanOrEqual(3);
}, 300_000);

test("their removal in one commit is held, all of it, and nothing is destroyed", async () => {
  w.commit(gone(...names("many", MANY)));
  const queries = await queriesOf(() => w.reconcile());
  expect(queries).toBeLessThan(60);
  expect(await counts()).toMatchObject({ labs: MANY + FEW, leaving: 0, destroys: 0 });
  const [held] = await w.sql("select guard, count(*)::int as labs from holds where state = 'open' group by guard");
  expect(held).toEqual({ guard: "destroy-budget", labs: MANY });
}, 300_000);
