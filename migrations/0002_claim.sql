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
  v_ids uuid[];
  v_expires timestamptz;
begin
  if p_slots <= 0 and p_destroy_slots <= 0 then return; end if;
  perform pg_advisory_xact_lock(x'6c61626b'::int, 1);
  v_expires := clock_timestamp() + make_interval(secs => p_lease_seconds);

  with recursive
  running as materialized (
    select j.id, j.lab_id, j.lane, j.team, j.account_region, l.expires_at <= clock_timestamp() as abandoned
    from jobs j join leases l on l.resource = 'lab:' || j.lab_id
    where j.state = 'running'
  ),
  totals as materialized (
    select count(*) filter (where not abandoned) as jobs,
           count(*) filter (where not abandoned and lane = 2) as creates
    from running
  ),
  by_team as materialized (
    select team, count(*) as jobs, count(*) filter (where lane = 2) as creates from running where not abandoned group by team
  ),
  by_account as materialized (
    select account_region, count(*) as creates from running where not abandoned and lane = 2 group by account_region
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
  ),
  locked as (
    select j.id, j.lab_id from jobs j join chosen c on c.id = j.id
    where j.state in ('queued', 'running')
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
      recoveries = j.recoveries + (j.state = 'running')::int,
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
    'correlation_id', j.correlation_id, 'token', j.token, 'lab', lk_lab(b),
    'done_steps', (select coalesce(jsonb_agg(s.step), '[]') from job_steps s where s.job_id = j.id and s.attempt = j.attempt and s.document_digest = b.document_digest and s.finished_at is not null))
  from jobs j join labs b on b.id = j.lab_id
  where j.id = any (v_ids)
  order by j.lane, j.run_at, j.id;
end $$;

-- Ends a run of a job: job, lab, event, receipt, outputs and lease move together or not at all.
-- p_lab_state null leaves the lab's state; p_run_at set queues the job again then.
create function lk_finish_job(
  p_job uuid, p_token bigint, p_event text, p_job_state text, p_lab_state text,
  p_run_at timestamptz, p_failure jsonb, p_outputs jsonb, p_receipt jsonb, p_payload jsonb, p_document_digest text
) returns void language plpgsql as $$
declare
  v_job jobs;
  v_lab labs;
  v_receipt uuid;
  v_other jobs;
  v_state text := p_job_state;
begin
  select * into v_job from jobs where id = p_job for update;
  if not found or v_job.state <> 'running' or v_job.token is distinct from p_token then
    raise exception 'job % is not running under token %', p_job, p_token using errcode = 'LK001';
  end if;
  perform lk_require_lease('lab:' || v_job.lab_id, p_token);

  if p_receipt is not null then
    insert into destroy_receipts (lab_id, provisioner, observations)
    values (v_job.lab_id, p_receipt ->> 'provisioner', p_receipt -> 'observations') returning id into v_receipt;
  end if;

  -- Work that waits behind this job decides whether it is worth doing again; a lab that is given up is not updated.
  if v_state = 'dead' then
    update jobs set state = 'cancelled', finished_at = clock_timestamp()
      where lab_id = v_job.lab_id and state = 'queued' and kind <> 'destroy';
  elsif v_state = 'queued' then
    select * into v_other from jobs where lab_id = v_job.lab_id and state = 'queued' for update;
    if found and (v_other.kind = 'destroy' or v_other.kind = v_job.kind) then
      v_state := 'cancelled';
    elsif found then
      update jobs set state = 'cancelled', finished_at = clock_timestamp() where id = v_other.id;
    end if;
  end if;

  update job_steps set finished_at = clock_timestamp(), token = p_token
  where v_state = 'succeeded' and job_id = p_job and attempt = v_job.attempt and finished_at is null;

  update jobs set
    state = v_state, holder = null, phase = null, percent = null, failure = p_failure,
    attempt = attempt - (p_event like '%.released')::int,
    run_at = case when v_state = 'queued' then coalesce(p_run_at, clock_timestamp()) else run_at end,
    finished_at = case when v_state = 'queued' then null else clock_timestamp() end
  where id = p_job;

  update labs b set
    fence = p_token,
    state = coalesce(p_lab_state, b.state),
    failure = p_failure,
    failed_digest = case when v_state = 'dead' then b.document_digest when v_state = 'succeeded' then null else b.failed_digest end,
    ready_at = case when p_lab_state = 'ready' then coalesce(b.ready_at, clock_timestamp()) else b.ready_at end,
    expires_at = case when p_lab_state = 'ready'
      then coalesce(b.ready_at, clock_timestamp()) + make_interval(secs => (b.spec ->> 'ttlHours')::numeric * 3600)
      else b.expires_at end,
    receipt_id = coalesce(v_receipt, b.receipt_id),
    leaving_since = case when p_lab_state = 'destroyed' then null else b.leaving_since end,
    leaving_until = case when p_lab_state = 'destroyed' then null else b.leaving_until end,
    leaving_cause = case when p_lab_state = 'destroyed' then null else b.leaving_cause end,
    -- An expired or cancelled lab goes on answering for its file, so that it is not made again.
    current = b.current and (p_lab_state is distinct from 'destroyed' or b.destroy_cause ->> 'kind' in ('expired', 'command'))
  where b.id = v_job.lab_id
  returning * into v_lab;

  if p_outputs is not null then
    insert into lab_outputs (lab_id, outputs) values (v_job.lab_id, p_outputs)
    on conflict (lab_id) do update set outputs = excluded.outputs, updated_at = clock_timestamp();
  end if;

  -- The spec moved on while this one was being made: the lab is carried to the newer one next.
  if p_event = 'provision.completed' and v_lab.document_digest <> p_document_digest and v_lab.destroy_cause is null then
    insert into jobs (lab_id, kind, team, account_region, max_attempts, cause, correlation_id)
    values (v_lab.id, 'update', v_lab.team, v_lab.account_region, v_job.max_attempts,
      jsonb_build_object('kind', 'commit', 'commit', v_lab.commit, 'path', v_lab.path), v_job.correlation_id)
    on conflict (lab_id) where state = 'queued' do nothing;
  end if;

  insert into lab_events (event_type, source, lab_id, lab, actor, cause, correlation_id, payload)
  values (p_event, 'worker', v_lab.id, v_lab.name, v_job.holder, v_job.cause, v_job.correlation_id,
    p_payload || jsonb_build_object('state', v_lab.state, 'job', v_job.id, 'attempt', v_job.attempt));

  update leases set expires_at = clock_timestamp() where resource = 'lab:' || v_job.lab_id and token = p_token;
end $$;
