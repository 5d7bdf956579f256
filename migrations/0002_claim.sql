-- Claiming and finishing jobs, each in one round trip and one transaction.

-- Takes up to p_slots jobs (and p_destroy_slots destroys more) for a worker: fair between teams, within the limits,
-- destroys first. Jobs whose worker let its lease run out are taken over with the next token.
-- Limits are counts over rows that other claimers change, so claimers take turns: a transaction-level advisory lock,
-- which also works behind a connection pooler, held for about a millisecond.
create function lk_claim_jobs(
  p_worker text, p_slots integer, p_destroy_slots integer, p_lease_seconds numeric,
  p_max_jobs integer, p_max_creates integer, p_max_creates_per_team integer, p_max_creates_per_account integer
) returns setof jsonb language plpgsql
-- The queue's size swings faster than statistics follow; these keep the planner on the index made for this query.
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
set enable_sort = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_chosen uuid[];
  v_ids uuid[];
  v_expires timestamptz;
begin
  if p_slots <= 0 and p_destroy_slots <= 0 then return; end if;
  perform pg_advisory_xact_lock(x'6c61626b'::int, 1);
  v_expires := clock_timestamp() + make_interval(secs => p_lease_seconds);

  with recursive
  running as materialized (
    select j.id, j.lab_id, j.lane, j.team, j.account_region,
           (select l.expires_at from leases l where l.resource = 'lab:' || j.lab_id) <= clock_timestamp() as abandoned
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
    select id from running where abandoned
    union all
    (select w.id from within w cross join totals t
     where w.place <= p_max_jobs - t.jobs and (w.place <= p_slots or (w.lane = 0 and w.destroy_place <= p_slots + p_destroy_slots))
     order by w.place)
  )
  select array_agg(id) into v_chosen from chosen;

  if v_chosen is null then return; end if;

  -- A statement of its own, so that the few chosen rows are always fetched by their key.
  with locked as (
    select j.id, j.lab_id from jobs j
    where j.id = any (v_chosen) and j.state in ('queued', 'running')
    order by j.id
    limit p_slots + p_destroy_slots
    for update of j skip locked
  ),
  leased as (
    insert into leases as l (resource, holder, token, expires_at)
    select 'lab:' || lab_id, p_worker, 1, v_expires from locked
    on conflict (resource) do update
      set holder = excluded.holder, token = l.token + 1, expires_at = excluded.expires_at, acquired_at = clock_timestamp()
      -- The lease is the lock: whatever the job's row says, a living holder keeps it.
      where l.expires_at <= clock_timestamp()
    returning resource, token
  ),
  taken as (
    update jobs j set
      attempt = j.attempt + (j.state = 'queued')::int,
      recoveries = case when j.state = 'running' then j.recoveries + 1 else 0 end,
      state = 'running', holder = p_worker, token = s.token, claimed_at = clock_timestamp(),
      phase = null, percent = null, cancel_requested = (j.state = 'running' and j.cancel_requested)
    from locked k join leased s on s.resource = 'lab:' || k.lab_id
    where j.id = k.id
    returning j.id
  )
  select array_agg(id) into v_ids from taken;

  if v_ids is null then return; end if;

  update labs b set fence = j.token,
    state = case j.kind when 'provision' then 'provisioning' when 'update' then 'updating' else 'destroying' end
  from jobs j where j.id = any (v_ids) and b.id = j.lab_id;

  insert into lab_events (event_type, source, lab_id, lab, actor, cause, correlation_id, payload)
  select j.kind || '.started', 'worker', b.id, b.name, p_worker, j.cause, j.correlation_id,
         jsonb_build_object('state', b.state, 'job', j.id, 'attempt', j.attempt, 'recoveries', j.recoveries)
  from jobs j join labs b on b.id = j.lab_id where j.id = any (v_ids);

  return query
  select jsonb_build_object(
    'id', j.id, 'kind', j.kind, 'cause', j.cause, 'attempt', j.attempt, 'max_attempts', j.max_attempts,
    'correlation_id', j.correlation_id, 'token', j.token, 'lab', lk_lab(b), 'recoveries', j.recoveries,
    'outputs', (select o.outputs from lab_outputs o where o.lab_id = b.id),
    'done_steps', (select coalesce(jsonb_agg(s.step), '[]') from job_steps s where s.job_id = j.id and s.attempt = j.attempt and s.document_digest = b.document_digest and s.finished_at is not null))
  from jobs j join labs b on b.id = j.lab_id
  where j.id = any (v_ids)
  order by j.lane, j.run_at, j.id;
