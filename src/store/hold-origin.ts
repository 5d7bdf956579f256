import { type Kysely, sql } from "kysely";
import type { Account } from "../github-ports.ts";

export interface HoldOrigin {
  readonly lab: string;
  readonly team: string;
  readonly guard: string;
  readonly pullRequest: number | null;
  readonly author: Account | null;
  /** Somebody added it to a pull request that labkeeper had opened for another lab. */
  readonly smuggled: boolean;
}

/**
 * Whose change a hold holds. Best known by the plan that foretold it, since a hold has the same id there; else by the
 * pull request merged last that touches the lab that way. The author of one that labkeeper opened is whoever asked.
 * A hold that is only planned, on an open pull request, is known too. The team is the one whose lab is at stake: a file
 * that moves a lab to another team does not make that team the judge of its end.
 */
export async function holdOrigin(db: Kysely<unknown>, hold: string): Promise<HoldOrigin | null> {
  const foretells = sql`r.body @> jsonb_build_object('changes', jsonb_build_array(
    jsonb_build_object('held', jsonb_build_object('hold', ${hold}::text))))`;
  const { rows } = await sql<{
    lab: string;
    team: string;
    guard: string;
    number: number | null;
    author: string | null;
    author_id: string | null;
    smuggled: boolean;
  }>`
    with held as (
      select h.lab, h.team, h.guard, h.action, h.lab_id from holds h where h.id = ${hold}
      union all
      (select c ->> 'lab', c ->> 'team', c #>> '{held,guard}', c ->> 'action', (c ->> 'labId')::uuid
       from pull_requests p
       cross join lateral (select body from reviews where pull_request = p.number order by created_at desc limit 1) r
       cross join lateral jsonb_array_elements(r.body -> 'changes') c
       where p.state = 'open' and ${foretells} and c #>> '{held,hold}' = ${hold} limit 1)
      limit 1
    )
    select h.lab, case when h.action in ('replace', 'destroy') then coalesce(b.team, h.team) else h.team end as team, h.guard,
      o.number, o.author, o.author_id, coalesce(o.smuggled, false) as smuggled
    from held h
    left join labs b on b.id = h.lab_id
    left join lateral (
      select p.number, coalesce(a.asked_by, p.author) as author, a.asked_by_id as author_id,
        p.purpose is not null and not exists (
          select from own_requests q where q.pull_request = p.number and q.lab = l.lab) as smuggled
      from pull_request_labs l
      join pull_requests p on p.number = l.pull_request and p.state <> 'closed'
      cross join lateral (select exists (
        select from reviews r where r.pull_request = p.number and r.head_commit = p.head_commit and ${foretells}) as foretold) f
      left join lateral (
        select asked_by, asked_by_id from own_requests where pull_request = p.number and asked_by <> 'labkeeper' limit 1
      ) a on true
      where l.lab = h.lab
        and (f.foretold or (p.state = 'merged' and (l.action = 'destroy') = (h.action = 'destroy')))
      order by p.state = 'merged' desc, f.foretold desc, p.ended_at desc, p.number desc limit 1
    ) o on true
  `.execute(db);
  const [row] = rows;
  if (row === undefined) return null;
  const { lab, team, guard, number, author: login, author_id, smuggled } = row;
  const author = login === null ? null : { login, id: author_id === null ? null : Number(author_id) };
  return { lab, team, guard, pullRequest: number, author, smuggled };
}
