/** How long it usually takes: told by labs of the same profile, for whoever waits for one. */

import pg from "pg";
import { expect, test } from "vitest";
import { openStore } from "../../src/store/open.ts";
import { createDatabase } from "../database.ts";
import { aLabFile, aPolicy, aProfile } from "../fixtures.ts";
import { applyCatalog, claimAll, makeReady } from "./seed.ts";

test("the time left is foretold by the latest provisions of the same profile, by their median", async () => {
  const database = await createDatabase();
  const store = await openStore(database.connection);
  const raw = new pg.Client(database.connection);
  await raw.connect();
  try {
    const policy = aPolicy({ profiles: [aProfile("quick"), aProfile("slow")] });
    const labs = (profile: string, names: readonly string[]) =>
      names.map((name) => aLabFile(name, { spec: { profile } }));
    const old = [...labs("quick", ["a", "b", "c"]), ...labs("slow", ["d"])];
    await applyCatalog(store, old, { policy });
    await makeReady(store);
    const took = { a: 1_000, b: 2_400, c: 3_000, d: 9_000 };
    for (const [name, seconds] of Object.entries(took)) {
      await raw.query(
        `update jobs j set claimed_at = finished_at - make_interval(secs => $1) from labs l
         where l.id = j.lab_id and l.name = $2`,
        [seconds, name],
      );
    }
    await applyCatalog(store, [...old, ...labs("quick", ["new"]), ...labs("slow", ["other"])], { policy });
    await claimAll(store);
    const typical = new Map((await store.labs(false)).map(({ lab, typicalSeconds }) => [lab.name, typicalSeconds]));
    expect(typical.get("new")).toBe(2_400);
    expect(typical.get("other")).toBe(9_000);
    expect((await store.lab("new"))?.typicalSeconds).toBe(2_400);
  } finally {
    await raw.end();
    await store.close();
    await database.drop();
  }
});
