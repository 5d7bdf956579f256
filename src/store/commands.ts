import { randomUUID } from "node:crypto";
import { type Kysely, sql } from "kysely";
import type { JobKind, Lab } from "../core/types.ts";
import { ERRORS, LabkeeperError, remedyFor } from "../errors.ts";
import type { CommandStore } from "../ports.ts";
import { WORK_CHANNEL } from "./channel.ts";
import { type Db, guarded } from "./connection.ts";
import { enqueue, lockJobs } from "./enqueue.ts";
import { appendEvents } from "./events.ts";
import { jsonb } from "./json.ts";
import { type LabRow, labFromRow } from "./rows.ts";

/** The lab that answers for a name, locked after its jobs until the command is recorded. @throws LK3001 */
async function lockLab(tx: Kysely<unknown>, name: string): Promise<Lab> {
  const { rows: found } = await sql<{ id: string }>`select id from labs where name = ${name} and current`.execute(tx);
  await lockJobs(
    tx,
    found.map(({ id }) => id),
  );
  const { rows } = await sql<{
    lab: LabRow;
  }>`select lk_lab(l) as lab from labs l where name = ${name} and current for update`.execute(tx);
  const [row] = rows;
  if (!row) throw new LabkeeperError("LK3001", `nothing is known of ${name}`);
  return labFromRow(row.lab);
}

const wake = (tx: Kysely<unknown>) => sql`select pg_notify(${WORK_CHANNEL}, '')`.execute(tx);

async function approve(db: Db, hold: string, actor: string): Promise<{ lab: string; guard: string }> {
  return db.transaction().execute(async (tx) => {
    const { rows } = await sql<{
      lab: string;
      lab_id: string | null;
      guard: string;
      approvable: boolean;
      release: string;
      state: string;
    }>`
      select lab, lab_id, guard, approvable, release, state from holds where id = ${hold} for update`.execute(tx);
    const [row] = rows;
    if (!row) throw new LabkeeperError("LK3002", `${hold} is not known`);
    if (row.state === "approved") return { lab: row.lab, guard: row.guard };
    if (row.state !== "open") throw new LabkeeperError("LK3002", `${hold} is no longer open (${row.state})`);
    if (!row.approvable)
      throw new LabkeeperError("LK3003", `${hold} is held by the ${row.guard} guard`, { remedy: row.release });
    await sql`update holds set state = 'approved', approved_by = ${actor}, resolved_at = now() where id = ${hold}`.execute(
      tx,
    );
    await appendEvents(tx, [
      {
        type: "hold.approved",
        source: "command",
        labId: row.lab_id,
        lab: row.lab,
        actor,
        cause: { kind: "command", command: "approve", actor },
        correlationId: randomUUID(),
        payload: { hold, guard: row.guard },
      },
    ]);
    await wake(tx);
    return { lab: row.lab, guard: row.guard };
  });
}

const unfit = (name: string, detail: string): LabkeeperError =>
  new LabkeeperError("LK3004", detail, { remedy: remedyFor(name, ERRORS.LK3004.remedy) });

/** What `retry` starts again: the queued job if one waits, else what the lab's state calls for. */
async function retry(db: Db, name: string, actor: string): Promise<{ job: JobKind }> {
  return db.transaction().execute(async (tx) => {
    const lab = await lockLab(tx, name);
    const cause = { kind: "command", command: "retry", actor } as const;
    const correlationId = randomUUID();
    const tell = (state: string, job: JobKind) =>
      appendEvents(tx, [
        {
          type: "lab.retry",
          source: "command",
          labId: lab.id,
          lab: name,
          actor,
          cause,
          correlationId,
          payload: { state, job },
        },
      ]);

    const { rows: waiting } = await sql<{ kind: JobKind }>`
      update jobs set run_at = clock_timestamp() where lab_id = ${lab.id} and state = 'queued' returning kind`.execute(
      tx,
    );
    const [queued] = waiting;
    if (queued) {
      await tell(lab.state, queued.kind);
      await wake(tx);
      return { job: queued.kind };
    }
    const { rows: running } = await sql`select 1 from jobs where lab_id = ${lab.id} and state = 'running'`.execute(tx);
    if (running.length > 0) throw unfit(name, `${name} is being worked on already`);

    const kind: JobKind | null =
      lab.state === "failed_permanent" || lab.state === "timed_out"
        ? "provision"
        : lab.state === "ready" && lab.failedDigest !== null
          ? "update"
          : null;
    if (kind === null) throw unfit(name, `${name} is ${lab.state}: there is nothing to try again`);
    if (kind === "provision") {
      await sql`update labs set state = 'failed', failed_digest = null where id = ${lab.id}`.execute(tx);
      await tell("failed", kind);
    } else await tell(lab.state, kind);
    await enqueue(tx, [{ labId: lab.id, kind, cause, correlationId }]);
    await wake(tx);
    return { job: kind };
  });
}

async function cancel(db: Db, name: string, actor: string): Promise<{ jobCancelled: JobKind | null }> {
  return db.transaction().execute(async (tx) => {
    const lab = await lockLab(tx, name);
    if (lab.state === "destroyed") throw unfit(name, `${name} is destroyed already`);
    if (lab.destroyCause) throw unfit(name, `${name} is being destroyed already`);
    if (lab.spec.protect) {
      throw new LabkeeperError("LK3004", `${name} is protected`, {
        remedy: `Set spec.protect to false in ${lab.path} first.`,
      });
    }
    if (lab.spec.suspend) {
      throw new LabkeeperError("LK3004", `${name} is suspended`, {
        remedy: `Set spec.suspend to false in ${lab.path} first.`,
      });
    }
    const cause = { kind: "command", command: "cancel", actor } as const;
    const correlationId = randomUUID();
    const { rows } = await sql<{ kind: JobKind }>`
      select kind from jobs where lab_id = ${lab.id} and state in ('queued', 'running') order by state desc limit 1`.execute(
      tx,
    );
    await sql`update labs set destroy_cause = ${jsonb(cause)}::jsonb, destroy_requested_at = now() where id = ${lab.id}`.execute(
      tx,
    );
    await appendEvents(tx, [
      {
        type: "destroy.requested",
        source: "command",
        labId: lab.id,
        lab: name,
        actor,
        cause,
        correlationId,
        payload: {},
      },
    ]);
    await enqueue(tx, [{ labId: lab.id, kind: "destroy", cause, correlationId }]);
    await wake(tx);
    return { jobCancelled: rows[0]?.kind ?? null };
  });
}

export const commandStore = (db: Db): CommandStore => ({
  approve: (hold, actor) => guarded(() => approve(db, hold, actor)),
  retry: (lab, actor) => guarded(() => retry(db, lab, actor)),
  cancel: (lab, actor) => guarded(() => cancel(db, lab, actor)),
  recordAccess: (lab, actor) =>
    guarded(async () => {
      const { rows } = await sql<{ id: string }>`select id from labs where name = ${lab} and current`.execute(db);
      await appendEvents(db, [
        {
          type: "credentials.read",
          source: "command",
          labId: rows[0]?.id ?? null,
          lab,
          actor,
          cause: { kind: "command", command: "credentials", actor },
          correlationId: randomUUID(),
          payload: {},
        },
      ]);
    }),
});
