-- Ids of accounts beside their logins: whoever changes a login stays who asked.
alter table comment_commands add column author_id bigint;
alter table own_requests add column asked_by_id bigint;
