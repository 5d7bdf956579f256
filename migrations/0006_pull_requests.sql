-- Pull requests, what was planned for them, what is said on them, and what people ask for in comments. The truth about
-- labs stays where it was: nothing here makes or unmakes one. What matters is a rule here too: a destroy counts as
-- reviewed only by a plan that was made before the merge, on exactly the head that was merged.

create table pull_requests (
  number integer primary key check (number > 0),
  title text not null,
  author text not null,
  url text not null,
  state text not null check (state in ('open', 'merged', 'closed')),
  head_commit text not null,
  head_ref text not null,
  fork boolean not null,
  base_ref text not null,
  base_commit text not null,
  merge_commit text,
  -- Set on those that labkeeper opened itself.
  purpose text check (purpose in ('expire', 'extend', 'destroy')),
  updated_at timestamptz not null,
  ended_at timestamptz,
  recorded_at timestamptz not null default now(),
  check ((state = 'merged') = (merge_commit is not null)),
  check ((state = 'open') = (ended_at is null))
);
create index pull_requests_open on pull_requests (number) where state = 'open';

create function lk_check_pull_request() returns trigger language plpgsql as $$
begin
  if old.state = 'merged' and (new.state, new.head_commit, new.merge_commit, new.ended_at)
      is distinct from (old.state, old.head_commit, old.merge_commit, old.ended_at) then
    raise exception 'pull request %: a merge cannot be undone', old.number using errcode = 'LK002';
  end if;
  return new;
end $$;
create trigger pull_requests_check before update on pull_requests for each row execute function lk_check_pull_request();
create trigger pull_requests_never_deleted before delete on pull_requests for each row execute function lk_append_only();

-- What was shown. A new head or base makes a new review; the newest of a head counts.
create table reviews (
  id uuid primary key default lk_uuid7(),
  pull_request integer not null references pull_requests (number),
  head_commit text not null,
  base_commit text not null,
  hash text not null,
  body jsonb not null,
  -- Made when the merge was known already: it explains, and reviews nothing.
  after_merge boolean not null,
  created_at timestamptz not null default clock_timestamp()
);
create index reviews_by_pull_request on reviews (pull_request, created_at desc);
create trigger reviews_append_only before update or delete on reviews for each row execute function lk_append_only();
create trigger reviews_no_truncate before truncate on reviews for each statement execute function lk_append_only();

create function lk_check_review() returns trigger language plpgsql as $$
begin
  if not new.after_merge and exists (select from pull_requests p where p.number = new.pull_request and p.state = 'merged') then
    raise exception 'pull request %: it was merged already, so this is no review of it', new.pull_request using errcode = 'LK002';
  end if;
  -- Whoever could choose the time could choose one before the merge.
  new.created_at := clock_timestamp();
  return new;
end $$;
create trigger reviews_check before insert on reviews for each row execute function lk_check_review();

-- Labs whose destruction a review showed, by the lab's own id: a later lab of the same name is another one.
create table reviewed_destroys (
  review_id uuid not null references reviews (id),
  lab_id uuid not null references labs (id),
  primary key (review_id, lab_id)
);
create index reviewed_destroys_by_lab on reviewed_destroys (lab_id);
create trigger reviewed_destroys_append_only before update or delete on reviewed_destroys
  for each row execute function lk_append_only();
create trigger reviewed_destroys_no_truncate before truncate on reviewed_destroys
  for each statement execute function lk_append_only();

create function lk_check_reviewed_destroy() returns trigger language plpgsql as $$
begin
  if exists (select from reviews r join pull_requests p on p.number = r.pull_request
      where r.id = new.review_id and (r.after_merge or p.state = 'merged')) then
    raise exception 'review %: what was planned after the merge was not reviewed', new.review_id using errcode = 'LK002';
  end if;
  return new;
end $$;
create trigger reviewed_destroys_check before insert on reviewed_destroys for each row execute function lk_check_reviewed_destroy();

-- Labs that a pull request touches, by the review of its last head. Stays after the merge: the board is of these.
create table pull_request_labs (
  pull_request integer not null references pull_requests (number),
  lab text not null,
  team text not null,
  path text not null,
  action text not null check (action in ('create', 'update', 'replace', 'destroy')),
  -- The lab that was there at review; for one that was created, the lab that came of it.
  lab_id uuid references labs (id),
  primary key (pull_request, lab)
);
create index pull_request_labs_by_lab on pull_request_labs (lab, pull_request);
create index pull_request_labs_by_lab_id on pull_request_labs (lab_id);

create index lab_events_of_return on lab_events (lab_id, "timestamp") where event_type = 'lab.returned';

-- What was merged before this time says nothing of the lab any more: its file was there afterwards. Without it a plan
-- that was merged once would cover any later removal of a file that had come back in between.
create table lab_files_seen (
  lab_id uuid primary key references labs (id),
  at timestamptz not null
);

-- A file that comes back was seen now. One that goes was there at the last revision; the host's clock and this one may
-- differ a little, and a merge may show in git before its time is told.
create function lk_see_lab_files() returns trigger language plpgsql as $$
declare
  seen timestamptz := case tg_op
    when 'INSERT' then clock_timestamp()
    else (select recorded_at from revisions order by id desc limit 1) - interval '1 minute'
  end;
begin
  insert into lab_files_seen as f (lab_id, at)
    select l.id, seen
    from (select name from rows union select unnest(may_be) from rows) d
    join labs l on l.name = d.name and l.current and l.live
    where seen is not null
    order by l.id
    on conflict (lab_id) do update set at = greatest(f.at, excluded.at);
  return null;
end $$;
create trigger desired_labs_come after insert on desired_labs referencing new table as rows
  for each statement execute function lk_see_lab_files();
