import { sql } from "kysely";
import { type Db, guarded } from "./connection.ts";

/** Those of these lab ids that were never recorded here. */
export const unknownLabs = (db: Db, ids: readonly string[]): Promise<readonly string[]> =>
  guarded(async () => {
    const { rows } = await sql<{ id: string }>`
      select g.id from unnest(${ids}::uuid[]) as g(id) where not exists (select from labs l where l.id = g.id)
    `.execute(db);
    return rows.map(({ id }) => id);
  });
