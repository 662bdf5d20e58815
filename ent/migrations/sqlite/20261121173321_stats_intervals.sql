-- +goose Up
-- create "stats_interval" table
CREATE TABLE `stats_interval` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `tenant_id` integer NOT NULL, `resolution` integer NOT NULL, `start_time` integer NOT NULL, `position` integer NOT NULL, `data` blob NOT NULL);
-- create index "statsinterval_tenant_id_resolution_start_time" to table: "stats_interval"
CREATE UNIQUE INDEX `statsinterval_tenant_id_resolution_start_time` ON `stats_interval` (`tenant_id`, `resolution`, `start_time`);
-- create index "statsinterval_resolution_start_time" to table: "stats_interval"
CREATE INDEX `statsinterval_resolution_start_time` ON `stats_interval` (`resolution`, `start_time`);

