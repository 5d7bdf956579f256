import { type Kysely, sql } from "kysely";
import type { Revision } from "../ports.ts";

/** The last recorded revision; null before the first. */
export async function latestRevision(db: Kysely<unknown>): Promise<Revision | null> {
  const { rows } = await sql<{ commit: string; trusted_commit: string; policy_digest: string }>`
    select commit, trusted_commit, policy_digest from revisions order by id desc limit 1`.execute(db);
  const [row] = rows;
  return row ? { commit: row.commit, trustedCommit: row.trusted_commit, policyDigest: row.policy_digest } : null;
}
