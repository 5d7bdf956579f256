import { sql } from "kysely";
import type { Application } from "./application.ts";
import { appendEvents } from "./events.ts";

/** Tells, once, of labs whose expiry is nearer than their profile's warning. Raising `ttlHours` starts it over. */
export async function warnOfExpiry({ tx, correlationId }: Application, now: Date): Promise<void> {
  const { rows } = await sql<{ id: string; name: string; expires_at: Date }>`
    with near as (
      select l.id from labs l join policies p on p.digest = l.policy_digest
      where l.current and l.live and l.expires_at is not null and l.warned_at is null and l.destroy_cause is null
        and l.expires_at <= ${now}::timestamptz + make_interval(secs => (p.spec -> 'lifecycle' ->> 'warnBeforeDestroyHours')::numeric * 3600)
      order by l.id for no key update of l
    )
    update labs l set warned_at = ${now} from near where l.id = near.id
    returning l.id, l.name, l.expires_at
  `.execute(tx);
  await appendEvents(
    tx,
    rows.map(({ id, name, expires_at: expiresAt }) => ({
      type: "lab.expiring",
      source: "reconciler" as const,
      labId: id,
      lab: name,
      actor: "reconciler",
      cause: { kind: "expired" as const, expiresAt: expiresAt.toISOString() },
      correlationId,
      payload: { expiresAt: expiresAt.toISOString() },
    })),
  );
}
