import { sql } from "kysely";
import pg from "pg";
import type { LivedLab } from "../core/rehearsal.ts";
import type { JobKind } from "../core/types.ts";
import type { RehearsalStore } from "../rehearsal-ports.ts";
import { type Connection, connect, guarded } from "./connection.ts";

/** Its functions stand before Postgres's own, so that every time the schema asks for is the rehearsal's. */
const CLOCK = `
  create schema rehearsal;
  create table rehearsal.present (at timestamptz not null);
  insert into rehearsal.present values ('epoch');
  create function rehearsal.clock_timestamp() returns timestamptz language sql volatile as 'select at from rehearsal.present';
  create function rehearsal.now() returns timestamptz language sql volatile as 'select at from rehearsal.present';
`;

/** Gives a new, empty database a clock that is set by hand. To be done before it is migrated; for throw-away databases. */
export async function takeOverClock(connection: Connection, database: string): Promise<void> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    await client.query(CLOCK);
    await client.query(
      `alter database ${pg.escapeIdentifier(database)} set search_path = public, rehearsal, pg_catalog`,
    );
  } finally {
    await client.end();
  }
}

interface LivedRow {
  readonly name: string;
  readonly team: string;
  readonly workers: number;
  readonly profile: LivedLab["profile"];
  readonly begun: Date | null;
  readonly ready: Date | null;
  readonly gone: Date | null;
  readonly updates: number;
}

/** Opens a database whose clock was taken over. */
export function rehearsalStore(connection: Connection): RehearsalStore & AsyncDisposable {
  const { db, close } = connect(connection, { max: 2, name: "labkeeper-rehearsal" });
  return {
    setTime: (at) =>
      guarded(async () => {
        await sql`update rehearsal.present set at = ${at}`.execute(db);
      }),
    runnableSince: (jobs) =>
      guarded(async () => {
        const { rows } = await sql<{ id: string; at: Date }>`
          select id, greatest(created_at, run_at) as at from jobs where id = any (${jobs}::uuid[])`.execute(db);
        return new Map(rows.map(({ id, at }) => [id, at]));
      }),
    nextMoment: () =>
      guarded(async () => {
        const { rows } = await sql<{ at: Date | null }>`
          select date_trunc('milliseconds', min(at)) + interval '1 millisecond' as at from (
            select run_at as at from jobs where state = 'queued'
            union all select leaving_until from labs where live and leaving_until is not null
            union all select expires_at from labs where live and current and expires_at is not null
          ) moments where at > clock_timestamp()`.execute(db);
        return rows[0]?.at ?? null;
      }),
    lived: () =>
      guarded(async () => {
        const { rows } = await sql<LivedRow>`
          select l.name, l.team, (l.spec ->> 'workers')::int as workers, p.spec as profile,
            (select min(e."timestamp") from lab_events e where e.lab_id = l.id and e.event_type = 'intent.recorded') as begun,
            (select min(e."timestamp") from lab_events e where e.lab_id = l.id and e.event_type = 'provision.completed') as ready,
            (select max(e."timestamp") from lab_events e where e.lab_id = l.id and e.event_type = 'destroy.completed') as gone,
            (select count(*)::int from lab_events e where e.lab_id = l.id and e.event_type = 'update.completed') as updates
          from labs l join policies p on p.digest = l.policy_digest order by l.created_at, l.name`.execute(db);
        return rows;
      }),
    failures: () =>
      guarded(async () => {
        const { rows } = await sql<{ job: JobKind; code: string; count: number }>`
          select split_part(event_type, '.', 1) as job, payload #>> '{failure,code}' as code, count(*)::int as count
          from lab_events where event_type ~ '\\.(failed|dead)$' and payload ? 'failure' group by 1, 2 order by 3 desc, 1, 2`.execute(
          db,
        );
        return rows;
      }),
    [Symbol.asyncDispose]: close,
  };
}
