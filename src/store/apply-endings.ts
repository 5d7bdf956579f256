import { sql } from "kysely";
import type { Cause, Change, Lab } from "../core/types.ts";
import { type Application, type Approved, commitCause, pullRequestOf } from "./application.ts";
import { enqueue } from "./enqueue.ts";
import { appendEvents } from "./events.ts";
import { jsonb } from "./json.ts";

interface Result {
  readonly jobs: number;
  readonly skipped: readonly string[];
}

interface Ending {
  readonly change: Change;
  readonly lab: Lab;
  readonly cause: Cause | null;
  readonly until?: Date;
}

const target = ({ lab, cause, until }: Ending) => ({
  id: lab.id,
  resource_version: lab.resourceVersion,
  cause,
  until: until ?? null,
});

/** Tells what happened to the labs that were still as the plan saw them; answers those. */
async function record(
  context: Application,
  type: string,
  endings: readonly Ending[],
  touched: readonly { id: string }[],
): Promise<Ending[]> {
  const ids = new Set(touched.map(({ id }) => id));
  const done = endings.filter(({ lab }) => ids.has(lab.id));
  await appendEvents(
    context.tx,
    done.map(({ change, lab, cause, until }) => ({
      type,
      source: "reconciler",
      labId: lab.id,
      lab: lab.name,
      actor: "reconciler",
      cause,
      correlationId: context.correlationId,
      payload: {
        commit: context.commit,
        ...(until ? { until: until.toISOString() } : {}),
        ...pullRequestOf(change),
      },
    })),
  );
  return done;
}

const skippedOf = (endings: readonly Ending[], done: readonly Ending[]): string[] =>
  endings.filter((ending) => !done.includes(ending)).map(({ lab }) => lab.name);

/** The file went and the profile grants a grace: nothing happens to the lab yet. */
export async function applyLeaves(context: Application, approved: readonly Approved<"leave">[]): Promise<Result> {
  const endings = approved.map(({ change, operation: { lab, cause, until } }) => ({ change, lab, cause, until }));
  if (endings.length === 0) return { jobs: 0, skipped: [] };
  const { rows } = await sql<{ id: string }>`
    update labs l set leaving_since = now(), leaving_until = r.until, leaving_cause = r.cause
    from jsonb_to_recordset(${jsonb(endings.map(target))}::jsonb) as r(id uuid, resource_version bigint, cause jsonb, until timestamptz)
    where l.id = r.id and l.resource_version = r.resource_version and l.destroy_cause is null
    returning l.id
  `.execute(context.tx);
  return { jobs: 0, skipped: skippedOf(endings, await record(context, "lab.leaving", endings, rows)) };
}

/** The file came back inside the grace: the same lab stays, untouched. */
export async function applyReturns(context: Application, approved: readonly Approved<"return">[]): Promise<Result> {
  const endings = approved.map(({ change, operation: { lab, file } }) => ({
    change,
    lab,
    cause: commitCause(change, context.commit, file.path),
  }));
  if (endings.length === 0) return { jobs: 0, skipped: [] };
  const { rows } = await sql<{ id: string }>`
    update labs l set leaving_since = null, leaving_until = null, leaving_cause = null
    from jsonb_to_recordset(${jsonb(endings.map(target))}::jsonb) as r(id uuid, resource_version bigint)
    where l.id = r.id and l.resource_version = r.resource_version and l.destroy_cause is null
    returning l.id
  `.execute(context.tx);
  return { jobs: 0, skipped: skippedOf(endings, await record(context, "lab.returned", endings, rows)) };
}

/** The cause is durable before the job is (promise P1); both in the plan's transaction. */
export async function applyDestroys(
  context: Application,
  approved: readonly (Approved<"destroy"> | Approved<"replace">)[],
): Promise<Result> {
  const endings = approved.map(({ change, operation: { lab, cause } }) => ({ change, lab, cause }));
  if (endings.length === 0) return { jobs: 0, skipped: [] };
  const { rows } = await sql<{ id: string }>`
    update labs l set destroy_cause = r.cause, destroy_requested_at = coalesce(l.leaving_since, now())
    from jsonb_to_recordset(${jsonb(endings.map(target))}::jsonb) as r(id uuid, resource_version bigint, cause jsonb)
    where l.id = r.id and l.resource_version = r.resource_version and l.destroy_cause is null and l.state <> 'destroyed'
    returning l.id
  `.execute(context.tx);
  const done = await record(context, "destroy.requested", endings, rows);
  const jobs = await enqueue(
    context.tx,
    done.flatMap(({ lab, cause }) =>
      cause ? [{ labId: lab.id, kind: "destroy" as const, cause, correlationId: context.correlationId }] : [],
    ),
  );
  return { jobs, skipped: skippedOf(endings, done) };
}

/** A destroyed lab stops answering for its name, because its file went too. */
export async function applyForgets(context: Application, approved: readonly Approved<"forget">[]): Promise<Result> {
  const endings = approved.map(({ change, operation: { lab } }) => ({ change, lab, cause: null }));
  if (endings.length === 0) return { jobs: 0, skipped: [] };
  const { rows } = await sql<{ id: string }>`
    update labs set current = false
    where id = any (${endings.map(({ lab }) => lab.id)}::uuid[]) and state = 'destroyed' and current
    returning id
  `.execute(context.tx);
  return { jobs: 0, skipped: skippedOf(endings, await record(context, "lab.forgotten", endings, rows)) };
}
