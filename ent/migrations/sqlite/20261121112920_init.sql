-- +goose Up
-- create "api_key" table
CREATE TABLE `api_key` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `tenant_id` integer NOT NULL DEFAULT (0), `uid` text NOT NULL, `name` text NOT NULL, `hash` blob NOT NULL, `hint` text NOT NULL, `scopes` integer NOT NULL, `revision` integer NOT NULL DEFAULT (1), `create_time` integer NOT NULL, `update_time` integer NOT NULL, `revoke_time` integer NULL);
-- create index "api_key_uid_key" to table: "api_key"
CREATE UNIQUE INDEX `api_key_uid_key` ON `api_key` (`uid`);
-- create index "api_key_hash_key" to table: "api_key"
CREATE UNIQUE INDEX `api_key_hash_key` ON `api_key` (`hash`);
-- create index "apikey_tenant_id_name" to table: "api_key"
CREATE UNIQUE INDEX `apikey_tenant_id_name` ON `api_key` (`tenant_id`, `name`);
-- create "attempt" table
CREATE TABLE `attempt` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `tenant_id` integer NOT NULL, `subscription_id` integer NOT NULL, `position` integer NOT NULL, `run` integer NOT NULL DEFAULT (0), `number` integer NOT NULL, `cause` integer NULL, `outcome` integer NULL, `status` integer NULL, `start_time` integer NULL, `duration` integer NULL, `dns` integer NULL, `connect` integer NULL, `tls` integer NULL, `first_byte` integer NULL, `address` text NULL, `error` text NULL, `content_type` text NULL, `response` blob NULL, `truncated` bool NULL);
-- create index "attempt_subscription_id_position_run_number" to table: "attempt"
CREATE UNIQUE INDEX `attempt_subscription_id_position_run_number` ON `attempt` (`subscription_id`, `position`, `run`, `number`);
-- create "delivery" table
CREATE TABLE `delivery` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `tenant_id` integer NOT NULL, `subscription_id` integer NOT NULL, `position` integer NOT NULL, `run` integer NOT NULL DEFAULT (0), `state` integer NOT NULL, `attempts` integer NOT NULL, `step` integer NOT NULL, `probes` integer NOT NULL, `manual` bool NOT NULL, `due_time` integer NULL, `create_time` integer NOT NULL, `update_time` integer NOT NULL, `cause` integer NULL, `outcome` integer NULL, `status` integer NULL, `start_time` integer NULL, `duration` integer NULL, `dns` integer NULL, `connect` integer NULL, `tls` integer NULL, `first_byte` integer NULL, `address` text NULL, `error` text NULL, `content_type` text NULL, `response` blob NULL, `truncated` bool NULL);
-- create index "delivery_subscription_id_position_run" to table: "delivery"
CREATE UNIQUE INDEX `delivery_subscription_id_position_run` ON `delivery` (`subscription_id`, `position`, `run`);
-- create index "delivery_position" to table: "delivery"
CREATE INDEX `delivery_position` ON `delivery` (`position`);
-- create index "delivery_subscription_id_state_due_time" to table: "delivery"
CREATE INDEX `delivery_subscription_id_state_due_time` ON `delivery` (`subscription_id`, `state`, `due_time`) WHERE state in (1, 2, 4, 5);
-- create "descriptor_set" table
CREATE TABLE `descriptor_set` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `hash` blob NOT NULL, `files` blob NOT NULL, `create_time` integer NOT NULL);
-- create index "descriptor_set_hash_key" to table: "descriptor_set"
CREATE UNIQUE INDEX `descriptor_set_hash_key` ON `descriptor_set` (`hash`);
-- create "event" table
CREATE TABLE `event` (`position` integer NOT NULL, `tenant_id` integer NOT NULL, `event_id` text NOT NULL, `type` text NOT NULL, `source` text NOT NULL, `subject` text NULL, `time_seconds` integer NOT NULL, `time_nanos` integer NOT NULL, `accept_time` integer NOT NULL, `schema_id` integer NULL, `violations` blob NULL, `content_type` text NULL, `data_ref` text NULL, `ordering_key` text NULL, `expire_time` integer NULL, `deliver_after` integer NULL, `trace_parent` text NULL, PRIMARY KEY (`position`));
-- create index "event_tenant_id_type_position" to table: "event"
CREATE INDEX `event_tenant_id_type_position` ON `event` (`tenant_id`, `type`, `position`);
-- create "event_id" table
CREATE TABLE `event_id` (`position` integer NOT NULL, `tenant_id` integer NOT NULL, `event_id` text NOT NULL, `hash` blob NOT NULL, `schema_id` integer NULL, PRIMARY KEY (`position`));
-- create index "eventidentity_tenant_id_event_id" to table: "event_id"
CREATE UNIQUE INDEX `eventidentity_tenant_id_event_id` ON `event_id` (`tenant_id`, `event_id`);
-- create "log" table
CREATE TABLE `log` (`shard` integer NOT NULL, `head` integer NOT NULL DEFAULT (0), `registry_revision` integer NOT NULL DEFAULT (0), `mark` integer NOT NULL DEFAULT (0), `subject_mark` integer NOT NULL DEFAULT (0), `accept_time` integer NOT NULL DEFAULT (0), PRIMARY KEY (`shard`));
-- create "event_payload" table
CREATE TABLE `event_payload` (`position` integer NOT NULL, `data` blob NOT NULL, PRIMARY KEY (`position`));
-- create "event_subject" table
CREATE TABLE `event_subject` (`position` integer NOT NULL, `tenant_id` integer NOT NULL, `subject` text NOT NULL, PRIMARY KEY (`position`));
-- create index "eventsubject_tenant_id_subject_position" to table: "event_subject"
CREATE INDEX `eventsubject_tenant_id_subject_position` ON `event_subject` (`tenant_id`, `subject`, `position`);
-- create "event_type" table
CREATE TABLE `event_type` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `name` text NOT NULL, `level` integer NOT NULL, `latest_version` integer NOT NULL, `revision` integer NOT NULL DEFAULT (1), `create_time` integer NOT NULL, `update_time` integer NOT NULL);
-- create index "event_type_name_key" to table: "event_type"
CREATE UNIQUE INDEX `event_type_name_key` ON `event_type` (`name`);
-- create "event_type_level" table
CREATE TABLE `event_type_level` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `tenant_id` integer NOT NULL, `event_type_id` integer NOT NULL, `level` integer NOT NULL);
-- create index "eventtypelevel_tenant_id_event_type_id" to table: "event_type_level"
CREATE UNIQUE INDEX `eventtypelevel_tenant_id_event_type_id` ON `event_type_level` (`tenant_id`, `event_type_id`);
-- create "event_type_version" table
CREATE TABLE `event_type_version` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `event_type_id` integer NOT NULL, `version` integer NOT NULL, `message` text NOT NULL, `descriptor_set_id` integer NOT NULL, `create_time` integer NOT NULL);
-- create index "eventtypeversion_event_type_id_version" to table: "event_type_version"
CREATE UNIQUE INDEX `eventtypeversion_event_type_id_version` ON `event_type_version` (`event_type_id`, `version`);
-- create "incarnation" table
CREATE TABLE `incarnation` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `shard` integer NOT NULL DEFAULT (0), `token` blob NOT NULL, `first_position` integer NOT NULL, `create_time` integer NOT NULL);
-- create index "incarnation_token_key" to table: "incarnation"
CREATE UNIQUE INDEX `incarnation_token_key` ON `incarnation` (`token`);
-- create index "incarnation_shard_first_position" to table: "incarnation"
CREATE INDEX `incarnation_shard_first_position` ON `incarnation` (`shard`, `first_position`);
-- create "purge" table
CREATE TABLE `purge` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `tenant_id` integer NOT NULL, `subscription_id` integer NOT NULL, `from_position` integer NOT NULL, `to_position` integer NOT NULL, `count` integer NOT NULL, `create_time` integer NOT NULL);
-- create index "purge_tenant_id_subscription_id_from_position" to table: "purge"
CREATE INDEX `purge_tenant_id_subscription_id_from_position` ON `purge` (`tenant_id`, `subscription_id`, `from_position`);
-- create "subscription" table
CREATE TABLE `subscription` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `tenant_id` integer NOT NULL, `uid` text NOT NULL, `name` text NOT NULL, `description` text NOT NULL DEFAULT (''), `filter_types` json NOT NULL, `filter_expression` text NULL, `target_type` text NOT NULL, `target_config` blob NOT NULL, `policy` blob NOT NULL, `secret` blob NOT NULL, `state` integer NOT NULL, `state_reason` text NOT NULL DEFAULT (''), `start_incarnation` blob NOT NULL, `start_position` integer NOT NULL, `cursor_position` integer NULL, `revision` integer NOT NULL DEFAULT (1), `create_time` integer NOT NULL, `update_time` integer NOT NULL);
-- create index "subscription_uid_key" to table: "subscription"
CREATE UNIQUE INDEX `subscription_uid_key` ON `subscription` (`uid`);
-- create index "subscription_tenant_id_name" to table: "subscription"
CREATE UNIQUE INDEX `subscription_tenant_id_name` ON `subscription` (`tenant_id`, `name`);
-- create "subscription_group" table
CREATE TABLE `subscription_group` (`id` integer NOT NULL, `owner` text NOT NULL DEFAULT (''), `epoch` integer NOT NULL DEFAULT (0), `lease_time` integer NULL, PRIMARY KEY (`id`));
-- create "subscription_revision" table
CREATE TABLE `subscription_revision` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `tenant_id` integer NOT NULL, `subscription_id` integer NOT NULL, `revision` integer NOT NULL, `from_position` integer NOT NULL, `filter_types` json NOT NULL, `filter_expression` text NULL, `policy` blob NOT NULL, `create_time` integer NOT NULL);
-- create index "subscriptionrevision_tenant_id_subscription_id_revision" to table: "subscription_revision"
CREATE UNIQUE INDEX `subscriptionrevision_tenant_id_subscription_id_revision` ON `subscription_revision` (`tenant_id`, `subscription_id`, `revision`);
-- create "tenant" table
CREATE TABLE `tenant` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `name` text NOT NULL, `display_name` text NOT NULL DEFAULT (''), `purged_to` integer NOT NULL DEFAULT (0), `revision` integer NOT NULL DEFAULT (1), `create_time` integer NOT NULL, `update_time` integer NOT NULL);
-- create index "tenant_name_key" to table: "tenant"
CREATE UNIQUE INDEX `tenant_name_key` ON `tenant` (`name`);

