import { randomUUID } from "node:crypto";
import { type Kysely, sql } from "kysely";
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

  pruneReviews: (before, limit) => guarded(() => db.transaction().execute((tx) => pruneReviews(tx, before, limit))),

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

/**
 * Which plans may go is the database's own rule (`lk_review_is_needed`). Pull requests on which something is still open
 * are looked at again; of the others nothing is ever asked for again. Older plans go first, so that none outlives the one
 * that took its word back.
 */
async function pruneReviews(tx: Kysely<unknown>, before: Date, limit: number): Promise<number> {
  const { rows: ended } = await sql<{ number: number }>`
    select p.number from pull_requests p
    where p.state <> 'open' and not p.reviews_pruned and p.ended_at < least(${before}::timestamptz, now() - interval '1 day')
      and not exists (
        select from pull_request_labs l join holds h on h.lab = l.lab and h.state = 'open' where l.pull_request = p.number)
      and not exists (
        select from reviews r join reviewed_destroys d on d.review_id = r.id join labs b on b.id = d.lab_id
        where r.pull_request = p.number and r.head_commit = p.head_commit and p.state = 'merged' and b.state <> 'destroyed')
    order by p.ended_at, p.number limit ${limit} for no key update of p skip locked
  `.execute(tx);
  const numbers = ended.map(({ number }) => number);
  if (numbers.length === 0) return 0;
  const { rows: gone } = await sql<{ id: string }>`
    select r.id from reviews r where r.pull_request = any (${numbers}::integer[]) and not lk_review_is_needed(r)
    order by r.created_at`.execute(tx);
  const ids = gone.map(({ id }) => id);
  await sql`delete from reviewed_destroys where review_id = any (${ids}::uuid[])`.execute(tx);
  await sql`delete from reviews where id = any (${ids}::uuid[])`.execute(tx);
  await sql`update pull_requests set reviews_pruned = true where number = any (${numbers}::integer[])`.execute(tx);
  return ids.length;
}
