-- Workers that die, and what they die of; tokens that outlive a restore; rows locked in one order by everybody.

-- ------------------------------------------------------------------ tokens

-- The next token of a lease. Microseconds since 1970 by this server's clock, so that a database restored from a backup
-- gives none that was given after the backup was made. 53 bits, which JSON and JavaScript keep exactly, last until 2255.
-- A clock that went back costs nothing: it is one more than before at least.
create function lk_next_token(p_previous bigint) returns bigint language sql volatile as $$
  select greatest(p_previous + 1, floor(extract(epoch from clock_timestamp()) * 1000000)::bigint, 1)
$$;

-- --------------------------------------------------------------- suspicion

-- A job may be what its workers die of. Each loss of a worker raises the suspicion of what that process was doing:
--   0, 1  none: it runs as any other
--   2, 3  suspected: on trial, at most one in a process; back at 1 once it ran longer than when a worker was ever lost
--   4, 5  on trial without company: nothing in its process is younger than the trial is long, nothing joins it meanwhile
--   6     given up (LK5010); a destroy is tried again later, and stays at 5
-- In company suspicion ends at 2, so only a loss on trial leads on: who merely ran beside a poisonous job is never
-- given up. A step that was never done before takes all of it away, and so does the end of an attempt.
alter table jobs add column suspicion smallint not null default 0;
-- The longest it ran before a worker was lost, while there is suspicion.
alter table jobs add column longest_run interval;
alter table jobs add constraint suspicion_has_a_run check (suspicion = 0 or longest_run is not null);
create index jobs_suspected on jobs (suspicion) where suspicion >= 2 and state in ('queued', 'running');
-- Its worker let the lease run out, and that is counted; until somebody takes it over.
alter table jobs add column lost boolean not null default false;
-- Done once already for this attempt and document: doing it again after a crash is no progress.
alter table job_steps add column passed boolean not null default false;

-- ----------------------------------------------------------------- claiming

create or replace function lk_claim_jobs(
  p_worker text, p_slots integer, p_destroy_slots integer, p_lease_seconds numeric,
  p_max_jobs integer, p_max_creates integer, p_max_creates_per_team integer, p_max_creates_per_account integer
) returns setof jsonb language plpgsql
-- The queue's size swings faster than statistics follow; these keep the planner on the index made for this query.
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_sort = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_chosen uuid[];
  v_tried jobs;
  v_trying boolean;
  v_alone boolean;
  v_exclusive boolean;
  v_own integer;
  v_youngest timestamptz;
  v_drains boolean := false;
  v_ids uuid[];
  v_expires timestamptz;
