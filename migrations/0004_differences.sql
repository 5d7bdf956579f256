-- Names whose file and lab may differ, so that a cycle looks at what changed instead of at everything. A name too many
-- costs one look; a name too few would be overlooked. So whoever changes a side puts the name here in the same
-- transaction, and only a cycle that found both sides equal takes it away, unless it was put here again meanwhile:
-- then its mark is another.
create table differences (
  name text primary key,
  mark bigint generated always as identity
);

create function lk_mark_difference() returns trigger language plpgsql set enable_seqscan = off as $$
begin
  insert into differences (name) values (new.name) on conflict (name) do update set mark = default;
  return null;
end $$;
create trigger labs_new_differs after insert on labs for each row execute function lk_mark_difference();
create trigger labs_differ after update of current, document_digest, path on labs for each row
  when (old.current is distinct from new.current or old.document_digest <> new.document_digest or old.path <> new.path)
  execute function lk_mark_difference();
insert into differences (name) select name from labs union select name from desired_labs;

-- Refused files are few, and every comparison asks for all of them.
create index desired_labs_unreadable on desired_labs (path) where document is null;

do $$
begin
  if exists (select 1 from pg_roles where rolname = 'labkeeper_readonly') then
    grant select on differences to labkeeper_readonly;
  end if;
  if exists (select 1 from pg_roles where rolname = 'labkeeper_readwrite') then
    grant select, insert, update, delete on differences to labkeeper_readwrite;
  end if;
end $$;
