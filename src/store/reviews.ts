import { type Kysely, sql } from "kysely";
import type { Review } from "../core/pull-request.ts";
import type { TouchedLab } from "../github-ports.ts";
import { jsonb } from "./json.ts";
import { only } from "./rows.ts";
import { wantAllReports } from "./wanted-reports.ts";

/**
 * Stores what was planned for a pull request. Whether it still counts as a review is decided here, behind the lock on
 * the pull request's row: one that was merged meanwhile is explained by it, not reviewed.
 */
export async function recordReview(
  tx: Kysely<unknown>,
  review: Review,
  touched: readonly TouchedLab[],
  afterMerge: boolean,
): Promise<void> {
  const { pullRequest, headCommit, baseCommit, hash } = review;
  const { rows: locked } = await sql<{ merged: boolean }>`
    select state = 'merged' as merged from pull_requests where number = ${pullRequest} for no key update`.execute(tx);
  const { merged } = only(locked);
  const tooLate = afterMerge || merged;
  const { rows: made } = await sql<{ id: string }>`
    insert into reviews (pull_request, head_commit, base_commit, hash, body, after_merge)
    values (${pullRequest}, ${headCommit}, ${baseCommit}, ${hash}, ${jsonb(review)}::jsonb, ${tooLate}) returning id
  `.execute(tx);
  if (!tooLate) {
    const own = new Set(touched.map(({ lab }) => lab));
    const ends = [
      ...touched.filter(({ action }) => action === "destroy" || action === "replace"),
      // An edit that leaves a lab no more than its warning ends it as well, and the review said so.
      ...review.changes.filter(({ lab, running }) => running !== null && own.has(lab)),
    ].flatMap(({ labId }) => labId ?? []);
    await sql`insert into reviewed_destroys (review_id, lab_id)
      select ${only(made).id}, lab from unnest(${[...new Set(ends)]}::uuid[]) as lab`.execute(tx);
  }
  await replaceTouched(tx, pullRequest, touched, merged);
  await wantAllReports(tx, [pullRequest]);
}

/** After the merge a lab that came of it is known by then, and stays known. */
async function replaceTouched(
  tx: Kysely<unknown>,
  pullRequest: number,
  touched: readonly TouchedLab[],
  merged: boolean,
): Promise<void> {
  await sql`delete from pull_request_labs
    where pull_request = ${pullRequest} and lab <> all (${touched.map(({ lab }) => lab)}::text[])`.execute(tx);
  await sql`
    insert into pull_request_labs as l (pull_request, lab, team, path, action, lab_id)
    select ${pullRequest}, lab, team, path, action, "labId"
    from jsonb_to_recordset(${jsonb(touched)}::jsonb) as r(lab text, team text, path text, action text, "labId" uuid)
    on conflict (pull_request, lab) do update set
      team = excluded.team, path = excluded.path, action = excluded.action,
      lab_id = case when ${merged} then coalesce(excluded.lab_id, l.lab_id) else excluded.lab_id end
  `.execute(tx);
}

/** What a pull request was last reviewed on. */
export async function latestReview(db: Kysely<unknown>, pullRequest: number): Promise<Review | null> {
  const { rows } = await sql<{ body: Review }>`
    select body from reviews where pull_request = ${pullRequest} order by created_at desc limit 1`.execute(db);
  return rows[0]?.body ?? null;
}
