import { type Kysely, sql } from "kysely";
import type { CommandAnswer } from "../core/pull-request.ts";
import type { CommentCommand, CommentCommandStore } from "../github-ports.ts";
import { type Db, guarded } from "./connection.ts";
import { holdOrigin } from "./hold-origin.ts";
import { jsonb, storable } from "./json.ts";
import { wantReports } from "./wanted-reports.ts";

interface CommandRow {
  readonly comment_id: string;
  readonly comment_url: string;
  readonly pull_request: number;
  readonly author: string;
  readonly author_id: string | null;
  readonly command: string;
  readonly given_at: Date;
}

const commandFromRow = (row: CommandRow): CommentCommand => ({
  commentId: Number(row.comment_id),
  commentUrl: row.comment_url,
  pullRequest: row.pull_request,
  author: row.author,
  authorId: row.author_id === null ? null : Number(row.author_id),
  command: row.command,
  at: row.given_at,
});

/** Commands in comments: each comment is heard once in its life and answered once. */
export const commentCommandStore = (db: Db): CommentCommandStore => ({
  receive: (commands) => guarded(() => receive(db, commands)),
  unanswered: () =>
    guarded(async () => {
      const { rows } = await sql<CommandRow>`
        select comment_id, comment_url, pull_request, author, author_id, command, given_at
        from comment_commands where state = 'received' order by comment_id`.execute(db);
      return rows.map(commandFromRow);
    }),
  answer: (commentId, state, answer) =>
    guarded(() =>
      db.transaction().execute(async (tx) => {
        const { rows } = await sql<{ pull_request: number }>`
          update comment_commands set state = ${state}, answer = ${storable(answer)}, answered_at = clock_timestamp()
          where comment_id = ${commentId} and state = 'received' returning pull_request`.execute(tx);
        const [row] = rows;
        if (row === undefined) return;
        await wantReports(
          tx,
          sql`select number, 'comment', '' from pull_requests where number = ${row.pull_request}::integer`,
        );
      }),
    ),
  holdOrigin: (hold) => guarded(() => holdOrigin(db, hold)),
});

async function receive(db: Db, commands: readonly CommentCommand[]): Promise<readonly CommentCommand[]> {
  if (commands.length === 0) return [];
  const { rows } = await sql<CommandRow>`
    insert into comment_commands (comment_id, comment_url, pull_request, author, author_id, command, given_at)
    select "commentId", "commentUrl", "pullRequest", author, "authorId", left(command, 500), at
    from jsonb_to_recordset(${jsonb(commands)}::jsonb)
      as r("commentId" bigint, "commentUrl" text, "pullRequest" integer, author text, "authorId" bigint, command text,
        at timestamptz)
    order by 1
    on conflict do nothing
    returning comment_id, comment_url, pull_request, author, author_id, command, given_at
  `.execute(db);
  return rows.map(commandFromRow);
}

/** What was asked on a pull request and what came of it, oldest first. */
export async function commandAnswers(db: Kysely<unknown>, pullRequest: number): Promise<readonly CommandAnswer[]> {
  const { rows } = await sql<Omit<CommandRow, "author_id"> & Pick<CommandAnswer, "state" | "answer">>`
    select comment_id, comment_url, pull_request, author, command, given_at, state, answer
    from comment_commands where pull_request = ${pullRequest} order by comment_id
  `.execute(db);
  return rows.map((row) => ({
    commentUrl: row.comment_url,
    author: row.author,
    command: row.command,
    state: row.state,
    answer: row.answer,
    at: row.given_at,
  }));
}
