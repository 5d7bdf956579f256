-- Everything labkeeper knows. Rules that matter are constraints and triggers here, so that no program, this one
-- included, can break them: a destroy needs a cause, "destroyed" needs a receipt, an old lease cannot write, history
-- cannot be edited. Error codes raised: LK001 lease lost, LK002 forbidden transition, LK003 append-only,
-- LK004 pinned field, LK005 nothing may be installed before its intent is recorded, LK006 change without event.

-- Time-ordered ids (RFC 9562, version 7); Postgres has its own only since 18.
create function lk_uuid7() returns uuid language sql volatile parallel safe as $$
  select encode(
    set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
      placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6),
      52, 1), 53, 1), 'hex')::uuid
$$;

-- ------------------------------------------------------------------ desired

create table revisions (
  id bigint generated always as identity primary key,
  commit text not null check (commit ~ '^[0-9a-f]{40}([0-9a-f]{24})?$'),
  trusted_commit text not null,
  policy_digest text not null,
  recorded_at timestamptz not null default now()
);

-- The catalog as of the last revision: one row a lab file, parsed once.
create table desired_labs (
  path text primary key,
  blob_oid text not null,
  name text not null,
  -- Every name a refused file may stand for; empty for a good file.
  may_be text[] not null default '{}',
  team text not null,
  document jsonb,
  document_digest text,
  problems jsonb not null default '[]',
  commit text not null,
  check ((document is null) = (document_digest is null)),
  check (document is not null or jsonb_array_length(problems) > 0)
);
create index desired_labs_by_name on desired_labs (name, document_digest, path);
create index desired_labs_refused on desired_labs using gin (may_be) where document is null;

create table teams (
  name text primary key,
  max_concurrent_creates integer check (max_concurrent_creates > 0)
);

create table plans (
  id uuid primary key default lk_uuid7(),
  commit text not null,
  previous_commit text,
  hash text not null,
  body jsonb not null,
  correlation_id uuid not null,
  created_at timestamptz not null default now()
);

-- ----------------------------------------------------------------- observed

create table lab_transitions (
  from_state text not null,
  to_state text not null,
  -- worker: only under the lab's lease · operator: the reconciler or a command
  driver text not null check (driver in ('worker', 'operator')),
  primary key (from_state, to_state)
);
insert into lab_transitions (from_state, to_state, driver) values
  ('pending', 'provisioning', 'worker'),
  ('provisioning', 'ready', 'worker'),
  ('provisioning', 'failed', 'worker'),
  ('provisioning', 'failed_permanent', 'worker'),
  ('provisioning', 'timed_out', 'worker'),
  ('failed', 'provisioning', 'worker'),
  ('failed_permanent', 'failed', 'operator'),
  ('timed_out', 'failed', 'operator'),
  ('ready', 'updating', 'worker'),
  ('updating', 'ready', 'worker'),
  ('ready', 'hibernating', 'worker'),
  ('hibernating', 'hibernated', 'worker'),
  ('hibernating', 'ready', 'worker'),
  ('hibernated', 'resuming', 'worker'),
  ('resuming', 'ready', 'worker'),
  ('resuming', 'hibernated', 'worker'),
  ('pending', 'destroying', 'worker'),
  ('provisioning', 'destroying', 'worker'),
  ('ready', 'destroying', 'worker'),
  ('updating', 'destroying', 'worker'),
  ('hibernating', 'destroying', 'worker'),
  ('hibernated', 'destroying', 'worker'),
  ('resuming', 'destroying', 'worker'),
  ('failed', 'destroying', 'worker'),
  ('failed_permanent', 'destroying', 'worker'),
  ('timed_out', 'destroying', 'worker'),
  ('destroying', 'destroyed', 'worker'),
  ('destroying', 'destroy_failed', 'worker'),
  ('destroy_failed', 'destroying', 'worker');

