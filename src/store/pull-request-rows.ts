import { type Kysely, sql } from "kysely";
import type { PullRequest, RequestPurpose, Review } from "../core/pull-request.ts";
import type { RecordedPullRequest } from "../github-ports.ts";

export interface PullRequestRow {
  readonly number: number;
  readonly title: string;
  readonly author: string;
  readonly url: string;
  readonly state: PullRequest["state"];
  readonly head_commit: string;
  readonly head_ref: string;
  readonly fork: boolean;
  readonly base_ref: string;
  readonly base_commit: string;
  readonly merge_commit: string | null;
  readonly updated_at: Date;
  readonly ended_at: Date | null;
}

/** The columns of `p`, a row of `pull_requests`. */
export const pullRequestColumns = sql`p.number, p.title, p.author, p.url, p.state, p.head_commit, p.head_ref, p.fork, p.base_ref,
  p.base_commit, p.merge_commit, p.updated_at, p.ended_at`;

export const pullRequestFromRow = (row: PullRequestRow): PullRequest => ({
  number: row.number,
  title: row.title,
  author: row.author,
  url: row.url,
  state: row.state,
  head: { commit: row.head_commit, ref: row.head_ref, fork: row.fork },
  base: { ref: row.base_ref, commit: row.base_commit },
  mergeCommit: row.merge_commit,
  updatedAt: row.updated_at,
  endedAt: row.ended_at,
});

/** Recorded pull requests `p` that meet a condition, each with its newest review, by number. */
export async function recorded(
  db: Kysely<unknown>,
  condition: ReturnType<typeof sql>,
): Promise<readonly RecordedPullRequest[]> {
  const { rows } = await sql<
    PullRequestRow & { purpose: RequestPurpose | null; ends_lab: string | null; review: Review | null }
  >`
    select ${pullRequestColumns}, p.purpose, r.body as review,
      (select o.lab_id from own_requests o where o.pull_request = p.number and o.purpose = 'expire' limit 1) as ends_lab
    from pull_requests p
    left join lateral (
      select body from reviews where pull_request = p.number order by created_at desc limit 1
    ) r on true
    where ${condition} order by p.number
  `.execute(db);
  return rows.map((row) => ({
    pullRequest: pullRequestFromRow(row),
    purpose: row.purpose,
    endsLab: row.ends_lab,
    review: row.review,
  }));
}