begin
  if p_slots <= 0 and p_destroy_slots <= 0 then return; end if;
  perform pg_advisory_xact_lock(x'6c61626b'::int, 1);

  -- Whose worker was lost since the last claim. All that was running there may be why, but for what was not begun where
  -- something else was. One whose row is being written just now is seen to by the next claim.
  with gone as (
    select j.id, j.holder, j.claimed_at, l.expires_at,
      exists (select from job_steps s where s.job_id = j.id and s.token = j.token) as begun
    from jobs j join leases l on l.resource = 'lab:' || j.lab_id
    where j.state = 'running' and not j.lost and l.expires_at <= clock_timestamp()
    order by j.id for no key update of j skip locked
  ),
  judged as (
    select g.id, g.expires_at - g.claimed_at as ran,
      -- When its worker was last heard of: then it renewed the lease.
      g.expires_at - make_interval(secs => p_lease_seconds) as heard_at,
      g.begun or not exists (select from jobs o join job_steps s on s.job_id = o.id and s.token = o.token
        where o.state = 'running' and o.holder = g.holder) as may_be_why
    from gone g
  )
  update jobs j set lost = true,
    suspicion = case
      when not x.may_be_why then j.suspicion
      when j.suspicion >= 2 and x.heard_at <= j.claimed_at + j.longest_run then j.suspicion + 1
      else greatest(j.suspicion, least(j.suspicion + 1, 2)) end,
    longest_run = case when x.may_be_why then greatest(j.longest_run, x.ran) else j.longest_run end
  from judged x where j.id = x.id;

  -- What came past the moment when its workers used to be lost is acquitted. What is left of this worker's suspects is
  -- on trial; somebody may hold the row of one that is not any more, which then counts for this time.
  update jobs j set suspicion = 1 where j.id in (
    select o.id from jobs o join leases l on l.resource = 'lab:' || o.lab_id
    where o.state = 'running' and o.suspicion >= 2 and o.suspicion <= 5 and o.holder = p_worker
      and l.expires_at > clock_timestamp() and o.claimed_at + o.longest_run < clock_timestamp()
    order by o.id for no key update of o skip locked);
  select count(*) > 0, coalesce(bool_or(j.suspicion >= 4), false) into v_trying, v_alone
  from jobs j join leases l on l.resource = 'lab:' || j.lab_id
  where j.state = 'running' and j.suspicion >= 2 and j.suspicion <= 5 and j.holder = p_worker
    and l.expires_at > clock_timestamp();
  if v_alone then return; end if;

  -- A job that must have no young company: it goes where everything is older than its trial is long, and the worker that
  -- has the least to do takes nothing until it is such a place.
  select exists (select from jobs j where j.suspicion >= 4 and j.suspicion <= 5 and j.state in ('queued', 'running'))
    into v_exclusive;
  if v_exclusive then
    select count(*), max(j.claimed_at) into v_own, v_youngest
    from jobs j join leases l on l.resource = 'lab:' || j.lab_id
    where j.state = 'running' and j.holder = p_worker and l.expires_at > clock_timestamp();
    v_drains := not exists (
      select from jobs j join leases l on l.resource = 'lab:' || j.lab_id
      where j.state = 'running' and j.holder <> p_worker and l.expires_at > clock_timestamp()
      group by j.holder having (count(*), j.holder) < (v_own, p_worker));
  end if;

  with recursive
  running as materialized (
    select j.id, j.lab_id, j.lane, j.team, j.account_region,
           j.lost as abandoned, j.suspicion, j.longest_run
    from jobs j where j.state = 'running'
  ),
  totals as materialized (
    -- Abandoned ones count too: whoever had them may still be at work.
    select count(*) as jobs, count(*) filter (where lane = 2) as creates from running
  ),
  by_team as materialized (
    select team, count(*) as jobs, count(*) filter (where lane = 2) as creates from running group by team
  ),
  by_account as materialized (
    select account_region, count(*) as creates from running where lane = 2 group by account_region
  ),
  -- A loose index scan: one probe for each team with queued work instead of a pass over the whole queue.
  waiting (lane, team) as (
    (select j.lane, j.team from jobs j where j.state = 'queued' order by j.lane, j.team limit 1)
    union all
    select n.lane, n.team from waiting w cross join lateral (
      select j.lane, j.team from jobs j
      where j.state = 'queued' and (j.lane, j.team) > (w.lane, w.team)
      order by j.lane, j.team limit 1) n
  ),
  -- Enough of each team's queue to fill the slots twice over; the next claim sees the rest.
  depth as materialized (
    select greatest(1, ceil(2.0 * (p_slots + p_destroy_slots) / greatest(1, count(*))))::integer as jobs from waiting
  ),
  candidates as (
    select c.id, c.lane, c.run_at, c.account_region,
           coalesce(t.jobs, 0) + row_number() over (partition by c.team order by c.lane, c.run_at, c.id) as turn
    from waiting w cross join depth d
    left join by_team t on t.team = w.team
    left join teams p on p.name = w.team
    cross join lateral (
      select j.id, j.lane, j.team, j.run_at, j.account_region
      from jobs j join labs b on b.id = j.lab_id
      where j.state = 'queued' and j.lane = w.lane and j.team = w.team and j.run_at <= clock_timestamp()
        and not exists (select 1 from running r where r.lab_id = j.lab_id)
        and not exists (select 1 from by_account a
          where j.lane = 2 and a.account_region = j.account_region and a.creates >= p_max_creates_per_account)
        and (j.lane = 0 or (j.lane = 1 and b.state in ('ready', 'updating'))
          or (j.lane = 2 and b.state in ('pending', 'failed', 'provisioning')))
        and (j.suspicion not between 2 and 5 or (not v_trying and (j.suspicion < 4 or v_drains
          or v_youngest is null or v_youngest + j.longest_run <= clock_timestamp())))
      order by j.run_at, j.id
      limit case
        when w.lane < 2 then d.jobs
        else greatest(0, least(d.jobs, coalesce(p.max_concurrent_creates, p_max_creates_per_team) - coalesce(t.creates, 0)))
      end
    ) c
  ),
  ranked as (
    select id, lane, turn, run_at,
           row_number() over (partition by account_region, lane order by turn, run_at, id) as account_turn,
           account_region
    from candidates
  ),
  allowed as (
    select r.id, r.lane, r.turn, r.run_at, row_number() over (partition by r.lane order by r.turn, r.run_at, r.id) as lane_turn
    from ranked r left join by_account a using (account_region)
    where r.lane <> 2 or r.account_turn <= p_max_creates_per_account - coalesce(a.creates, 0)
  ),
  within as (
    select a.id, a.lane,
           row_number() over (order by a.lane, a.turn, a.run_at, a.id) as place,
           row_number() over (order by a.lane <> 0, a.turn, a.run_at, a.id) as destroy_place
    from allowed a cross join totals t
    where a.lane <> 2 or a.lane_turn <= p_max_creates - t.creates
  ),
  chosen as (
    select r.id from running r where r.abandoned
      and (r.suspicion not between 2 and 5 or (not v_trying and (r.suspicion < 4 or v_drains
          or v_youngest is null or v_youngest + r.longest_run <= clock_timestamp())))
    union all
    (select w.id from within w cross join totals t
     where w.place <= p_max_jobs - t.jobs and (w.place <= p_slots or (w.lane = 0 and w.destroy_place <= p_slots + p_destroy_slots))
     order by w.place)
  )
  select array_agg(id) into v_chosen from chosen;

  if v_chosen is null then return; end if;

  -- One at a time, who is suspected most first: the poisonous one is found out soonest.
  select j.* into v_tried from jobs j where j.id = any (v_chosen) and j.suspicion between 2 and 5
  order by j.suspicion desc, j.run_at, j.id limit 1;
  if v_tried.suspicion >= 4 then
    if v_youngest + v_tried.longest_run > clock_timestamp() then return; end if;
    v_chosen := array[v_tried.id];
  elsif v_tried.id is not null then
    v_chosen := array(select j.id from jobs j
      where j.id = any (v_chosen) and (j.suspicion not between 2 and 5 or j.id = v_tried.id));
  end if;

  v_expires := clock_timestamp() + make_interval(secs => p_lease_seconds);
  -- A statement of its own, so that the few chosen rows are always fetched by their key.
  with locked as (
    select j.id, j.lab_id from jobs j
    where j.id = any (v_chosen) and j.state in ('queued', 'running')
    order by j.suspicion desc, j.id
    limit p_slots + p_destroy_slots
    for update of j skip locked
  ),
  leased as (
    insert into leases as l (resource, holder, token, expires_at)
    select 'lab:' || lab_id, p_worker, lk_next_token(null), v_expires from locked
    on conflict (resource) do update
      set holder = excluded.holder, token = lk_next_token(l.token), expires_at = excluded.expires_at, acquired_at = clock_timestamp()
      -- The lease is the lock: whatever the job's row says, a living holder keeps it.
      where l.expires_at <= clock_timestamp()
    returning resource, token
  ),
  taken as (
    update jobs j set
      attempt = j.attempt + (j.state = 'queued')::int,
      recoveries = j.recoveries + (j.state = 'running')::int,
      lost = false,
      state = 'running', holder = p_worker, token = s.token, claimed_at = clock_timestamp(),
      phase = null, percent = null, cancel_requested = (j.state = 'running' and j.cancel_requested)
    from locked k join leased s on s.resource = 'lab:' || k.lab_id
    where j.id = k.id
    returning j.id
  )
  select array_agg(id) into v_ids from taken;

  if v_ids is null then return; end if;

  perform 1 from labs b join jobs j on j.lab_id = b.id where j.id = any (v_ids) order by b.id for no key update of b;
  update labs b set fence = j.token,
    state = case j.kind when 'provision' then 'provisioning' when 'update' then 'updating' else 'destroying' end
  from jobs j where j.id = any (v_ids) and b.id = j.lab_id;

  insert into lab_events (event_type, source, lab_id, lab, actor, cause, correlation_id, payload)
  select j.kind || '.started', 'worker', b.id, b.name, p_worker, j.cause, j.correlation_id,
         jsonb_build_object('state', b.state, 'job', j.id, 'attempt', j.attempt, 'recoveries', j.recoveries,
           'suspicion', j.suspicion)
  from jobs j join labs b on b.id = j.lab_id where j.id = any (v_ids);

  return query
  select jsonb_build_object(
    'id', j.id, 'kind', j.kind, 'cause', j.cause, 'attempt', j.attempt, 'max_attempts', j.max_attempts,
    'correlation_id', j.correlation_id, 'token', j.token, 'lab', lk_lab(b), 'recoveries', j.recoveries,
    'poisonous', j.suspicion > 5,
    'outputs', (select o.outputs from lab_outputs o where o.lab_id = b.id),
    'done_steps', (select coalesce(jsonb_agg(s.step), '[]') from job_steps s where s.job_id = j.id and s.attempt = j.attempt and s.document_digest = b.document_digest and s.finished_at is not null))
  from jobs j join labs b on b.id = j.lab_id
  where j.id = any (v_ids)
  order by j.lane, j.run_at, j.id;
