import { sql } from "kysely";
import type { WebhookStore } from "../github-ports.ts";
import { WORK_CHANNEL } from "./channel.ts";
import { type Db, guarded } from "./connection.ts";

/** Calls from the host: each delivery counts once, and all it does is wake who works. */
export const webhookStore = (db: Db): WebhookStore => ({
  recordDelivery: (id, event) =>
    guarded(async () => {
      const { rows } = await sql`
        insert into webhook_deliveries (id, event) values (${id}, ${event}) on conflict do nothing returning id`.execute(
        db,
      );
      return rows.length > 0;
    }),
  wake: () =>
    guarded(async () => {
      await sql`select pg_notify(${WORK_CHANNEL}, '')`.execute(db);
    }),
  forgetDeliveries: (before) =>
    guarded(async () => {
      const { numAffectedRows } = await sql`delete from webhook_deliveries where received_at < ${before}`.execute(db);
      return Number(numAffectedRows ?? 0);
    }),
});
