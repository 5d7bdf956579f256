-- Ids of accounts beside their logins: whoever changes a login stays who asked.
alter table comment_commands add column author_id bigint;
alter table own_requests add column asked_by_id bigint;

-- Plans of pull requests that ended long ago are read by nobody. What stays of each merge is the newest plan of its head,
-- which says that it was planned, and whatever may still speak for the end of a lab that is not destroyed.
alter table pull_requests add column reviews_pruned boolean not null default false;
create index pull_requests_to_prune on pull_requests (ended_at, number) where state <> 'open' and not reviews_pruned;

create function lk_review_is_needed(r reviews) returns boolean language sql stable as $$
  select exists (
    select from pull_requests p
    where p.number = r.pull_request and (
      p.state = 'open' or p.ended_at > now() - interval '1 day'
      or exists (
        select from pull_request_labs l join holds h on h.lab = l.lab and h.state = 'open' where l.pull_request = p.number)
      or (p.state = 'merged' and r.head_commit = p.head_commit and (
        not exists (
          select from reviews n
          where n.pull_request = r.pull_request and n.head_commit = r.head_commit and n.created_at > r.created_at)
        -- All of the head or none: an older plan must not speak because the newer one that took its word back is gone.
        or exists (
          select from reviews n join reviewed_destroys d on d.review_id = n.id join labs b on b.id = d.lab_id
          where n.pull_request = r.pull_request and n.head_commit = r.head_commit and b.state <> 'destroyed')))))
$$;

create function lk_check_review_gone() returns trigger language plpgsql as $$
declare
  gone reviews;
begin
  if tg_table_name = 'reviews' then
    gone := old;
  else
    select * into gone from reviews where id = old.review_id;
  end if;
  if lk_review_is_needed(gone) then
    raise exception 'review %: it is still needed', gone.id using errcode = 'LK003';
  end if;
  return old;
end $$;
drop trigger reviews_append_only on reviews;
create trigger reviews_never_changed before update on reviews for each row execute function lk_append_only();
create trigger reviews_gone before delete on reviews for each row execute function lk_check_review_gone();
drop trigger reviewed_destroys_append_only on reviewed_destroys;
create trigger reviewed_destroys_never_changed before update on reviewed_destroys
  for each row execute function lk_append_only();
create trigger reviewed_destroys_gone before delete on reviewed_destroys
  for each row execute function lk_check_review_gone();

do $$
begin
  if exists (select 1 from pg_roles where rolname = 'labkeeper_readwrite') then
    grant delete on reviews, reviewed_destroys to labkeeper_readwrite;
  end if;
end $$;

-- Merges that nobody had planned at the head that was merged are few and asked for at each look: found without reading
-- whatever was merged in all the years.
alter table pull_requests add column unexplained boolean not null default false;
update pull_requests p set unexplained = true
  where state = 'merged' and not exists (
    select from reviews h where h.pull_request = p.number and h.head_commit = p.head_commit);
create index pull_requests_unexplained on pull_requests (number) where unexplained;

create function lk_note_merge() returns trigger language plpgsql as $$
begin
  new.unexplained := new.state = 'merged' and not exists (
    select from reviews h where h.pull_request = new.number and h.head_commit = new.head_commit);
  return new;
end $$;
create trigger pull_requests_note_insert before insert on pull_requests for each row execute function lk_note_merge();
create trigger pull_requests_note_merge before update on pull_requests for each row
  when (old.state <> 'merged' and new.state = 'merged') execute function lk_note_merge();

create function lk_note_review() returns trigger language plpgsql as $$
begin
  update pull_requests set unexplained = false
    where number = new.pull_request and unexplained and head_commit = new.head_commit;
  return null;
end $$;
create trigger reviews_note after insert on reviews for each row execute function lk_note_review();
