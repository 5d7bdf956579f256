import { type Kysely, sql } from "kysely";
import { only } from "./rows.ts";
import { wantReports } from "./wanted-reports.ts";

/**
 * Looks at each event once, whenever its transaction commits: the cursor is a snapshot, and what that did not see is new.
 * Whoever looks at the same time waits for the cursor's row and then sees what the other one left.
 */
export async function noteEvents(tx: Kysely<unknown>): Promise<void> {
  // A database that was restored elsewhere counts its transactions anew: then the stored snapshot means nothing.
  const { rows: cursor } = await sql<{ seen: string }>`
    select case when pg_snapshot_xmax(seen) > pg_snapshot_xmax(pg_current_snapshot()) then '1:1:' else seen::text end as seen
    from report_cursor for update`.execute(tx);
  const { seen } = only(cursor);
  // One statement, so that the events it reads are those of the snapshot it stores.
  const { rows: news } = await sql<{ lab_id: string | null; lab: string; expiring: boolean }>`
    with moved as (update report_cursor set seen = pg_current_snapshot())
    select lab_id, lab, bool_or(event_type = 'lab.expiring') as expiring from lab_events
    where xact >= pg_snapshot_xmin(${seen}::pg_snapshot) and not pg_visible_in_snapshot(xact, ${seen}::pg_snapshot)
      and xact < pg_snapshot_xmax(pg_current_snapshot())
      and lab is not null and event_type <> 'credentials.read'
    group by lab_id, lab
  `.execute(tx);
  if (news.length === 0) return;
  const labs = news.map(({ lab }) => lab);
  const labIds = news.map(({ lab_id }) => lab_id);
  const touched = sql`
    select l.pull_request, l.lab
    from unnest(${labs}::text[], ${labIds}::uuid[]) as n(lab, lab_id)
    join pull_request_labs l on l.lab = n.lab and (l.lab_id = n.lab_id or l.lab_id is null or n.lab_id is null)
    join pull_requests p on p.number = l.pull_request and p.state = 'merged'`;
  const expiring = news.flatMap(({ lab_id, expiring: soon }) => (soon && lab_id !== null ? [lab_id] : []));
  await wantReports(
    tx,
    sql`
      select pull_request, 'comment', '' from (${touched}) t
      union all
      select pull_request, 'status', lab from (${touched}) t
      union all
      ${latestOf(expiring)}
    `,
  );
}

/** Where the end of a lab is told: on the pull request merged last of those that made or changed it. */
const latestOf = (labIds: readonly string[]) => sql`
  select x.pull_request, 'expiry', b.id::text
  from labs b cross join lateral (
    select l.pull_request from pull_request_labs l join pull_requests p on p.number = l.pull_request
    where l.lab = b.name and l.action <> 'destroy' and p.state = 'merged'
      and (l.lab_id = b.id or (l.lab_id is null and b.created_at > p.ended_at - interval '2 minutes'))
    order by p.ended_at desc, p.number desc limit 1
  ) x
  where b.id = any (${labIds}::uuid[])`;
