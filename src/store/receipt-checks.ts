import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import type { DueCheck, ReceiptCheckStore } from "../cloud-ports.ts";
import type { Cause, Lab, Observation } from "../core/types.ts";
import type { Lease } from "../ports.ts";
import { WORK_CHANNEL } from "./channel.ts";
import { type Db, guarded } from "./connection.ts";
import { enqueue, lockJobs } from "./enqueue.ts";
import { appendEvents } from "./events.ts";
import { jsonb } from "./json.ts";
import { requireLease } from "./leases.ts";
import { type LabRow, labFromRow } from "./rows.ts";

/** Receipts that are looked at again a day and a week later, and what becomes of what is found. */
export const receiptCheckStore = (db: Db): ReceiptCheckStore => ({
  dueChecks: (now, limit) =>
    guarded(async () => {
      const { rows } = await sql<{ receipt_id: string; due_at: string; lab: LabRow }>`
        select c.receipt_id, to_jsonb(c.due_at) #>> '{}' as due_at, lk_lab(l) as lab
        from receipt_checks c
        join destroy_receipts r on r.id = c.receipt_id
        join labs l on l.id = r.lab_id and l.receipt_id = r.id and l.state = 'destroyed'
        where c.checked_at is null and c.not_before <= ${now}
        order by c.not_before limit ${limit}
      `.execute(db);
      return rows.map((row) => ({ receiptId: row.receipt_id, dueAt: row.due_at, lab: labFromRow(row.lab) }));
    }),

  recordCheck: (check, observation, now, lease) => guarded(() => recordCheck(db, check, observation, now, lease)),
});

async function recordCheck(db: Db, check: DueCheck, observation: Observation, now: Date, lease: Lease): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await requireLease(tx, lease);
    if (observation.verdict === "unknown") {
      // Not seen is not absent: the same look is taken again in an hour.
      const later = new Date(now.getTime() + 3_600_000);
      await sql`update receipt_checks set not_before = ${later}
        where receipt_id = ${check.receiptId} and due_at = ${check.dueAt}::timestamptz and checked_at is null
      `.execute(tx);
      return;
    }
    const { numAffectedRows } = await sql`
      update receipt_checks set checked_at = ${now}, observation = ${jsonb(observation)}::jsonb
      where receipt_id = ${check.receiptId} and due_at = ${check.dueAt}::timestamptz and checked_at is null
    `.execute(tx);
    if (Number(numAffectedRows ?? 0) === 0) return;
    const { lab } = check;
    const correlationId = randomUUID();
    const residue = observation.verdict === "present";
    if (residue) {
      await lockJobs(tx, [lab.id]);
      await sql`update labs set reopened = true where id = ${lab.id} and state = 'destroyed'`.execute(tx);
      await enqueue(tx, [{ labId: lab.id, kind: "destroy", cause: causeOf(lab), correlationId }]);
      await sql`select pg_notify(${WORK_CHANNEL}, '')`.execute(tx);
    }
    await appendEvents(tx, [
      {
        type: residue ? "lab.residue" : "receipt.confirmed",
        source: "janitor",
        labId: lab.id,
        lab: lab.name,
        actor: "janitor",
        cause: lab.destroyCause,
        correlationId,
        payload: { receipt: check.receiptId, due: check.dueAt, evidence: [...observation.evidence] },
      },
    ]);
  });
}

/** It is destroyed again for the reason it was destroyed for (promise P1). */
const causeOf = (lab: Lab): Cause => lab.destroyCause ?? { kind: "command", command: "destroy", actor: "janitor" };
