import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import type { RetentionStore } from "../cloud-ports.ts";
import { type Db, guarded } from "./connection.ts";
import { appendEvents } from "./events.ts";
import { requireLease } from "./leases.ts";

const FORGOTTEN = "artifacts.removed";

/** Whose artifacts nobody needs any more. That they are removed is in the lab's history and nowhere else. */
export const retentionStore = (db: Db): RetentionStore => ({
  artifactsToForget: (before, limit) =>
    guarded(async () => {
      const { rows } = await sql<{ id: string; name: string }>`
        select l.id, l.name from labs l join destroy_receipts r on r.id = l.receipt_id
        where l.state = 'destroyed' and r.created_at < ${before}
          and not exists (select 1 from receipt_checks c
            where c.receipt_id = r.id and c.observation ->> 'verdict' is distinct from 'absent')
          and not exists (select 1 from lab_events e where e.lab_id = l.id and e.event_type = ${FORGOTTEN})
        order by r.created_at, l.id limit ${limit}
      `.execute(db);
      return rows;
    }),

  recordForgotten: ({ id, name }, lease) =>
    guarded(() =>
      db.transaction().execute(async (tx) => {
        await requireLease(tx, lease);
        await appendEvents(tx, [
          {
            type: FORGOTTEN,
            source: "janitor",
            labId: id,
            lab: name,
            actor: "janitor",
            cause: null,
            correlationId: randomUUID(),
            payload: {},
          },
        ]);
      }),
    ),
});
