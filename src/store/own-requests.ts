import { type Kysely, sql } from "kysely";
import type { RequestPurpose } from "../core/pull-request.ts";
import type { RequestRecord, RequestStore } from "../github-ports.ts";
import { type Db, guarded } from "./connection.ts";
import { jsonb } from "./json.ts";
import { wantReports } from "./wanted-reports.ts";

/** The expiry of lab `l` as the detail of its request: what JavaScript's `toISOString` says. */
const expiryDetail = sql`to_char(l.expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** Pull requests of labkeeper's own. */
export const requestStore = (db: Db): RequestStore => ({
  expiringWithoutRequest: () => guarded(() => expiringWithoutRequest(db)),
  recordRequest: (request) => guarded(() => db.transaction().execute((tx) => record(tx, request))),
  obsoleteRequests: () => guarded(() => obsolete(db)),
  recordClosed: ({ labId, purpose, detail }) =>
    guarded(async () => {
      await sql`update own_requests set closed_at = coalesce(closed_at, now())
        where lab_id = ${labId} and purpose = ${purpose} and detail = ${detail}`.execute(db);
    }),
});

async function expiringWithoutRequest(db: Kysely<unknown>) {
  const { rows } = await sql<{
    id: string;
    name: string;
    team: string;
    owner: string;
    path: string;
    expires_at: Date;
    number: number | null;
  }>`
    select l.id, l.name, l.team, l.spec ->> 'owner' as owner, l.path, l.expires_at, x.number
    from labs l
    left join lateral (
      select p.number from pull_request_labs t join pull_requests p on p.number = t.pull_request
      where t.lab = l.name and t.lab_id = l.id and p.state = 'merged' order by p.ended_at desc, p.number desc limit 1
    ) x on true
    where l.current and l.live and l.expires_at is not null and l.warned_at is not null and l.destroy_cause is null
      and l.leaving_until is null
      and not exists (
        select from own_requests o where o.lab_id = l.id and o.purpose = 'expire' and o.detail = ${expiryDetail}
          and (o.pull_request is not null or o.closed_at is not null))
    order by l.expires_at, l.name
  `.execute(db);
  return rows.map(({ id, name, expires_at: expiresAt, number, ...rest }) => ({
    ...rest,
    labId: id,
    lab: name,
    expiresAt,
    pullRequest: number,
  }));
}

/** Once it has a number, what is said of the lab's end points to it. */
async function record(tx: Kysely<unknown>, request: RequestRecord): Promise<void> {
  await sql`
    insert into own_requests as o (lab_id, lab, purpose, detail, branch, asked_by, asked_by_id, pull_request)
    select "labId", lab, purpose, detail, branch, "askedBy" ->> 'login', ("askedBy" ->> 'id')::bigint, "pullRequest"
    from jsonb_to_record(${jsonb(request)}::jsonb)
      as r("labId" uuid, lab text, purpose text, detail text, branch text, "askedBy" jsonb, "pullRequest" integer)
    on conflict (lab_id, purpose, detail) do update set
      pull_request = coalesce(excluded.pull_request, o.pull_request),
      -- Closed, and asked for anew: then somebody else may ask.
      asked_by = case when o.pull_request <> excluded.pull_request then excluded.asked_by else o.asked_by end,
      asked_by_id = case when o.pull_request <> excluded.pull_request then excluded.asked_by_id else o.asked_by_id end,
      closed_at = case when o.pull_request <> excluded.pull_request then null else o.closed_at end
  `.execute(tx);
  if (request.pullRequest === null) return;
  await sql`update pull_requests set purpose = ${request.purpose}
    where number = ${request.pullRequest} and purpose is distinct from ${request.purpose}`.execute(tx);
  if (request.purpose !== "expire") return;
  await wantReports(
    tx,
    sql`
      select pull_request, 'comment', '' from pull_request_labs where lab_id = ${request.labId}::uuid
      union all
      select pull_request, kind, subject from reports where kind = 'expiry' and subject = ${request.labId}
    `,
  );
}

/** Open, or asked for and never opened, and beside the point: see `RequestStore`. */
async function obsolete(db: Kysely<unknown>): Promise<readonly RequestRecord[]> {
  const { rows } = await sql<{
    lab_id: string;
    lab: string;
    purpose: RequestPurpose;
    detail: string;
    branch: string;
    asked_by: string;
    asked_by_id: string | null;
    pull_request: number | null;
  }>`
    select o.lab_id, o.lab, o.purpose, o.detail, o.branch, o.asked_by, o.asked_by_id, o.pull_request
    from own_requests o
    join labs l on l.id = o.lab_id
    left join pull_requests p on p.number = o.pull_request
    where o.closed_at is null and (p.number is null or p.state = 'open') and (
      case o.purpose
        when 'expire' then l.destroy_cause is null and o.detail is distinct from ${expiryDetail}
        when 'extend' then l.destroy_cause is not null
        else l.state = 'destroyed'
      end
      or not exists (select from desired_labs d where d.name = l.name or (d.document is null and l.name = any (d.may_be))))
    order by o.created_at, o.branch
  `.execute(db);
  return rows.map((row) => ({
    labId: row.lab_id,
    lab: row.lab,
    purpose: row.purpose,
    detail: row.detail,
    branch: row.branch,
    askedBy: { login: row.asked_by, id: row.asked_by_id === null ? null : Number(row.asked_by_id) },
    pullRequest: row.pull_request,
  }));
}
