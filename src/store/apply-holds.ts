import { sql } from "kysely";
import type { Change } from "../core/types.ts";
import { type Application, pullRequestOf } from "./application.ts";
import { appendEvents } from "./events.ts";
import { jsonb } from "./json.ts";

const labIdOf = (change: Change): string | null => ("lab" in change.operation ? change.operation.lab.id : null);

/**
 * Makes the stored holds those of this plan. A hold has the same id for the same change, so an approval survives any
 * number of cycles; one whose change went through is used, one whose change is no longer wanted is withdrawn.
 */
export async function recordHolds(
  context: Application,
  changes: readonly Change[],
  skipped: ReadonlySet<string>,
): Promise<void> {
  const held = changes.flatMap((change) => (change.held ? [{ ...change.held, change }] : []));
  const rows = held.map(({ hold, guard, message, release, approvable, change }) => ({
    id: hold,
    lab: change.lab,
    team: change.team,
    lab_id: labIdOf(change),
    action: change.replace ? "replace" : change.action,
    guard,
    message,
    release,
    approvable,
  }));
  const { rows: opened } = await sql<{ id: string }>`
    insert into holds as h (id, lab, team, lab_id, action, guard, message, release, approvable, state, plan_id)
    select id, lab, team, lab_id, action, guard, message, release, approvable, 'open', ${context.planId}
    from jsonb_to_recordset(${jsonb(rows)}::jsonb) as r(id text, lab text, team text, lab_id uuid, action text, guard text,
      message text, release text, approvable boolean)
    on conflict (id) do update set
      message = excluded.message, release = excluded.release, state = 'open', plan_id = excluded.plan_id,
      created_at = now(), resolved_at = null, approved_by = null
      where h.state not in ('open', 'approved')
    returning id
  `.execute(context.tx);

  const stillHeld = held.map(({ hold }) => hold);
  const passed = changes.filter(({ held: hold, action }) => hold === null && action !== "keep").map(({ lab }) => lab);
  const waiting = [...held.map(({ change }) => change.lab), ...skipped];
  const { rows: ended } = await sql<{ id: string; lab: string; lab_id: string | null; state: string; guard: string }>`
    update holds set
      state = case when state = 'approved' and lab = any (${passed}::text[]) then 'used' else 'withdrawn' end, resolved_at = now()
    where state in ('open', 'approved') and id <> all (${stillHeld}::text[])
      -- An approved hold waits on while a later guard holds the same change, or the change was skipped this time.
      and not (state = 'approved' and lab = any (${waiting}::text[]))
    returning id, lab, lab_id, state, guard
  `.execute(context.tx);

  const isNew = new Set(opened.map(({ id }) => id));
  await appendEvents(context.tx, [
    ...held
      .filter(({ hold }) => isNew.has(hold))
      .map(({ hold, guard, message, change }) => ({
        type: "hold.opened",
        source: "reconciler" as const,
        labId: labIdOf(change),
        lab: change.lab,
        actor: "reconciler",
        cause: null,
        correlationId: context.correlationId,
        payload: { hold, guard, message, action: change.action, ...pullRequestOf(change) },
      })),
    ...ended.map(({ id, lab, lab_id, state, guard }) => ({
      type: `hold.${state}`,
      source: "reconciler" as const,
      labId: lab_id,
      lab,
      actor: "reconciler",
      cause: null,
      correlationId: context.correlationId,
      payload: { hold: id, guard },
    })),
  ]);
}
