import { randomUUID } from "node:crypto";
import { sql, type Transaction } from "kysely";
import { planToJson } from "../core/render-json.ts";
import type { Change, Operation } from "../core/types.ts";
import { LabkeeperError } from "../errors.ts";
import type { Applied, Lease, PlanApplication } from "../ports.ts";
import type { Application, Approved } from "./application.ts";
import { applyProvisions, applyUpdates } from "./apply-beginnings.ts";
import { applyDestroys, applyForgets, applyLeaves, applyReturns } from "./apply-endings.ts";
import { recordHolds } from "./apply-holds.ts";
import { warnOfExpiry } from "./apply-warnings.ts";
import { WORK_CHANNEL } from "./channel.ts";
import { type Db, guarded } from "./connection.ts";
import { namesBefore, noteDifferences } from "./differences.ts";
import { lockJobs } from "./enqueue.ts";
import { jsonb } from "./json.ts";
import { requireLease } from "./leases.ts";
import { latestRevision } from "./revisions.ts";
import { desiredToRow } from "./rows.ts";

/**
 * Records a plan and everything that follows from it in one transaction, or nothing of it. A lab that moved on since
 * the plan was made (its resource version differs) is skipped: the next cycle compares it anew.
 * @throws LK3005 when another revision was recorded meanwhile, LK4004 when the reconciler's lease is lost
 */
export function apply(db: Db, application: PlanApplication, lease: Lease): Promise<Applied> {
  return guarded(() =>
    db.transaction().execute(async (tx) => {
      await requireLease(tx, lease);
      await requireBasis(tx, application);
      await lockJobs(tx, labsOf(application.plan.changes));
      const before = await namesBefore(tx, application.desired);
      await recordDesired(tx, application);
      const { plan, correlationId } = application;
      const context: Application = {
        tx,
        commit: plan.commit,
        planId: await recordPlan(tx, application),
        correlationId,
        now: application.now,
      };

      const enqueued = { count: 0 };
      const skipped: string[] = [];
      const step = async (work: Promise<{ jobs: number; skipped: readonly string[] }>): Promise<void> => {
        const result = await work;
        enqueued.count += result.jobs;
        skipped.push(...result.skipped);
      };
      await step(applyProvisions(context, pick(plan.changes, "provision")));
      await step(applyUpdates(context, pick(plan.changes, "update")));
      await step(applyReturns(context, pick(plan.changes, "return")));
      await step(applyLeaves(context, pick(plan.changes, "leave")));
      await step(applyDestroys(context, [...pick(plan.changes, "destroy"), ...pick(plan.changes, "replace")]));
      await step(applyForgets(context, pick(plan.changes, "forget")));
      await recordHolds(context, plan.changes, new Set(skipped));
      await warnOfExpiry(context, application.now);
      await recordTeams(tx, application);
      await noteDifferences(tx, application.desired, before);
      if (enqueued.count > 0) await sql`select pg_notify(${WORK_CHANNEL}, '')`.execute(tx);
      return { enqueued: enqueued.count, skipped: skipped.sort() };
    }),
  );
}

function pick<K extends Operation["kind"]>(changes: readonly Change[], kind: K): Approved<K>[] {
  return changes.flatMap((change) =>
    change.held === null && change.operation.kind === kind
      ? [{ change, operation: change.operation as Extract<Operation, { kind: K }> }]
      : [],
  );
}

const labsOf = (changes: readonly Change[]): string[] =>
  changes.flatMap(({ held, operation }) => (held === null && "lab" in operation ? [operation.lab.id] : []));

async function requireBasis(tx: Transaction<unknown>, { previous }: PlanApplication): Promise<void> {
  const latest = await latestRevision(tx);
  if (latest?.commit !== previous?.commit) {
    throw new LabkeeperError("LK3005", "another revision was recorded while this plan was made");
  }
}

async function recordDesired(
  tx: Transaction<unknown>,
  { desired, previous, trustedCommit, plan }: PlanApplication,
): Promise<void> {
  const rows = jsonb(desired.files.map(desiredToRow));
  const paths = desired.files.map(({ path }) => path);
  if (desired.complete) await sql`delete from desired_labs where path <> all (${paths}::text[])`.execute(tx);
  else if (desired.removed.length > 0)
    await sql`delete from desired_labs where path = any (${desired.removed}::text[])`.execute(tx);
  if (paths.length > 0) {
    await sql`
      insert into desired_labs as d (path, blob_oid, name, may_be, team, document, document_digest, problems, commit)
      select path, blob_oid, name, may_be, team, nullif(document, 'null'), document_digest, problems, ${plan.commit}
      from jsonb_to_recordset(${rows}::jsonb)
        as r(path text, blob_oid text, name text, may_be text[], team text, document jsonb, document_digest text, problems jsonb)
      on conflict (path) do update set
        blob_oid = excluded.blob_oid, name = excluded.name, may_be = excluded.may_be, team = excluded.team,
        document = excluded.document, document_digest = excluded.document_digest, problems = excluded.problems,
        commit = excluded.commit
    `.execute(tx);
  }
  const same =
    previous?.commit === plan.commit &&
    previous.policyDigest === desired.policyDigest &&
    previous.trustedCommit === trustedCommit;
  if (!same) {
    await sql`insert into revisions (commit, trusted_commit, policy_digest)
      values (${plan.commit}, ${trustedCommit}, ${desired.policyDigest})`.execute(tx);
  }
}

async function recordPlan(tx: Transaction<unknown>, { plan, correlationId }: PlanApplication): Promise<string> {
  const id = randomUUID();
  const { rows } = await sql<{ hash: string }>`select hash from plans order by created_at desc limit 1`.execute(tx);
  // A quiet cycle leaves no trace; a repeated plan (the same changes held again) is not recorded twice.
  if (rows[0]?.hash === plan.hash) {
    const last = await sql<{ id: string }>`select id from plans order by created_at desc limit 1`.execute(tx);
    return last.rows[0]?.id ?? id;
  }
  await sql`insert into plans (id, commit, previous_commit, hash, body, correlation_id)
    values (${id}, ${plan.commit}, ${plan.previousCommit}, ${plan.hash}, ${jsonb(planToJson(plan, { all: false }))}::jsonb, ${correlationId})
  `.execute(tx);
  return id;
}

async function recordTeams(tx: Transaction<unknown>, { teams }: PlanApplication): Promise<void> {
  const rows = jsonb(teams.map(({ name, maxConcurrentCreates }) => ({ name, creates: maxConcurrentCreates ?? null })));
  await sql`delete from teams where name <> all (${teams.map(({ name }) => name)}::text[])`.execute(tx);
  await sql`
    insert into teams (name, max_concurrent_creates)
    select name, creates from jsonb_to_recordset(${rows}::jsonb) as r(name text, creates integer)
    on conflict (name) do update set max_concurrent_creates = excluded.max_concurrent_creates
      where teams.max_concurrent_creates is distinct from excluded.max_concurrent_creates
  `.execute(tx);
}