end $$;

-- -------------------------------------------------------------------- runs

-- Marks steps as running and the ones before them as done for good, as before; what gets further is not suspected.
create or replace function lk_begin_steps(p_begins jsonb) returns void language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_further uuid[];
begin
  if jsonb_path_exists(p_begins, '$[*] ? (@.previous != null)') then
    with done as (
      update job_steps s set finished_at = clock_timestamp(), token = r.token, passed = true
      from jsonb_to_recordset(p_begins) as r(job uuid, previous text, token bigint)
        join job_steps b on b.job_id = r.job and b.step = r.previous
      where s.job_id = r.job and s.step = r.previous
      returning s.job_id, b.passed as before
    )
    select array_agg(job_id) into v_further from done where not before;
    -- It got further than ever: whatever its workers died of, it has come past that.
    if exists (select from jobs j where j.id = any (v_further) and j.suspicion > 0) then
      perform 1 from jobs j where j.id = any (v_further) order by j.id for no key update;
      update jobs j set suspicion = 0, longest_run = null where j.id = any (v_further) and j.suspicion > 0;
    end if;
  end if;
  insert into job_steps (job_id, step, attempt, token, document_digest)
  select job, step, attempt, token, digest
  from jsonb_to_recordset(p_begins) as r(job uuid, step text, attempt integer, token bigint, digest text)
  on conflict (job_id, step) do update
    set passed = job_steps.passed and job_steps.attempt = excluded.attempt
        and job_steps.document_digest = excluded.document_digest,
      attempt = excluded.attempt, token = excluded.token, document_digest = excluded.document_digest,
      started_at = clock_timestamp(), finished_at = null;
