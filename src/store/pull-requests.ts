import { type Kysely, sql } from "kysely";
import type { PullRequest } from "../core/pull-request.ts";
import type { PullRequestStore } from "../github-ports.ts";
import { type Db, guarded } from "./connection.ts";
import { durations } from "./durations.ts";
import { jsonb } from "./json.ts";
import { recorded } from "./pull-request-rows.ts";
import { lastUsed, liveLabsByProfile } from "./review-facts.ts";
import { recordReview } from "./reviews.ts";
import { wantAllReports } from "./wanted-reports.ts";

/** Pull requests as the host tells them, with the plans that were made for them. */
export const pullRequestStore = (db: Db): PullRequestStore => ({
  recordPullRequests: (seen) => guarded(() => db.transaction().execute((tx) => record(tx, seen))),
  openPullRequests: () => guarded(() => recorded(db, sql`p.state = 'open'`)),
  openNumbers: () =>
    guarded(async () => {
      const { rows } = await sql<{ number: number }>`
        select number from pull_requests where state = 'open' order by number`.execute(db);
      return rows.map(({ number }) => number);
    }),
  unreviewedMerges: () => guarded(() => recorded(db, sql`p.unexplained`)),
  recordReview: (review, touched, afterMerge) =>
    guarded(() => db.transaction().execute((tx) => recordReview(tx, review, touched, afterMerge))),

  cursor: (name) =>
    guarded(async () => {
      const { rows } = await sql<{ value: Date }>`select value from host_cursors where name = ${name}`.execute(db);
      return rows[0]?.value ?? null;
    }),
  setCursor: (name, value) =>
    guarded(async () => {
      await sql`insert into host_cursors (name, value) values (${name}, ${value})
        on conflict (name) do update set value = excluded.value`.execute(db);
    }),

  durations: (profiles) => guarded(() => durations(db, profiles)),
  lastUsed: (labIds) => guarded(() => lastUsed(db, labIds)),
  liveLabsByProfile: (profiles) => guarded(() => liveLabsByProfile(db, profiles)),
});

/**
 * An answer that is older than what is recorded changes nothing, and what was merged is never asked about again. One
 * seen for the first time when it had ended already is nobody's news: something is said on it once it is reviewed.
 */
async function record(tx: Kysely<unknown>, seen: readonly PullRequest[]): Promise<void> {
  if (seen.length === 0) return;
  const newest = new Map<number, PullRequest>();
  for (const each of seen) {
    const other = newest.get(each.number);
    if (other === undefined || other.updatedAt.getTime() <= each.updatedAt.getTime()) newest.set(each.number, each);
  }
  const rows = [...newest.values()].map(({ head, base, mergeCommit, updatedAt, endedAt, ...rest }) => ({
    ...rest,
    head_commit: head.commit,
    head_ref: head.ref,
    fork: head.fork,
    base_ref: base.ref,
    base_commit: base.commit,
    merge_commit: rest.state === "merged" ? mergeCommit : null,
    updated_at: updatedAt,
    ended_at: rest.state === "open" ? null : (endedAt ?? updatedAt),
  }));
  const { rows: moved } = await sql<{ number: number; told: boolean }>`
    with seen as (
      select * from jsonb_to_recordset(${jsonb(rows)}::jsonb) as s(number integer, title text, author text, url text, state text,
        head_commit text, head_ref text, fork boolean, base_ref text, base_commit text, merge_commit text,
        updated_at timestamptz, ended_at timestamptz)
    ),
    before as (select p.number, p.title, p.state, p.head_commit from pull_requests p join seen using (number)),
    written as (
      insert into pull_requests as p (number, title, author, url, state, head_commit, head_ref, fork, base_ref, base_commit,
        merge_commit, purpose, updated_at, ended_at)
      select number, title, author, url, state, head_commit, head_ref, fork, base_ref, base_commit, merge_commit,
        (select o.purpose from own_requests o where o.pull_request = s.number limit 1), updated_at, ended_at
      from seen s order by number
      on conflict (number) do update set
        title = excluded.title, author = excluded.author, url = excluded.url, state = excluded.state,
        head_commit = excluded.head_commit, head_ref = excluded.head_ref, fork = excluded.fork,
        base_ref = excluded.base_ref, base_commit = excluded.base_commit, merge_commit = excluded.merge_commit,
        updated_at = excluded.updated_at, ended_at = excluded.ended_at, recorded_at = now(),
        reviews_pruned = p.reviews_pruned and excluded.state <> 'open'
        where p.state <> 'merged' and p.updated_at <= excluded.updated_at
      returning p.number, p.title, p.state, p.head_commit
    )
    select w.number, w.state = 'open' or b.number is not null as told
    from written w left join before b on b.number = w.number
    where b.number is null or (b.title, b.state, b.head_commit) is distinct from (w.title, w.state, w.head_commit)
  `.execute(tx);
  await wantAllReports(
    tx,
    moved.filter(({ told }) => told).map(({ number }) => number),
  );
}
