-- +goose Up
-- create "ended_session" table
CREATE TABLE `ended_session` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `tenant_id` integer NOT NULL DEFAULT (0), `key_uid` text NOT NULL, `session` blob NULL, `expire_time` integer NOT NULL);
-- create index "ended_session_session_key" to table: "ended_session"
CREATE UNIQUE INDEX `ended_session_session_key` ON `ended_session` (`session`);
-- create index "endedsession_tenant_id_key_uid" to table: "ended_session"
CREATE INDEX `endedsession_tenant_id_key_uid` ON `ended_session` (`tenant_id`, `key_uid`);
-- create index "endedsession_expire_time" to table: "ended_session"
CREATE INDEX `endedsession_expire_time` ON `ended_session` (`expire_time`);

