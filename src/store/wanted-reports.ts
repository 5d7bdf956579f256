import { type Kysely, type RawBuilder, sql } from "kysely";

/**
 * Makes reports due. `rows` selects (pull_request, kind, subject), with pull requests that are recorded; repeats do no
 * harm. One order for everybody, so that two processes never wait for each other.
 */
export async function wantReports(tx: Kysely<unknown>, rows: RawBuilder<unknown>): Promise<void> {
  await sql`
    insert into reports as r (pull_request, kind, subject)
    select distinct w.pull_request, w.kind, w.subject from (${rows}) w(pull_request, kind, subject) order by 1, 2, 3
    on conflict (pull_request, kind, subject) do update set
      wanted = true, mark = default, wanted_at = case when r.wanted then r.wanted_at else clock_timestamp() end
  `.execute(tx);
}

/** Everything that is said of these pull requests as they are now: the comment, the head's check, a status a lab. */
export async function wantAllReports(tx: Kysely<unknown>, pullRequests: readonly number[]): Promise<void> {
  if (pullRequests.length === 0) return;
  const these = sql`p.number = any (${pullRequests}::integer[])`;
  await wantReports(
    tx,
    sql`
      select p.number, 'comment', '' from pull_requests p where ${these}
      union all
      select p.number, 'check', p.head_commit from pull_requests p where ${these} and p.state = 'open'
      union all
      select p.number, 'status', l.lab from pull_requests p join pull_request_labs l on l.pull_request = p.number
      where ${these} and p.state = 'merged'
    `,
  );
  // What was to be said of an earlier head, or of labs that it turned out not to touch, is to be said no more.
  await sql`
    update reports r set wanted = false from pull_requests p
    where ${these} and r.pull_request = p.number and r.wanted and (
      (r.kind = 'check' and (p.state <> 'open' or r.subject <> p.head_commit))
      or (r.kind = 'status' and not exists (
        select from pull_request_labs l where l.pull_request = p.number and l.lab = r.subject)))
  `.execute(tx);
}
