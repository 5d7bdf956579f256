import { type Kysely, sql } from "kysely";
import type { Cause, JsonObject } from "../core/types.ts";
import { jsonb } from "./json.ts";

export interface NewEvent {
  readonly type: string;
  readonly source: "reconciler" | "worker" | "command" | "janitor";
  readonly labId: string | null;
  readonly lab: string | null;
  readonly actor: string;
  readonly cause: Cause | null;
  readonly correlationId: string;
  /** Carries `state` whenever the lab's state changed in this transaction; the database insists. */
  readonly payload: JsonObject;
}

/** Appends events in one statement, in the transaction of the change they tell of (promise P11). */
export async function appendEvents(tx: Kysely<unknown>, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  await sql`
    insert into lab_events (event_type, source, lab_id, lab, actor, cause, correlation_id, payload)
    select r.type, r.source, r."labId", r.lab, r.actor, nullif(r.cause, 'null'), r."correlationId", r.payload
    from jsonb_to_recordset(${jsonb(events)}::jsonb)
      as r(type text, source text, "labId" uuid, lab text, actor text, cause jsonb, "correlationId" uuid, payload jsonb)
  `.execute(tx);
}
