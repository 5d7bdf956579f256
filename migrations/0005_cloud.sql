-- Clouds: supplies that labs reserve, resources whose lab is gone, and receipts that are looked at again.

-- What labs that are being made will take from a bounded supply, until the cloud itself counts it as used.
create table reservations (
  lab_id uuid not null references labs (id),
  scope text not null,
  resource text not null,
  amount numeric not null check (amount > 0),
  created_at timestamptz not null default now(),
  primary key (lab_id, scope, resource)
);
create index reservations_by_supply on reservations (scope, resource);

-- Resources that carry our tags or a cluster's, and that no living lab accounts for. Only told of, never removed by itself.
create table orphans (
  id text primary key,
  resource jsonb not null,
  why text not null,
  scope text not null,
  lab text,
  state text not null check (state in ('open', 'ignored', 'gone', 'destroyed')),
  first_seen timestamptz not null default now(),
  last_seen timestamptz not null default now(),
  decided_by text,
  decided_at timestamptz,
  check (state not in ('ignored', 'destroyed') or decided_by is not null)
);
create index orphans_open on orphans (first_seen) where state = 'open';

-- A receipt says "absent then"; clouds show some leftovers late, so it is checked again.
create table receipt_checks (
  receipt_id uuid not null references destroy_receipts (id),
  due_at timestamptz not null,
  not_before timestamptz not null,
  checked_at timestamptz,
  observation jsonb,
  primary key (receipt_id, due_at)
);
create index receipt_checks_due on receipt_checks (not_before) where checked_at is null;

create function lk_plan_receipt_checks() returns trigger language plpgsql as $$
begin
  insert into receipt_checks (receipt_id, due_at, not_before)
  select new.id, new.created_at + after, new.created_at + after
  from unnest(array[interval '24 hours', interval '7 days']) as after;
  return null;
end $$;
create trigger receipts_are_checked_again after insert on destroy_receipts
  for each row execute function lk_plan_receipt_checks();

-- ----------------------------------------------------------------- residue

-- A lab thought gone of which something was seen again is destroyed once more, under its own row and cause. Its name
-- may belong to a newer lab by now, so it does not answer for it.
alter table labs add column reopened boolean not null default false;
alter table labs drop constraint live_is_current;
alter table labs add constraint live_is_current check (current or reopened or state = 'destroyed');
drop index labs_one_live_per_address;
create unique index labs_one_live_per_address on labs (name, platform, coalesce(base_domain, '')) where live and not reopened;
alter table destroy_receipts drop constraint destroy_receipts_lab_id_key;
create index destroy_receipts_by_lab on destroy_receipts (lab_id, created_at);
insert into lab_transitions (from_state, to_state, driver) values ('destroyed', 'destroying', 'worker');

-- Each destruction needs a receipt of its own: an old one does not prove a new one.
create function lk_fresh_receipt() returns trigger language plpgsql as $$
begin
  if new.state = 'destroying' and old.state = 'destroyed' then
    new.receipt_id := null;
  end if;
  -- A supply is held only while a lab is being made.
  if new.state <> old.state and new.state in ('ready', 'failed_permanent', 'timed_out', 'destroyed') then
    delete from reservations where lab_id = new.id;
  end if;
  return new;
end $$;
create trigger labs_fresh_receipt before update of state on labs for each row execute function lk_fresh_receipt();

do $$
begin
  if exists (select 1 from pg_roles where rolname = 'labkeeper_readonly') then
    grant select on reservations, orphans, receipt_checks to labkeeper_readonly;
  end if;
  if exists (select 1 from pg_roles where rolname = 'labkeeper_readwrite') then
    grant select, insert, update on reservations, orphans, receipt_checks to labkeeper_readwrite;
    grant delete on reservations to labkeeper_readwrite;
  end if;
end $$;
