-- What a dry run hears of merges it may not write down. The rule stays one: the view is the function with nothing heard.
-- Each of `meanwhile`: number, head_commit, ended_at, updated_at of a pull request that the host tells was merged.

create function lk_reviewed_labs_with(meanwhile jsonb)
  returns table (lab_id uuid, pull_request integer, purpose text) language sql stable as $$
  select d.lab_id, p.number, p.purpose
  from reviewed_destroys d
  join reviews r on r.id = d.review_id
  join pull_requests p on p.number = r.pull_request
  -- What is recorded as merged, or newer than what was heard, stays as it is recorded.
  left join jsonb_to_recordset(meanwhile) as m(number integer, head_commit text, ended_at timestamptz, updated_at timestamptz)
    on m.number = p.number and p.state <> 'merged' and p.updated_at <= m.updated_at
  cross join lateral (
    select coalesce(m.head_commit, p.head_commit) as head_commit, coalesce(m.ended_at, p.ended_at) as ended_at
  ) x
  where (p.state = 'merged' or m.number is not null)
    and x.head_commit = r.head_commit and r.created_at < x.ended_at + interval '1 second'
    and not exists (
      select from reviews n
      where n.pull_request = r.pull_request and n.head_commit = r.head_commit and not n.after_merge
        and n.created_at > r.created_at and n.created_at < x.ended_at)
    and not exists (
      select from pull_request_labs k join pull_requests q on q.number = k.pull_request
      left join jsonb_to_recordset(meanwhile) as o(number integer, ended_at timestamptz, updated_at timestamptz)
        on o.number = q.number and q.state <> 'merged' and q.updated_at <= o.updated_at
      where k.lab_id = d.lab_id and k.action not in ('destroy', 'replace') and (q.state = 'merged' or o.number is not null)
        and (coalesce(o.ended_at, q.ended_at), q.number) > (x.ended_at, p.number))
    and not exists (
      select from lab_events e
      where e.lab_id = d.lab_id and e.event_type = 'lab.returned' and e."timestamp" > x.ended_at)
    and not exists (select from lab_files_seen f where f.lab_id = d.lab_id and f.at >= x.ended_at and f.at >= r.created_at)
$$;

create or replace view lk_reviewed_labs as
  select lab_id, pull_request, purpose from lk_reviewed_labs_with('[]');
