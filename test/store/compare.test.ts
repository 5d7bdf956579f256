/** What the database leaves out of a comparison must never matter: the narrow plan is the plan over everything. */

import fc from "fast-check";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Change, DesiredFile } from "../../src/core/types.ts";
import type { DesiredChanges } from "../../src/ports.ts";
import { openStore, type Store } from "../../src/store/open.ts";
import { createDatabase, type TestDatabase } from "../database.ts";
import { aLabFile, aPolicy, aProfile, aRefusedFile, commitNumber, planOf, wholeCatalog } from "../fixtures.ts";
import { absences, applyCatalog, claimAll } from "./seed.ts";

let database: TestDatabase;
let store: Store;
let raw: pg.Client;

beforeAll(async () => {
  database = await createDatabase();
  store = await openStore(database.connection);
  raw = new pg.Client(database.connection);
  await raw.connect();
});
afterAll(async () => {
  await raw.end();
  await store.close();
  await database.drop();
});

const graceful = aProfile("graceful", { lifecycle: { ...aProfile().spec.lifecycle, deletionGraceHours: 1 } });
const policy = aPolicy({ profiles: [aProfile(), graceful] });
const NAMES = ["a", "b", "c", "d", "e"];

type Edit = {
  readonly name: string;
  readonly kind: "write" | "move" | "break" | "remove" | "copy";
  readonly workers: number;
  readonly grace: boolean;
};
const edit: fc.Arbitrary<Edit> = fc.record({
  name: fc.constantFrom(...NAMES),
  kind: fc.constantFrom("write", "write", "write", "move", "break", "remove", "copy"),
  workers: fc.nat({ max: 2 }),
  grace: fc.boolean(),
});
type World = "nothing" | "work" | "fail" | "expire" | "grace-over";
const turn = fc.record({
  edits: fc.array(edit, { maxLength: 3 }),
  world: fc.constantFrom<World[]>("nothing", "work", "work", "fail", "expire", "grace-over"),
});

/** The catalog as a set of files by path; answers the paths that an edit touched. */
function change(files: Map<string, DesiredFile>, { name, kind, workers, grace }: Edit): string[] {
  const spec = { profile: grace ? "graceful" : "simulated", workers };
  const path = `labs/team-a/${name}.yaml`;
  const elsewhere = `labs/team-b/${name}.yaml`;
  switch (kind) {
    case "write":
      files.set(path, aLabFile(name, { spec }));
      return [path];
    case "move": {
      const file = files.get(path);
      if (!file) return [];
      files.delete(path);
      files.set(`labs/team-a/${name}.yml`, { ...file, path: `labs/team-a/${name}.yml` });
      return [path, `labs/team-a/${name}.yml`];
    }
    case "break":
      files.set(path, aRefusedFile(name, [name, NAMES[workers] ?? name]));
      return [path];
    case "copy":
      files.set(elsewhere, aLabFile(name, { spec, team: "team-b" }));
      return [elsewhere];
    case "remove": {
      const paths = [path, elsewhere, `labs/team-a/${name}.yml`].filter((candidate) => files.delete(candidate));
      return paths;
    }
  }
}

/** What the world does between two cycles. */
async function happen(world: World): Promise<void> {
  if (world === "expire")
    await raw.query("update labs set expires_at = now() - interval '1 second' where expires_at is not null and live");
  if (world === "grace-over")
    await raw.query("update labs set leaving_until = now() - interval '1 second' where leaving_until is not null");
  if (world !== "work" && world !== "fail") return;
  for (const job of await claimAll(store)) {
    const failure = { code: "LK5003", message: "m", remedy: "r", step: null, attempt: 1, at: "", retryAt: null };
    if (job.kind === "destroy") await store.finish(job, { kind: "destroyed", receipt: absences() });
    else if (world === "fail") await store.finish(job, { kind: "dead", failure, timedOut: false });
    else {
      await store.recordIntent(job, {});
      await store.finish(
        job,
        job.kind === "provision" ? { kind: "provisioned", outputs: {} } : { kind: "updated", outputs: {} },
      );
    }
  }
}

const effective = (changes: readonly Change[]) =>
  changes
    .filter(({ operation }) => operation.kind !== "none")
    .map(({ lab, action, reason, operation }) => ({ lab, action, reason, kind: operation.kind }));

test("incremental and complete comparisons give one plan, through any history, and plans converge", async () => {
  let cycle = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(turn, { minLength: 1, maxLength: 8 }), async (turns) => {
      await happen("work");
      await applyCatalog(store, wholeCatalog([], commitNumber(++cycle)), { policy });
      await happen("grace-over");
      await applyCatalog(store, wholeCatalog([], commitNumber(++cycle)), { policy });
      await happen("work");
      await applyCatalog(store, wholeCatalog([], commitNumber(++cycle)), { policy });

      const files = new Map<string, DesiredFile>();
      for (const { edits, world } of turns) {
        const touched = new Set(edits.flatMap((one) => change(files, one)));
        cycle += 1;
        const changes: DesiredChanges = {
          ...wholeCatalog(
            [...touched].flatMap((path) => files.get(path) ?? []),
            commitNumber(cycle),
          ),
          removed: [...touched].filter((path) => !files.has(path)),
          complete: false,
        };
        const whole = wholeCatalog([...files.values()], commitNumber(cycle));
        const now = new Date();
        const narrow = planOf((await store.compare(changes, now, 24)).comparisons, { policy, now });
        const full = planOf((await store.compare(whole, now, 24)).comparisons, { policy, now });
        expect(effective(narrow.changes)).toEqual(effective(full.changes));
        expect(narrow.hash).toBe(full.hash);
        const { skipped } = await applyCatalog(store, changes, { policy, now });
        expect(skipped).toEqual([]);
        const settled = await applyCatalog(store, { ...changes, files: [], removed: [] }, { policy, now });
        expect(effective(settled.plan.changes)).toEqual([]);
        await happen(world);
      }
    }),
    { numRuns: 25, seed: 20, endOnFailure: true },
  );
}, 60_000);

test("a comparison keeps nothing of what it was shown", async () => {
  const { comparisons } = await store.compare(wholeCatalog([aLabFile("z")]), new Date(), 24);
  expect(comparisons.map(({ name }) => name)).toContain("z");
  expect((await raw.query("select 1 from desired_labs where name = 'z'")).rowCount).toBe(0);
});

test("ten thousand creates in one commit are queued, not lost", async () => {
  const many = Array.from({ length: 10_000 }, (_, i) => aLabFile(`many-${i}`));
  const { enqueued, skipped } = await applyCatalog(store, wholeCatalog(many, commitNumber(1_000_000)), { policy });
  expect(enqueued).toBeGreaterThanOrEqual(10_000);
  expect(skipped).toEqual([]);
  const again = await applyCatalog(
    store,
    { ...wholeCatalog([], commitNumber(1_000_000)), complete: false },
    { policy },
  );
  expect(again).toMatchObject({ enqueued: 0, plan: { changes: [] } });
}, 60_000);
