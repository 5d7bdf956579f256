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
  if old.state = 'merged' and (new.state <> 'merged' or new.head_commit <> old.head_commit or new.merge_commit <> old.merge_commit) then
    raise exception 'pull request %: a merge cannot be undone', old.number using errcode = 'LK002';
  end if;
  return new;
end $$;
create trigger pull_requests_check before update on pull_requests for each row execute function lk_check_pull_request();

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
create trigger reviews_append_only before update on reviews for each row execute function lk_append_only();

-- Labs whose destruction a review showed, by the lab's own id: a later lab of the same name is another one.
create table reviewed_destroys (
  review_id uuid not null references reviews (id) on delete cascade,
  lab_id uuid not null references labs (id),
  primary key (review_id, lab_id)
);
create index reviewed_destroys_by_lab on reviewed_destroys (lab_id);

create function lk_check_reviewed_destroy() returns trigger language plpgsql as $$
begin
  if exists (select 1 from reviews r where r.id = new.review_id and r.after_merge) then
    raise exception 'review %: what was planned after the merge was not reviewed', new.review_id using errcode = 'LK002';
  end if;
  return new;
end $$;
create trigger reviewed_destroys_check before insert on reviewed_destroys for each row execute function lk_check_reviewed_destroy();

-- Labs that a merged plan may destroy: the plan was made on the very head that was merged.
create view lk_reviewed_labs as
  select d.lab_id, p.number as pull_request, p.purpose
  from reviewed_destroys d
  join reviews r on r.id = d.review_id
  join pull_requests p on p.number = r.pull_request
  where p.state = 'merged' and p.head_commit = r.head_commit;

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

-- ------------------------------------------------------------------ reports

-- What is said at the host, one row a thing that is said. Level-triggered: what it should say is made anew each time
-- from what is recorded, so a row needs no text, only whether it may be behind.
create table reports (
  pull_request integer not null references pull_requests (number),
  kind text not null check (kind in ('comment', 'check', 'status', 'expiry')),
  subject text not null default '',
  wanted boolean not null default true,
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

-- Events of transactions before this one were all looked at. The lowest transaction still open is a safe mark: what
-- commits later has a number that is not below it.
create table report_cursor (
  one boolean primary key default true check (one),
  xact xid8 not null
);
insert into report_cursor (xact) values ('0');
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
  primary key (lab_id, purpose, detail)
);

do $$
begin
  if exists (select 1 from pg_roles where rolname = 'labkeeper_readonly') then
    grant select on pull_requests, reviews, reviewed_destroys, pull_request_labs, reports, report_cursor, host_cursors,
      comment_commands, webhook_deliveries, own_requests, lk_reviewed_labs to labkeeper_readonly;
  end if;
  if exists (select 1 from pg_roles where rolname = 'labkeeper_readwrite') then
    grant select, insert, update on pull_requests, reviews, reviewed_destroys, pull_request_labs, reports, report_cursor,
      host_cursors, comment_commands, webhook_deliveries, own_requests to labkeeper_readwrite;
    grant select on lk_reviewed_labs to labkeeper_readwrite;
    grant delete on pull_request_labs, reports, webhook_deliveries to labkeeper_readwrite;
  end if;
end $$;
