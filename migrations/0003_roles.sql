-- Two group roles to grant to logins: one for the reconciler and its workers, one that only reads (portal, auditors).
-- Roles belong to the whole server. Where this login may not create them, its operator can, with the names below, and
-- run the grants at the end; labkeeper itself then works as the owner of the tables.
do $$
declare
  v_role text;
begin
  foreach v_role in array array['labkeeper_readwrite', 'labkeeper_readonly'] loop
    begin
      execute format('create role %I nologin', v_role);
    exception
      when duplicate_object or unique_violation then null;
      when insufficient_privilege then raise notice 'role % was not created: this login may not', v_role;
    end;
  end loop;

  if exists (select 1 from pg_roles where rolname = 'labkeeper_readonly') then
    grant select on all tables in schema public to labkeeper_readonly;
  end if;
  if exists (select 1 from pg_roles where rolname = 'labkeeper_readwrite') then
    -- History can be added to, labs changed, and only the copy of the catalog removed from.
    grant select, insert, update on all tables in schema public to labkeeper_readwrite;
    grant delete on desired_labs, teams to labkeeper_readwrite;
    revoke insert, update on labkeeper_migrations, lab_transitions from labkeeper_readwrite;
  end if;
end $$;