create table destroy_receipts (
  id uuid primary key default lk_uuid7(),
  lab_id uuid not null unique,
  provisioner text not null,
  observations jsonb not null,
  created_at timestamptz not null default now(),
  unique (id, lab_id),
  -- Two independent looks, and neither saw anything nor failed to look.
  constraint receipt_is_two_absences check (
    jsonb_typeof(observations) = 'array'
    and jsonb_array_length(observations) >= 2
    and not jsonb_path_exists(observations, '$[*] ? (!(@.verdict == "absent"))')
  )
);

-- Profiles as labs pinned them; never changed, so a lab keeps its policy whatever becomes of the profile (P12).
create table policies (
  digest text primary key,
  name text not null,
  spec jsonb not null
);

create table labs (
  id uuid primary key,
  name text not null,
  team text not null,
  platform text not null,
  base_domain text,
  -- What cloud limits are counted by: platform and region.
  account_region text not null,
  state text not null default 'pending' check (state in (
    'pending', 'provisioning', 'ready', 'updating', 'hibernating', 'hibernated', 'resuming',
    'failed', 'failed_permanent', 'timed_out', 'destroying', 'destroy_failed', 'destroyed')),
  -- Indexes speak of this instead of the state, so that most state changes touch no index at all.
  live boolean generated always as (state <> 'destroyed') stored,
  state_since timestamptz not null default now(),
  -- Answers for its name: a live lab, or one that expired while its file stayed.
  current boolean not null default true,
  spec jsonb not null,
  policy_digest text not null references policies (digest),
  path text not null,
  commit text not null,
  document_digest text not null,
  failed_digest text,
  monthly_cost numeric not null default 0,
  resource_version bigint not null default 1,
  -- The highest fencing token that wrote this row.
  fence bigint not null default 0,
  intent jsonb,
  created_at timestamptz not null default now(),
  ready_at timestamptz,
  expires_at timestamptz,
  warned_at timestamptz,
  -- When a commit shortened its life to what is left of the warning: in effect a destroy, which the budget counts.
  cut_short_at timestamptz,
  leaving_since timestamptz,
  leaving_until timestamptz,
  leaving_cause jsonb,
  destroy_cause jsonb,
  destroy_requested_at timestamptz,
  failure jsonb,
  receipt_id uuid,
  foreign key (receipt_id, id) references destroy_receipts (id, lab_id),
  constraint destroy_has_cause check (
    state not in ('destroying', 'destroy_failed', 'destroyed')
    or coalesce(destroy_cause ->> 'kind', '') in ('commit', 'expired', 'command', 'replace')),
  constraint destroyed_has_receipt check (state <> 'destroyed' or receipt_id is not null),
  constraint ready_has_intent check (state not in ('ready', 'updating') or (intent is not null and ready_at is not null)),
  constraint live_is_current check (current or state = 'destroyed'),
  constraint ready_expires check ((ready_at is null) = (expires_at is null)),
  constraint leaving_is_whole check (
    (leaving_since is null) = (leaving_until is null) and (leaving_since is null) = (leaving_cause is null))
) with (fillfactor = 70);
create unique index labs_one_live_per_address on labs (name, platform, coalesce(base_domain, '')) where live;
create unique index labs_one_current_per_name on labs (name) include (document_digest, path) where current;
create index labs_by_name on labs (name, created_at);
create index labs_live_by_team on labs (team) include (monthly_cost) where live;
create index labs_expiring on labs (expires_at) where current and live;
create index labs_given_up on labs (created_at) where current and live and expires_at is null and state in ('failed_permanent', 'timed_out');
create index labs_leaving on labs (leaving_until) where leaving_until is not null and live;
create index labs_destroy_requested on labs (destroy_requested_at) where destroy_requested_at is not null;
create index labs_cut_short on labs (cut_short_at) where cut_short_at is not null;
create index labs_leaving_since on labs (leaving_since) where leaving_since is not null;

