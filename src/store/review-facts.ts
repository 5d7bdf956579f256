import { type Kysely, sql } from "kysely";

/** When somebody last read each lab's credentials; labs that nobody used are left out. */
export async function lastUsed(db: Kysely<unknown>, labIds: readonly string[]): Promise<ReadonlyMap<string, Date>> {
  if (labIds.length === 0) return new Map();
  const { rows } = await sql<{ lab_id: string; at: Date }>`
    select lab_id, max("timestamp") as at from lab_events
    where lab_id = any (${labIds}::uuid[]) and event_type = 'credentials.read' group by lab_id
  `.execute(db);
  return new Map(rows.map(({ lab_id, at }) => [lab_id, at]));
}

/** Live labs by the name of the profile they pinned; profiles without one are left out. */
export async function liveLabsByProfile(
  db: Kysely<unknown>,
  profiles: readonly string[],
): Promise<ReadonlyMap<string, { readonly count: number; readonly names: readonly string[] }>> {
  const { rows } = await sql<{ profile: string; count: string; names: string[] }>`
    select spec ->> 'profile' as profile, count(*) as count, (array_agg(name order by name))[1:10] as names
    from labs where live and current and spec ->> 'profile' = any (${profiles}::text[]) group by 1
  `.execute(db);
  return new Map(rows.map(({ profile, count, names }) => [profile, { count: Number(count), names }]));
}