end $$;

-- Marks steps as running and the ones before them as done for good. p_begins is a list of
-- {job, step, previous, attempt, token, digest}.
create function lk_begin_steps(p_begins jsonb) returns void language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  if jsonb_path_exists(p_begins, '$[*] ? (@.previous != null)') then
    update job_steps s set finished_at = clock_timestamp(), token = r.token
    from jsonb_to_recordset(p_begins) as r(job uuid, previous text, token bigint)
    where s.job_id = r.job and s.step = r.previous;
  end if;
  insert into job_steps (job_id, step, attempt, token, document_digest)
  select job, step, attempt, token, digest
  from jsonb_to_recordset(p_begins) as r(job uuid, step text, attempt integer, token bigint, digest text)
  on conflict (job_id, step) do update
    set attempt = excluded.attempt, token = excluded.token, document_digest = excluded.document_digest,
      started_at = clock_timestamp(), finished_at = null;
end $$;

-- What runs find out on their way, each under its job's lease: what a destroy will need (promise P2), as a list of
-- {job, lab, token, intent, actor, cause, correlation_id}.
create function lk_record_intents(p_intents jsonb) returns void language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  perform lk_require_lease('lab:' || r.lab, r.token) from jsonb_to_recordset(p_intents) as r(lab uuid, token bigint);

  update labs b set intent = r.intent, fence = r.token
  from jsonb_to_recordset(p_intents) as r(lab uuid, token bigint, intent jsonb)
  where b.id = r.lab;

  insert into lab_events (event_type, source, lab_id, lab, actor, cause, correlation_id, payload)
  select 'intent.recorded', 'worker', b.id, b.name, r.actor, r.cause, r.correlation_id,
    jsonb_build_object('job', r.job, 'intent', r.intent)
  from jsonb_to_recordset(p_intents)
    as r(job uuid, lab uuid, intent jsonb, actor text, cause jsonb, correlation_id uuid) join labs b on b.id = r.lab;
end $$;

-- Addresses and versions, as a list of {lab, token, outputs}.
create function lk_record_outputs(p_outputs jsonb) returns void language plpgsql
set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan
as $$
begin
  perform lk_require_lease('lab:' || r.lab, r.token) from jsonb_to_recordset(p_outputs) as r(lab uuid, token bigint);

  insert into lab_outputs (lab_id, outputs)
  select r.lab, r.outputs from jsonb_to_recordset(p_outputs) as r(lab uuid, outputs jsonb)
  on conflict (lab_id) do update set outputs = excluded.outputs, updated_at = clock_timestamp();
end $$;

-- How a run of a job ended: eleven fields as its worker tells it, then what the job's own row says.
create type lk_ending as (
  job uuid, token bigint, event text, job_state text, lab_state text, run_at timestamptz,
  failure jsonb, outputs jsonb, receipt jsonb, payload jsonb, digest text,
  lab_id uuid, attempt integer, max_attempts integer, cause jsonb, correlation_id uuid
);

-- Ends runs of jobs: jobs, labs, events, receipts, outputs and leases move together or not at all. p_endings is a list
-- of objects with the first eleven fields of lk_ending. lab_state null leaves the lab's state; job_state queued means
-- again at run_at, or at once when that is null. Rows are locked in the order job, lab, lease, as a claim does.
create function lk_finish_jobs(p_endings jsonb) returns void language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_endings lk_ending[];
  v_moot uuid[];
  v_count integer := jsonb_array_length(p_endings);
begin
  -- Work that waits behind a job decides whether that is worth doing again; a lab that is given up is not updated.
  if jsonb_path_exists(p_endings, '$[*] ? (@.job_state == "queued" || @.job_state == "dead")') then
    perform 1 from jobs j
    where j.id in (select e.job from jsonb_to_recordset(p_endings) as e(job uuid)) order by j.id for update;

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

-- The triggers look up single rows; planned while their tables were still empty they would go on reading them whole.
alter function lk_check_lab() set enable_seqscan = off;
alter function lk_state_has_event() set enable_seqscan = off;
alter function lk_check_step() set enable_seqscan = off;
alter function lk_require_lease(text, bigint) set enable_seqscan = off;
