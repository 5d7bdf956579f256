import { type Kysely, sql } from "kysely";
import type { Durations } from "../core/pull-request.ts";

/** How many of the latest provisions of a profile tell how long the next one takes. */
const LATEST = 50;

/** Seconds from claim to end of the latest provisions by profile; profiles without history are left out. */
export async function durations(db: Kysely<unknown>, profiles: readonly string[]): Promise<readonly Durations[]> {
  if (profiles.length === 0) return [];
  const { rows } = await sql<{ profile: string; count: string; p50: number; p90: number }>`
    select profile, count(*) as count,
      percentile_cont(0.5) within group (order by seconds) as p50,
      percentile_cont(0.9) within group (order by seconds) as p90
    from (
      select l.spec ->> 'profile' as profile, extract(epoch from j.finished_at - j.claimed_at)::float8 as seconds,
        row_number() over (partition by l.spec ->> 'profile' order by j.finished_at desc) as age
      from jobs j join labs l on l.id = j.lab_id
      where j.kind = 'provision' and j.state = 'succeeded' and l.spec ->> 'profile' = any (${profiles}::text[])
    ) latest
    where age <= ${LATEST} group by profile order by profile
  `.execute(db);
  return rows.map(({ count, ...row }) => ({ ...row, count: Number(count) }));
}
