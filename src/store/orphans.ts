import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import type { CloudResource, OrphanRow, OrphanStore } from "../cloud-ports.ts";
import type { JsonObject } from "../core/types.ts";
import { LabkeeperError } from "../errors.ts";
import { type Db, guarded } from "./connection.ts";
import { appendEvents } from "./events.ts";
import { jsonb } from "./json.ts";
import { requireLease } from "./leases.ts";

interface Row {
  readonly id: string;
  readonly resource: Omit<CloudResource, "createdAt"> & { readonly createdAt: string | null };
  readonly why: string;
  readonly lab: string | null;
  readonly state: OrphanRow["state"];
  readonly first_seen: Date;
  readonly last_seen: Date;
}

interface KnownRow {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly infra_id: string | null;
  readonly former: unknown;
  readonly account: string | null;
  readonly cluster: string | null;
  readonly domain: string | null;
}

const orphan = (row: Row): OrphanRow => ({
  resource: { ...row.resource, createdAt: row.resource.createdAt === null ? null : new Date(row.resource.createdAt) },
  why: row.why,
  lab: row.lab,
  state: row.state,
  firstSeen: row.first_seen,
  lastSeen: row.last_seen,
});

const scopeOf = ({ account, region }: CloudResource): string => `${account}/${region}`;

/** A lab that was begun anew answers for its earlier clusters too. */
const formerInfraIds = (former: unknown): string[] =>
  Array.isArray(former)
    ? former.flatMap((record: { readonly infraId?: unknown }) =>
        typeof record?.infraId === "string" ? [record.infraId] : [],
      )
    : [];

/** Resources in a cloud that no living lab accounts for. Nothing here removes anything. */
export const orphanStore = (db: Db): OrphanStore => ({
  knownLabs: () =>
    guarded(async () => {
      const { rows } = await sql<KnownRow>`
        select id, name, state, intent ->> 'infraId' as infra_id, intent -> 'former' as former,
          intent ->> 'account' as account, intent ->> 'clusterName' as cluster, intent ->> 'baseDomain' as domain
        from labs order by created_at, id`.execute(db);
      return rows.flatMap(({ id, name, state, infra_id: infraId, former, account, cluster, domain }) =>
        [...formerInfraIds(former), infraId].map((each) => ({
          id,
          name,
          live: state !== "destroyed",
          infraId: each,
          cluster: cluster === null || domain === null ? null : { account, clusterName: cluster, baseDomain: domain },
        })),
      );
    }),

  recordSweep: (findings, unseen, now, lease) =>
    guarded(() =>
      db.transaction().execute(async (tx) => {
        await requireLease(tx, lease);
        const rows = findings.map(({ resource, why, lab }) => ({
          id: resource.id,
          resource,
          why,
          lab,
          scope: scopeOf(resource),
        }));
        const { rows: opened } = await sql<{ id: string | null }>`
          insert into orphans as o (id, resource, why, scope, lab, state, first_seen, last_seen)
          select id, resource, why, scope, lab, 'open', ${now}, ${now}
          from jsonb_to_recordset(${jsonb(rows)}::jsonb) as r(id text, resource jsonb, why text, scope text, lab text)
          on conflict (id) do update set
            resource = excluded.resource, why = excluded.why, lab = excluded.lab, last_seen = excluded.last_seen,
            state = case when o.state = 'ignored' then 'ignored' else 'open' end
          returning case when xmax = 0 then id end as id
        `.execute(tx);
        // Only where everything was seen does "not found" mean "not there".
        await sql`
          update orphans set state = 'gone' where state = 'open' and id <> all (${rows.map(({ id }) => id)}::text[])
            and scope <> all (${unseen}::text[])
        `.execute(tx);
        const fresh = new Set(opened.flatMap(({ id }) => id ?? []));
        await appendEvents(
          tx,
          rows
            .filter(({ id }) => fresh.has(id))
            .map(({ id, why, lab, resource }) => ({
              type: "orphan.found",
              source: "janitor" as const,
              labId: null,
              lab,
              actor: "janitor",
              cause: null,
              correlationId: randomUUID(),
              payload: { resource: id, why, dailyCost: resource.dailyCost } satisfies JsonObject,
            })),
        );
        return { opened: fresh.size };
      }),
    ),

  orphans: (all) =>
    guarded(async () => {
      const { rows } = await sql<Row>`
        select id, resource, why, lab, state, first_seen, last_seen from orphans
        where ${all} or state = 'open' order by first_seen, id`.execute(db);
      return rows.map(orphan);
    }),

  decideOrphan: (id, decision, actor) =>
    guarded(() =>
      db.transaction().execute(async (tx) => {
        const { rows } = await sql<Row>`
          update orphans set state = ${decision}, decided_by = ${actor}, decided_at = now()
          where id = ${id} and state in ('open', 'ignored')
          returning id, resource, why, lab, state, first_seen, last_seen`.execute(tx);
        const [row] = rows;
        if (!row) throw new LabkeeperError("LK3006", `${id} is not listed`);
        await appendEvents(tx, [
          {
            type: `orphan.${decision}`,
            source: "command",
            labId: null,
            lab: row.lab,
            actor,
            cause: { kind: "command", command: `orphans ${decision}`, actor },
            correlationId: randomUUID(),
            payload: { resource: id },
          },
        ]);
        return orphan(row);
      }),
    ),
});
