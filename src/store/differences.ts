import { type RawBuilder, sql, type Transaction } from "kysely";
import type { DesiredChanges } from "../ports.ts";

/** A name differs when a file has no lab, a lab no file, or they are not the same; a name with two files always does. */
export const differing = (desired: RawBuilder<unknown>, labs: RawBuilder<unknown>) => sql`
  select coalesce(d.name, l.name) as name
  from (${desired}) d full join (${labs}) l on l.name = d.name
  where d.name is null or l.name is null or l.document_digest is distinct from d.document_digest or l.path <> d.path`;

/** The names that recorded files have at the paths which are about to change. */
export async function namesBefore(tx: Transaction<unknown>, { complete, files, removed }: DesiredChanges) {
  if (complete) return [];
  const paths = [...removed, ...files.map(({ path }) => path)];
  if (paths.length === 0) return [];
  const { rows } = await sql<{ name: string }>`
    select name from desired_labs where path = any (${paths}::text[])`.execute(tx);
  return rows.map(({ name }) => name);
}

/**
 * Ends an application: names that its files had and have join those that may differ, and all that turn out equal leave.
 * The last thing it does, when every row of labs that it needs is locked: a worker that ends a lab's life marks the
 * name after locking the lab too.
 */
export async function noteDifferences(tx: Transaction<unknown>, desired: DesiredChanges, before: readonly string[]) {
  const files = sql`select name, path, document_digest from desired_labs`;
  const labs = sql`select name, path, document_digest from labs where current`;
  const names = [...new Set([...before, ...desired.files.map(({ name }) => name)])].sort();
  const changed = desired.complete
    ? sql`select distinct name from (${differing(files, labs)}) d`
    : sql`select unnest(${names}::text[])`;
  if (desired.complete || names.length > 0) {
    await sql`insert into differences (name) select name from (${changed}) c (name) order by name collate "C"
      on conflict (name) do update set mark = default`.execute(tx);
  }
  // Locked in one order before anything is removed, by a statement of its own: the next sees what was waited for.
  await sql`select 1 from differences order by name collate "C" for update`.execute(tx);
  const seen = sql`(select name from seen)`;
  await sql`
    with seen as materialized (select name, mark from differences),
    still as materialized (${differing(sql`${files} where name in ${seen}`, sql`${labs} and name in ${seen}`)})
    delete from differences f using seen
    where f.name = seen.name and f.mark = seen.mark and not exists (select from still where still.name = f.name)
  `.execute(tx);
}