end $$;

-- Endings and records of runs lock what they change in one order, as claims and plans do: two that meet wait for each
-- other and never both.
create or replace function lk_record_intents(p_intents jsonb) returns void language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  perform lk_require_lease('lab:' || r.lab, r.token)
  from (select lab, token from jsonb_to_recordset(p_intents) as r(lab uuid, token bigint) order by lab) r;

  perform 1 from labs b where b.id in (select r.lab from jsonb_to_recordset(p_intents) as r(lab uuid))
  order by b.id for no key update;
  update labs b set intent = r.intent, fence = r.token
  from jsonb_to_recordset(p_intents) as r(lab uuid, token bigint, intent jsonb)
  where b.id = r.lab;

  insert into lab_events (event_type, source, lab_id, lab, actor, cause, correlation_id, payload)
  select 'intent.recorded', 'worker', b.id, b.name, r.actor, r.cause, r.correlation_id,
    jsonb_build_object('job', r.job, 'intent', r.intent)
  from jsonb_to_recordset(p_intents)
    as r(job uuid, lab uuid, intent jsonb, actor text, cause jsonb, correlation_id uuid) join labs b on b.id = r.lab;
end $$;

create or replace function lk_record_outputs(p_outputs jsonb) returns void language plpgsql
set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  perform lk_require_lease('lab:' || r.lab, r.token)
  from (select lab, token from jsonb_to_recordset(p_outputs) as r(lab uuid, token bigint) order by lab) r;

  insert into lab_outputs (lab_id, outputs)
  select r.lab, r.outputs from jsonb_to_recordset(p_outputs) as r(lab uuid, outputs jsonb)
  on conflict (lab_id) do update set outputs = excluded.outputs, updated_at = clock_timestamp();
