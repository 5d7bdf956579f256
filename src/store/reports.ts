import { sql } from "kysely";
import type { ReportKind } from "../core/pull-request.ts";
import type { DueReport, ReportStore } from "../github-ports.ts";
import { board } from "./board.ts";
import { commandAnswers } from "./comment-commands.ts";
import { type Db, guarded } from "./connection.ts";
import { storable } from "./json.ts";
import { type PullRequestRow, pullRequestColumns, pullRequestFromRow } from "./pull-request-rows.ts";
import { noteEvents } from "./report-events.ts";
import { latestReview } from "./reviews.ts";

/** What is said at the host, and whether it may be behind. */
export const reportStore = (db: Db): ReportStore => ({
  noteEvents: () => guarded(() => db.transaction().execute((tx) => noteEvents(tx))),
  dueReports: (now, progressSeconds, limit) => guarded(() => dueReports(db, now, progressSeconds, limit)),
  board: (pullRequest) => guarded(() => board(db, pullRequest)),
  commandAnswers: (pullRequest) => guarded(() => commandAnswers(db, pullRequest)),
  review: (pullRequest) => guarded(() => latestReview(db, pullRequest)),

  recordSent: ({ pullRequest, kind, subject, mark }, { remoteId, digest, at, notBefore }) =>
    guarded(async () => {
      await sql`
        update reports set wanted = mark <> ${mark}::bigint, remote_id = ${remoteId}, sent_digest = ${digest}, sent_at = ${at},
          next_at = ${notBefore}, failures = 0, last_error = null
        where pull_request = ${pullRequest.number} and kind = ${kind} and subject = ${subject}
      `.execute(db);
    }),
  recordFailure: ({ pullRequest, kind, subject }, error, retryAt) =>
    guarded(async () => {
      await sql`
        update reports set wanted = true, next_at = ${retryAt}, failures = failures + 1, last_error = ${storable(error)}
        where pull_request = ${pullRequest.number} and kind = ${kind} and subject = ${subject}
      `.execute(db);
    }),
  backlog: () =>
    guarded(async () => {
      const { rows } = await sql<{ waiting: string; failing: string; last_error: string | null }>`
        select count(*) as waiting, count(*) filter (where failures > 0) as failing,
          (array_agg(last_error order by next_at desc) filter (where failures > 0))[1] as last_error
        from reports where wanted
      `.execute(db);
      const [row] = rows;
      return {
        waiting: Number(row?.waiting ?? 0),
        failing: Number(row?.failing ?? 0),
        lastError: row?.last_error ?? null,
      };
    }),
});

interface DueRow extends PullRequestRow {
  readonly kind: ReportKind;
  readonly subject: string;
  readonly remote_id: string | null;
  readonly sent_digest: string | null;
  readonly failures: number;
  readonly mark: string;
}

/** How far back in the queue places are told anew as it moves; further back they wait until they come nearer. */
const NEAR_THE_FRONT = 500;

/** A board moves while jobs of its labs wait or run, which makes no events: it is told anew every so often. */
async function dueReports(db: Db, now: Date, progressSeconds: number, limit: number): Promise<readonly DueReport[]> {
  const told = new Date(now.getTime() - progressSeconds * 1000);
  const { rows } = await sql<DueRow>`
    with at_work as (
      select lab_id from jobs where state = 'running'
      union all
      (select lab_id from jobs where state = 'queued' order by lane, run_at, id limit ${NEAR_THE_FRONT})
    ),
    due as (
      select r.pull_request, r.kind, r.subject, r.wanted_at as since from reports r where r.wanted and r.next_at <= ${now}
      union
      select r.pull_request, r.kind, r.subject, r.sent_at
      from at_work j
      join labs b on b.id = j.lab_id
      join pull_request_labs l on l.lab = b.name and (l.lab_id = b.id or l.lab_id is null)
      join pull_requests p on p.number = l.pull_request and p.state = 'merged'
      join reports r on r.pull_request = l.pull_request
        and (r.kind = 'comment' or (r.kind = 'status' and r.subject = l.lab))
      where not r.wanted and r.sent_at <= ${told} and r.next_at <= ${now}
    )
    select r.kind, r.subject, r.remote_id, r.sent_digest, r.failures, r.mark, ${pullRequestColumns}
    from due d
    join reports r using (pull_request, kind, subject)
    join pull_requests p on p.number = r.pull_request
    -- Where writes are few, a thousand statuses of one pull request and everybody's comments take turns.
    order by row_number() over (partition by r.kind = 'status' order by d.since, r.kind, r.pull_request, r.subject),
      r.kind = 'status' limit ${limit}
  `.execute(db);
  return rows.map((row) => ({
    pullRequest: pullRequestFromRow(row),
    kind: row.kind,
    subject: row.subject,
    remoteId: row.remote_id === null ? null : Number(row.remote_id),
    sentDigest: row.sent_digest,
    failures: row.failures,
    mark: row.mark,
  }));
}
