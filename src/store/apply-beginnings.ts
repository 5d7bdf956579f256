import { sql } from "kysely";
import { monthlyCost } from "../core/cost.ts";
import { expiryAfterEdit, isCutShort } from "../core/expiry.ts";
import type { Change, Profile } from "../core/types.ts";
import { type Application, type Approved, commitCause, pullRequestOf } from "./application.ts";
import { enqueue } from "./enqueue.ts";
import { appendEvents } from "./events.ts";
import { jsonb } from "./json.ts";
import { adopted, rememberedOf, rowOf } from "./lab-beginnings.ts";

interface Result {
  readonly jobs: number;
  readonly skipped: readonly string[];
}

/** New labs, and those that are adopted, with their first job. A name that somebody took meanwhile is skipped. */
export async function applyProvisions(
  { tx, commit, correlationId, now }: Application,
  approved: readonly Approved<"provision">[],
): Promise<Result> {
  if (approved.length === 0) return { jobs: 0, skipped: [] };
  await pinPolicies(
    tx,
    approved.map(({ operation }) => adopted(operation)?.policy ?? operation.policy),
  );
  const rows = approved.map(({ operation }) => rowOf(operation, now));
  const { rows: inserted } = await sql<{ id: string; name: string }>`
    insert into labs (id, name, team, platform, base_domain, account_region, spec, policy_digest, path, commit, document_digest,
      monthly_cost, intent, created_at, ready_at, expires_at)
    select id, name, team, platform, base_domain, account_region, spec, policy_digest, path, ${commit}, document_digest,
      monthly_cost, nullif(intent, 'null'), coalesce(created_at, now()), created_at, expires_at
    from jsonb_to_recordset(${jsonb(rows)}::jsonb) as r(id uuid, name text, team text, platform text, base_domain text,
      account_region text, spec jsonb, policy_digest text, path text, document_digest text, monthly_cost numeric,
      intent jsonb, created_at timestamptz, expires_at timestamptz)
    on conflict do nothing
    returning id, name
  `.execute(tx);
  const idOf = new Map(inserted.map(({ id, name }) => [name, id]));
  const made = approved.flatMap(({ change, operation }) => {
    const { file } = operation;
    const labId = idOf.get(file.name);
    return labId ? [{ labId, operation, file, change, cause: commitCause(change, commit, file.path) }] : [];
  });
  await noteIncarnations(tx, made);
  await appendEvents(
    tx,
    made.map(({ labId, operation, file, change, cause }) => ({
      type: adopted(operation) === null ? "lab.created" : "lab.adopted",
      source: "reconciler",
      labId,
      lab: file.name,
      actor: "reconciler",
      cause,
      correlationId,
      payload: { state: "pending", path: file.path, ...rememberedOf(operation), ...pullRequestOf(change) },
    })),
  );
  const jobs = await enqueue(
    tx,
    made.map(({ labId, cause }) => ({ labId, kind: "provision", cause, correlationId })),
  );
  return { jobs, skipped: approved.map(({ change }) => change.lab).filter((name) => !idOf.has(name)) };
}

/**
 * Ties labs to the pull requests that they came of. One that only removes a file made no lab, and one that made its lab
 * already did not make the next of the same name.
 */
async function noteIncarnations(
  tx: Application["tx"],
  made: readonly { readonly labId: string; readonly change: Change }[],
): Promise<void> {
  const rows = made.flatMap(({ labId, change: { lab, source } }) =>
    source?.pullRequest == null ? [] : [{ pull_request: source.pullRequest, lab, lab_id: labId }],
  );
  if (rows.length === 0) return;
  await sql`
    update pull_request_labs l set lab_id = r.lab_id
    from jsonb_to_recordset(${jsonb(rows)}::jsonb) as r(pull_request integer, lab text, lab_id uuid)
    where l.pull_request = r.pull_request and l.lab = r.lab
      and ((l.action = 'create' and l.lab_id is null) or l.action in ('update', 'replace'))
  `.execute(tx);
}

/** Policies are stored once, under their digest; labs refer to them. */
async function pinPolicies(tx: Application["tx"], policies: readonly Profile[]): Promise<void> {
  const distinct = [...new Map(policies.map((policy) => [policy.digest, policy])).values()];
  await sql`
    insert into policies (digest, name, spec)
    select digest, name, spec from jsonb_to_recordset(${jsonb(distinct)}::jsonb) as r(digest text, name text, spec jsonb)
    on conflict do nothing
  `.execute(tx);
}

/** New specs for labs that are there; the expiry moves with `ttlHours` at once, but never past its own warning. */
export async function applyUpdates(
  { tx, commit, correlationId, now }: Application,
  approved: readonly Approved<"update">[],
): Promise<Result> {
  if (approved.length === 0) return { jobs: 0, skipped: [] };
  const rows = approved.map(({ operation: { lab, file, spec, job } }) => ({
    id: lab.id,
    resource_version: lab.resourceVersion,
    team: file.team,
    spec,
    path: file.path,
    document_digest: file.digest,
    monthly_cost: monthlyCost(lab.policy.spec, spec.workers),
    expires_at: expiryAfterEdit(lab, spec.ttlHours, now),
    cut_short: isCutShort(lab, spec.ttlHours, now),
    revive: job === "provision",
  }));
  // A lab that had failed for good gets a new chance with its new spec: `failed` is what a provision starts from.
  const { rows: updated } = await sql<{ id: string; state: string }>`
    update labs l set
      team = r.team, spec = r.spec, path = r.path, commit = ${commit}, document_digest = r.document_digest,
      monthly_cost = r.monthly_cost, failed_digest = null,
      expires_at = r.expires_at,
      cut_short_at = case when r.cut_short then ${now} when (l.spec -> 'ttlHours') = (r.spec -> 'ttlHours') then l.cut_short_at end,
      warned_at = case when (l.spec -> 'ttlHours') = (r.spec -> 'ttlHours') then l.warned_at end,
      state = case when r.revive and l.state in ('failed_permanent', 'timed_out') then 'failed' else l.state end
    from jsonb_to_recordset(${jsonb(rows)}::jsonb) as r(id uuid, resource_version bigint, team text, spec jsonb, path text,
      document_digest text, monthly_cost numeric, expires_at timestamptz, cut_short boolean, revive boolean)
    where l.id = r.id and l.resource_version = r.resource_version and l.destroy_cause is null
    returning l.id, l.state
  `.execute(tx);
  const stateOf = new Map(updated.map(({ id, state }) => [id, state]));
  const done = approved.filter(({ operation }) => stateOf.has(operation.lab.id));
  await appendEvents(
    tx,
    done.map(({ change, operation: { lab, file } }) => ({
      type: "lab.updated",
      source: "reconciler",
      labId: lab.id,
      lab: lab.name,
      actor: "reconciler",
      cause: commitCause(change, commit, file.path),
      correlationId,
      payload: {
        state: stateOf.get(lab.id) ?? lab.state,
        fields: change.fields.map(({ path, before, after }) => ({ path, before, after })),
        ...pullRequestOf(change),
      },
    })),
  );
  const jobs = await enqueue(
    tx,
    done.flatMap(({ change, operation: { lab, file, job } }) =>
      job ? [{ labId: lab.id, kind: job, cause: commitCause(change, commit, file.path), correlationId }] : [],
    ),
  );
  return {
    jobs,
    skipped: approved.filter(({ operation }) => !stateOf.has(operation.lab.id)).map(({ change }) => change.lab),
  };
}