end $$;

create or replace function lk_finish_jobs(p_endings jsonb) returns void language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_endings lk_ending[];
  v_moot uuid[];
  v_count integer := jsonb_array_length(p_endings);
begin
  -- Everybody locks in this order, rows of one kind by their key: jobs, leases, labs, differences.
  perform 1 from jobs j
  where j.id in (select e.job from jsonb_to_recordset(p_endings) as e(job uuid)) order by j.id for no key update;
  perform 1 from leases l
  where l.resource in (select 'lab:' || j.lab_id
    from jsonb_to_recordset(p_endings) as e(job uuid) join jobs j on j.id = e.job)
  order by l.resource collate "C" for no key update;

  -- Work that waits behind a job decides whether that is worth doing again; a lab that is given up is not updated.
  if jsonb_path_exists(p_endings, '$[*] ? (@.job_state == "queued" || @.job_state == "dead")') then
    update jobs o set state = 'cancelled', finished_at = clock_timestamp()
    from jsonb_to_recordset(p_endings) as e(job uuid, job_state text) join jobs j on j.id = e.job
    where o.lab_id = j.lab_id and o.state = 'queued' and o.kind <> 'destroy'
      and (e.job_state = 'dead' or (e.job_state = 'queued' and o.kind <> j.kind));

    select array_agg(j.id) into v_moot
    from jsonb_to_recordset(p_endings) as e(job uuid, job_state text) join jobs j on j.id = e.job
    where e.job_state = 'queued' and exists (select from jobs o where o.lab_id = j.lab_id and o.state = 'queued');
  end if;

  -- First, while the job still runs: nothing else may write its steps.
  update job_steps s set finished_at = clock_timestamp(), token = e.token
  from jsonb_to_recordset(p_endings) as e(job uuid, token bigint, job_state text) join jobs j on j.id = e.job
  where e.job_state = 'succeeded' and s.job_id = j.id and s.attempt = j.attempt and s.finished_at is null;

  with told as materialized (
    select e.*, case when e.job = any (v_moot) then 'cancelled' else e.job_state end as next_state
    from jsonb_populate_recordset(null::lk_ending, p_endings) e
  ),
  ended as (
    update jobs j set
      state = e.next_state, holder = null, phase = null, percent = null, failure = e.failure,
      attempt = j.attempt - (e.event like '%.released')::integer,
      -- A hand-over is not the end of an attempt. A destroy that was given up is tried once more before it is again.
      recoveries = case when e.next_state = 'queued' and e.event not like '%.released' then 0 else j.recoveries end,
      suspicion = case
        when e.event like '%.released' then j.suspicion
        when e.failure ->> 'code' = 'LK5010' then case when e.next_state = 'queued' then 5 else j.suspicion end
        else 0 end,
      longest_run = case when e.event like '%.released' or e.failure ->> 'code' = 'LK5010' then j.longest_run end,
      run_at = case when e.next_state = 'queued' then coalesce(e.run_at, clock_timestamp()) else j.run_at end,
      finished_at = case when e.next_state <> 'queued' then clock_timestamp() end
    from told e
    where j.id = e.job and j.state = 'running' and j.token = e.token
    returning j.id, e.token, e.event, e.next_state, e.lab_state, e.run_at, e.failure, e.outputs, e.receipt, e.payload,
      e.digest, j.lab_id, j.attempt, j.max_attempts, j.cause, j.correlation_id
  )
  select array_agg(row(e.*)::lk_ending order by e.lab_id) into v_endings from ended e;
  if coalesce(cardinality(v_endings), 0) <> v_count then
    raise exception 'one of these jobs is not running under its token: %',
      jsonb_path_query_array(p_endings, '$[*].job') using errcode = 'LK001';
  end if;

  -- What kept company with a job that is given up was suspected for its sake.
  if exists (select from unnest(v_endings) e where e.failure ->> 'code' = 'LK5010') then
    update jobs o set suspicion = 1
    where o.id in (select j.id from jobs j where j.suspicion = 2 and j.state in ('queued', 'running')
      order by j.id for no key update skip locked);
  end if;

  perform 1 from labs b where b.id in (select e.lab_id from unnest(v_endings) e) order by b.id for no key update;
  -- Where a lab's end makes its name differ, marked here in the order in which a plan locks names.
  insert into differences (name)
  select b.name from unnest(v_endings) e join labs b on b.id = e.lab_id
  where e.lab_state = 'destroyed' and b.current and b.destroy_cause ->> 'kind' not in ('expired', 'command')
  group by b.name order by b.name collate "C"
  on conflict (name) do update set mark = default;

  insert into destroy_receipts (lab_id, provisioner, observations)
  select e.lab_id, e.receipt ->> 'provisioner', e.receipt -> 'observations' from unnest(v_endings) e
  where e.receipt is not null;

  update labs b set
    fence = e.token,
    state = coalesce(e.lab_state, b.state),
    failure = e.failure,
    failed_digest = case e.job_state when 'dead' then b.document_digest when 'succeeded' then null else b.failed_digest end,
    ready_at = case when e.lab_state = 'ready' then coalesce(b.ready_at, clock_timestamp()) else b.ready_at end,
    -- From its first moment ready; later only an edit of its file moves it.
    expires_at = case when e.lab_state = 'ready' and b.ready_at is null
      then clock_timestamp() + make_interval(secs => (b.spec ->> 'ttlHours')::numeric * 3600)
      else b.expires_at end,
    receipt_id = case when e.receipt is null then b.receipt_id
      else (select r.id from destroy_receipts r where r.lab_id = b.id order by r.created_at desc limit 1) end,
    leaving_since = case when e.lab_state = 'destroyed' then null else b.leaving_since end,
    leaving_until = case when e.lab_state = 'destroyed' then null else b.leaving_until end,
    leaving_cause = case when e.lab_state = 'destroyed' then null else b.leaving_cause end,
    -- An expired or cancelled lab goes on answering for its file, so that it is not made again.
    current = b.current and (e.lab_state is distinct from 'destroyed' or b.destroy_cause ->> 'kind' in ('expired', 'command'))
  from unnest(v_endings) e
  where b.id = e.lab_id;

  insert into lab_outputs (lab_id, outputs)
  select e.lab_id, e.outputs from unnest(v_endings) e
  where e.outputs is distinct from coalesce((select o.outputs from lab_outputs o where o.lab_id = e.lab_id), '{}')
    and e.outputs is not null
  on conflict (lab_id) do update set outputs = excluded.outputs, updated_at = clock_timestamp();

  -- The spec moved on while this one was being made: the lab is carried to the newer one next.
  insert into jobs (lab_id, kind, team, account_region, max_attempts, cause, correlation_id)
  select b.id, 'update', b.team, b.account_region, e.max_attempts,
    jsonb_build_object('kind', 'commit', 'commit', b.commit, 'path', b.path), e.correlation_id
  from unnest(v_endings) e join labs b on b.id = e.lab_id
  where e.event = 'provision.completed' and b.document_digest <> e.digest and b.destroy_cause is null
  on conflict (lab_id) where state = 'queued' do nothing;

  insert into lab_events (event_type, source, lab_id, lab, actor, cause, correlation_id, payload)
  select e.event, 'worker', b.id, b.name, l.holder, e.cause, e.correlation_id,
    e.payload || jsonb_build_object('state', b.state, 'job', e.job, 'attempt', e.attempt)
  from unnest(v_endings) e join labs b on b.id = e.lab_id join leases l on l.resource = 'lab:' || e.lab_id;

  update leases l set expires_at = clock_timestamp() from unnest(v_endings) e
  where l.resource = 'lab:' || e.lab_id and l.token = e.token and l.expires_at > clock_timestamp();
  get diagnostics v_count = row_count;
  if v_count <> cardinality(v_endings) then
    raise exception 'the lease of one of these jobs is lost: %',
      jsonb_path_query_array(p_endings, '$[*].job') using errcode = 'LK001';
  end if;
end $$;
