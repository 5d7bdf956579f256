import { type Kysely, sql } from "kysely";
import { LabkeeperError } from "../errors.ts";
import type { ClaimedJob, ResourceNeed } from "../ports.ts";
import { type Db, guarded } from "./connection.ts";

/**
 * Reserves what a lab will take, all of it or nothing, so that two labs which each fit but not together do not both
 * start. Repeating it replaces the lab's own reservation. The supply is locked by name for the transaction.
 * @throws LK4008 (wait) when a supply does not suffice, LK4004 when the lease is lost
 */
export function reserve(db: Db, job: ClaimedJob, needs: readonly ResourceNeed[]): Promise<void> {
  return guarded(() =>
    db.transaction().execute(async (tx) => {
      await sql`select lk_require_lease(${job.lease.resource}, ${job.lease.token})`.execute(tx);
      // One order for everybody, so that two labs never wait for each other.
      const ordered = [...needs].sort((a, b) => (supplyOf(a) < supplyOf(b) ? -1 : 1));
      for (const need of ordered) {
        await sql`select pg_advisory_xact_lock(hashtextextended(${`labkeeper supply ${supplyOf(need)}`}, 0))`.execute(
          tx,
        );
        await reserveOne(tx, job, need);
      }
    }),
  );
}

const supplyOf = ({ scope, resource }: ResourceNeed): string => `${scope} ${resource}`;

async function reserveOne(tx: Kysely<unknown>, { lab }: ClaimedJob, need: ResourceNeed): Promise<void> {
  const { scope, resource, limit, used } = need;
  const { rows } = await sql<{ others: string }>`
    select coalesce(sum(amount), 0) as others from reservations
    where scope = ${scope} and resource = ${resource} and lab_id <> ${lab.id}
  `.execute(tx);
  const others = Number(rows[0]?.others ?? 0);
  if (used + others + need.need > limit) {
    throw new LabkeeperError(
      "LK4008",
      `${lab.name} needs ${need.need} of ${resource} in ${scope}: ${limit} are allowed, ${used} in use and ${others} reserved by labs that are starting`,
    );
  }
  if (need.need === 0) return;
  await sql`
    insert into reservations (lab_id, scope, resource, amount) values (${lab.id}, ${scope}, ${resource}, ${need.need})
    on conflict (lab_id, scope, resource) do update set amount = excluded.amount
  `.execute(tx);
}