create trigger desired_labs_go after delete on desired_labs referencing old table as rows
  for each statement execute function lk_see_lab_files();

-- Labs that a merged plan may destroy: the newest plan of the very head that was merged, made before the merge, and
-- nothing has brought the lab's file back since: no other pull request, no return from the grace, no file that was seen
-- after both plan and merge. Hosts tell of a merge in whole seconds: a plan from that second may
-- have been before it and counts, but may have been after it as well, so it takes nothing away.
create view lk_reviewed_labs as
  select d.lab_id, p.number as pull_request, p.purpose
  from reviewed_destroys d
  join reviews r on r.id = d.review_id
  join pull_requests p on p.number = r.pull_request
  where p.state = 'merged' and p.head_commit = r.head_commit and r.created_at < p.ended_at + interval '1 second'
    and not exists (
      select from reviews n
      where n.pull_request = r.pull_request and n.head_commit = r.head_commit and not n.after_merge
        and n.created_at > r.created_at and n.created_at < p.ended_at)
    and not exists (
      select from pull_request_labs k join pull_requests q on q.number = k.pull_request
      where k.lab_id = d.lab_id and k.action not in ('destroy', 'replace') and q.state = 'merged'
        and (q.ended_at, q.number) > (p.ended_at, p.number))
    and not exists (
      select from lab_events e
      where e.lab_id = d.lab_id and e.event_type = 'lab.returned' and e."timestamp" > p.ended_at)
    and not exists (select from lab_files_seen f where f.lab_id = d.lab_id and f.at >= p.ended_at and f.at >= r.created_at);

-- ------------------------------------------------------------------ reports

-- What is said at the host, one row a thing that is said. Level-triggered: what it should say is made anew each time
-- from what is recorded, so a row needs no text, only whether it may be behind.
create table reports (
  pull_request integer not null references pull_requests (number),
  kind text not null check (kind in ('comment', 'check', 'status', 'expiry')),
  subject text not null default '',
  wanted boolean not null default true,
  -- Another one each time something makes it wanted: whoever says it takes back only the want that it was said for.
  mark bigint not null generated always as identity,
  -- Since when it waits.
  wanted_at timestamptz not null default clock_timestamp(),
  remote_id bigint,
  sent_digest text,
  sent_at timestamptz,
  next_at timestamptz not null default '-infinity',
  failures integer not null default 0,
  last_error text,
  primary key (pull_request, kind, subject)
);
create index reports_wanted on reports (next_at, wanted_at) where wanted;

-- Whose events were looked at: those of transactions that this snapshot sees. A transaction that was open then is not
-- among them, however low its number and whenever it commits, so none is overlooked and none is looked at twice.
create table report_cursor (
  one boolean primary key default true check (one),
  seen pg_snapshot not null
);
insert into report_cursor (seen) values (pg_current_snapshot());
create index lab_events_by_transaction on lab_events (xact);

create table host_cursors (
  name text primary key,
  value timestamptz not null
);

-- ----------------------------------------------------------------- comments

create table comment_commands (
  comment_id bigint primary key,
  comment_url text not null,
  pull_request integer not null,
  author text not null,
  command text not null check (length(command) <= 500),
  state text not null default 'received' check (state in ('received', 'done', 'refused')),
  answer text not null default '' check (length(answer) <= 2000),
  given_at timestamptz not null,
  received_at timestamptz not null default now(),
  answered_at timestamptz,
  check ((state = 'received') = (answered_at is null))
);
create index comment_commands_by_pull_request on comment_commands (pull_request, comment_id);
create index comment_commands_received on comment_commands (comment_id) where state = 'received';

create function lk_check_comment_command() returns trigger language plpgsql as $$
begin
  if old.state <> 'received' then
    raise exception 'comment %: it was answered already', old.comment_id using errcode = 'LK002';
  end if;
  return new;
end $$;
create trigger comment_commands_check before update on comment_commands for each row execute function lk_check_comment_command();
create trigger comment_commands_never_deleted before delete on comment_commands for each row execute function lk_append_only();

create table webhook_deliveries (
  id text primary key check (length(id) <= 100),
  event text not null check (length(event) <= 100),
  received_at timestamptz not null default now()
);
create index webhook_deliveries_by_time on webhook_deliveries (received_at);

-- --------------------------------------------------- labkeeper's own requests

create table own_requests (
  lab_id uuid not null references labs (id),
  lab text not null,
  purpose text not null check (purpose in ('expire', 'extend', 'destroy')),
  detail text not null,
  branch text not null unique,
  asked_by text not null,
  pull_request integer,
  created_at timestamptz not null default now(),
  -- When it was beside the point; it is not asked for again.
  closed_at timestamptz,
  primary key (lab_id, purpose, detail)
);
create index own_requests_by_pull_request on own_requests (pull_request);

do $$
begin
  if exists (select 1 from pg_roles where rolname = 'labkeeper_readonly') then
    grant select on pull_requests, reviews, reviewed_destroys, pull_request_labs, reports, report_cursor, host_cursors,
      comment_commands, webhook_deliveries, own_requests, lab_files_seen, lk_reviewed_labs to labkeeper_readonly;
  end if;
  if exists (select 1 from pg_roles where rolname = 'labkeeper_readwrite') then
    grant select, insert, update on pull_requests, reviews, reviewed_destroys, pull_request_labs, reports, report_cursor,
      host_cursors, comment_commands, webhook_deliveries, own_requests, lab_files_seen to labkeeper_readwrite;
    grant select on lk_reviewed_labs to labkeeper_readwrite;
    grant delete on pull_request_labs, reports, webhook_deliveries to labkeeper_readwrite;
  end if;
end $$;
