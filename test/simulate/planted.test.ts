/** A simulation that cannot fail proves nothing: defects of the product, planted in its database, are found and made small. */

import pg from "pg";
import { describe, expect, test } from "vitest";
import { type History, historyOf } from "../../simulate/history.ts";
import { play, type Ran } from "../../simulate/run.ts";
import type { NewDatabase } from "../../simulate/server.ts";
import { simplest } from "../../simulate/simplest.ts";
import { createDatabase } from "../database.ts";

/** The product with a defect: a function of its database that is called before rows are written. */
const planted =
  (table: string, defect: string, ...before: readonly string[]): NewDatabase =>
  async () => {
    const database = await createDatabase();
    const client = new pg.Client(database.connection);
    await client.connect();
    const body = `create function planted() returns trigger language plpgsql as $$ begin ${defect} return new; end $$`;
    const trigger = `create trigger planted before insert or update on ${table} for each row execute function planted()`;
    for (const sql of [...before, body, trigger]) await client.query(sql);
    await client.end();
    return database;
  };

const FORGETS_A_LOOK = planted(
  "destroy_receipts",
  "new.observations := new.observations - 0;",
  "alter table destroy_receipts drop constraint receipt_is_two_absences",
);
const ENDS_BY_ANOTHER_COMMIT = planted(
  "labs",
  `if new.destroy_cause ->> 'kind' = 'commit' then
     new.destroy_cause := jsonb_set(new.destroy_cause, '{commit}', to_jsonb(repeat('0', 40)));
   end if;`,
);
const FORGETS_WHAT_IT_MAKES = planted(
  "labs",
  `if new.intent ->> 'infraID' is not null then
     new.intent := jsonb_set(new.intent, '{infraID}', '"another-abcde"');
   end if;`,
);

/** The first seed from 1 that fails, among the first so many. */
async function found(
  newDatabase: NewDatabase,
  runs: number,
): Promise<{ readonly history: History; readonly ran: Ran }> {
  for (let seed = 1; seed <= runs; seed++) {
    const history = historyOf(seed, { steps: 25, realProcesses: false });
    const ran = await play(history, newDatabase);
    if (ran.violation !== null) return { history, ran };
  }
  throw new Error(`nothing failed in ${runs} runs`);
}

describe("a planted defect", () => {
  test.each([
    ["a receipt that says less than was seen", "P4", FORGETS_A_LOOK],
    ["an end by a commit that nobody merged", "P1", ENDS_BY_ANOTHER_COMMIT],
  ])("is found: %s", { timeout: 180_000 }, async (_, promise, newDatabase) => {
    const { ran } = await found(newDatabase, 12);
    expect(ran.violation?.promise).toBe(promise);
  });

  test("is made small, its values too", { timeout: 180_000 }, async () => {
    const { history, ran } = await found(FORGETS_WHAT_IT_MAKES, 12);
    expect(ran.violation?.promise).toBe("P2");
    const small = await simplest(
      history,
      ran,
      (candidate) => play(candidate, FORGETS_WHAT_IT_MAKES),
      () => false,
    );
    expect(small.ran.violation?.promise).toBe("P2");
    expect(small.history).toEqual({
      seed: history.seed,
      hosted: false,
      steps: [
        {
          do: "write",
          lab: "ash",
          file: { team: "team-a", ending: "yaml", spec: { profile: "quick", workers: 0, ttlHours: 24 } },
        },
      ],
    });
  });
});