-- A lab's row as programs read it.
create function lk_lab(l labs) returns jsonb language sql stable as $$
  select to_jsonb(l) || jsonb_build_object('policy',
    (select jsonb_build_object('name', p.name, 'digest', p.digest, 'spec', p.spec) from policies p where p.digest = l.policy_digest))
$$;

create table lab_outputs (
  lab_id uuid primary key references labs (id),
  outputs jsonb not null,
  updated_at timestamptz not null default now()
);

create table holds (
  id text primary key,
  lab text not null,
  team text not null,
  lab_id uuid references labs (id),
  action text not null,
  guard text not null,
  message text not null,
  release text not null,
  approvable boolean not null,
  state text not null check (state in ('open', 'approved', 'used', 'withdrawn')),
  plan_id uuid references plans (id),
  approved_by text,
  created_at timestamptz not null default now(),
  resolved_at timestamptz,
  check (state <> 'approved' or (approvable and approved_by is not null))
);
create index holds_open on holds (lab) where state in ('open', 'approved');

-- --------------------------------------------------------------------- queue

create table leases (
  resource text primary key,
  holder text not null,
  -- Never goes back: a row is never deleted, each acquisition adds one.
  token bigint not null,
  expires_at timestamptz not null,
  acquired_at timestamptz not null default clock_timestamp()
) with (fillfactor = 50);

create table jobs (
  id uuid primary key default lk_uuid7(),
  lab_id uuid not null references labs (id),
  kind text not null check (kind in ('provision', 'update', 'destroy')),
  -- Order of claiming: destroys first, then updates, then creates.
  lane smallint generated always as (case kind when 'destroy' then 0 when 'update' then 1 else 2 end) stored,
  state text not null default 'queued' check (state in ('queued', 'running', 'succeeded', 'dead', 'cancelled')),
  team text not null,
  account_region text not null,
  run_at timestamptz not null default now(),
  attempt integer not null default 0,
  max_attempts integer not null,
  recoveries integer not null default 0,
  holder text,
  token bigint,
  cancel_requested boolean not null default false,
  cause jsonb not null,
  correlation_id uuid not null,
  phase text,
  percent smallint check (percent between 0 and 100),
  failure jsonb,
  created_at timestamptz not null default now(),
  claimed_at timestamptz,
  finished_at timestamptz,
  check ((state = 'running') = (holder is not null)),
  check ((state in ('succeeded', 'dead', 'cancelled')) = (finished_at is not null)),
  constraint destroys_never_die check (kind <> 'destroy' or state <> 'dead')
) with (fillfactor = 80);
create unique index jobs_one_running_per_lab on jobs (lab_id) where state = 'running';
create unique index jobs_one_queued_per_lab on jobs (lab_id) where state = 'queued';
create index jobs_queued on jobs (lane, team, run_at, id) where state = 'queued';
create index jobs_by_lab on jobs (lab_id, created_at);

create table job_steps (
  job_id uuid not null references jobs (id),
  step text not null,
  attempt integer not null,
  token bigint not null,
  -- The spec it was done for: a step done for an older one does not count when the job is taken up again.
  document_digest text not null,
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  primary key (job_id, step)
) with (fillfactor = 70);

-- -------------------------------------------------------------------- events

create table lab_events (
  event_id uuid primary key default lk_uuid7(),
  seq bigint generated always as identity,
  event_type text not null,
  version smallint not null default 1,
  "timestamp" timestamptz not null default clock_timestamp(),
  source text not null,
  lab_id uuid,
  lab text,
  actor text not null,
  cause jsonb,
  correlation_id uuid not null,
  payload jsonb not null default '{}',
  xact xid8 not null default pg_current_xact_id()
);
create index lab_events_by_lab on lab_events (lab, seq);
create index lab_events_by_xact on lab_events (lab_id, xact);

