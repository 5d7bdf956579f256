import { sql } from "kysely";
import type { Lease, LeaseStore } from "../ports.ts";
import { type Db, guarded } from "./connection.ts";
import { jsonb } from "./json.ts";

/** For the transaction's whole length: who would take over waits for its end. @throws LK4004 (when guarded) */
export const requireLease = async (tx: Db, { resource, token }: Lease): Promise<void> => {
  await sql`select lk_require_lease(${resource}, ${token})`.execute(tx);
};

/** Locks with a deadline by the database's clock and a token that only grows, also over a restore (promise P3). */
export const leaseStore = (db: Db): LeaseStore => ({
  acquire: (resource, holder, seconds) =>
    guarded(async () => {
      const { rows } = await sql<{ token: string }>`
        insert into leases as l (resource, holder, token, expires_at)
        values (${resource}, ${holder}, lk_next_token(null), clock_timestamp() + make_interval(secs => ${seconds}))
        on conflict (resource) do update
          set holder = excluded.holder, token = lk_next_token(l.token), expires_at = excluded.expires_at, acquired_at = clock_timestamp()
          where l.expires_at <= clock_timestamp()
        returning token
      `.execute(db);
      const [row] = rows;
      return row ? { resource, holder, token: Number(row.token) } : null;
    }),

  renew: (leases, seconds) =>
    guarded(async () => {
      if (leases.length === 0) return [];
      // In the order of their keys, like everybody who locks several.
      const { rows } = await sql<{ resource: string }>`
        with ours as (
          select l.resource from leases l
          join jsonb_to_recordset(${jsonb(leases)}::jsonb) as r(resource text, token bigint)
            on l.resource = r.resource and l.token = r.token
          where l.expires_at > clock_timestamp()
          order by l.resource collate "C" for no key update of l
        )
        update leases l set expires_at = clock_timestamp() + make_interval(secs => ${seconds})
        from ours where l.resource = ours.resource and l.expires_at > clock_timestamp()
        returning l.resource
      `.execute(db);
      const kept = new Set(rows.map(({ resource }) => resource));
      return leases.filter(({ resource }) => kept.has(resource));
    }),

  release: (lease: Lease) =>
    guarded(async () => {
      await sql`update leases set expires_at = clock_timestamp()
        where resource = ${lease.resource} and token = ${lease.token} and expires_at > clock_timestamp()`.execute(db);
    }),
});