create function lk_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'history cannot be edited: % on %', tg_op, tg_table_name using errcode = 'LK003';
end $$;
create trigger lab_events_append_only before update or delete on lab_events for each row execute function lk_append_only();
create trigger lab_events_no_truncate before truncate on lab_events for each statement execute function lk_append_only();
create trigger receipts_append_only before update or delete on destroy_receipts for each row execute function lk_append_only();
create trigger receipts_no_truncate before truncate on destroy_receipts for each statement execute function lk_append_only();
create trigger policies_append_only before update or delete on policies for each row execute function lk_append_only();
create trigger leases_never_deleted before delete on leases for each row execute function lk_append_only();
create trigger labs_never_deleted before delete on labs for each row execute function lk_append_only();

-- ------------------------------------------------------------------ fencing

-- Refuses the holder of an old or ended lease. The row lock makes a take-over wait for the write that passed.
create function lk_require_lease(p_resource text, p_token bigint) returns void language plpgsql as $$
begin
  perform 1 from leases
    where resource = p_resource and token = p_token and expires_at > clock_timestamp()
    for share;
  if not found then
    raise exception 'lease on % with token % is lost', p_resource, p_token using errcode = 'LK001';
  end if;
end $$;

create function lk_check_lab() returns trigger language plpgsql as $$
declare
  v_driver text;
begin
  if tg_op = 'INSERT' then
    if new.state <> 'pending' then
      raise exception 'a lab starts as pending, not %', new.state using errcode = 'LK002';
    end if;
    return new;
  end if;
  if new.id <> old.id or new.name <> old.name or new.policy_digest <> old.policy_digest or new.created_at <> old.created_at
    or (old.intent is not null and new.intent is null) then
    raise exception 'lab %: a pinned field was changed', old.name using errcode = 'LK004';
  end if;
  if new.fence < old.fence then
    raise exception 'lab %: token % is older than %', old.name, new.fence, old.fence using errcode = 'LK001';
  end if;
  new.resource_version := old.resource_version + 1;
  if new.state <> old.state then
    select driver into v_driver from lab_transitions where from_state = old.state and to_state = new.state;
    if not found then
      raise exception 'lab %: % cannot become %', old.name, old.state, new.state using errcode = 'LK002';
    end if;
    if v_driver = 'worker' then
      perform lk_require_lease('lab:' || new.id, new.fence);
    end if;
    new.state_since := clock_timestamp();
  end if;
  return new;
end $$;
create trigger labs_check before insert or update on labs for each row execute function lk_check_lab();

create function lk_state_has_event() returns trigger language plpgsql as $$
begin
  if not exists (select 1 from lab_events e
      where e.lab_id = new.id and e.xact = pg_current_xact_id() and e.payload ->> 'state' = new.state) then
    raise exception 'lab %: state % without an event', new.name, new.state using errcode = 'LK006';
  end if;
  return null;
end $$;
create constraint trigger labs_insert_has_event after insert on labs
  deferrable initially deferred for each row execute function lk_state_has_event();
create constraint trigger labs_state_has_event after update of state on labs
  deferrable initially deferred for each row when (old.state is distinct from new.state) execute function lk_state_has_event();

create function lk_check_step() returns trigger language plpgsql as $$
declare
  v_lab uuid;
begin
  select lab_id into v_lab from jobs where id = new.job_id and state = 'running' and token = new.token;
  if not found then
    raise exception 'job % is not running under token %', new.job_id, new.token using errcode = 'LK001';
  end if;
  -- No row lock here, unlike for states: a step that is told late tells the truth all the same.
  if not exists (select 1 from leases
      where resource = 'lab:' || v_lab and token = new.token and expires_at > clock_timestamp()) then
    raise exception 'lease on lab % with token % is lost', v_lab, new.token using errcode = 'LK001';
  end if;
  if new.step = 'install' and not exists (select 1 from labs where id = v_lab and intent is not null) then
    raise exception 'job %: install before its intent is recorded', new.job_id using errcode = 'LK005';
  end if;
  return new;
end $$;
create trigger job_steps_check before insert or update on job_steps for each row execute function lk_check_step();
