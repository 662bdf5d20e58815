-- +goose Up
-- add column "deprecated" to table: "event_type"
ALTER TABLE `event_type` ADD COLUMN `deprecated` bool NULL;
-- add column "deprecation_note" to table: "event_type"
ALTER TABLE `event_type` ADD COLUMN `deprecation_note` text NULL;
-- add column "description" to table: "event_type_version"
ALTER TABLE `event_type_version` ADD COLUMN `description` text NULL;
-- add column "ordering_key" to table: "event_type_version"
ALTER TABLE `event_type_version` ADD COLUMN `ordering_key` text NULL;
-- add column "subject" to table: "event_type_version"
ALTER TABLE `event_type_version` ADD COLUMN `subject` text NULL;
-- add column "typed_only" to table: "tenant"
ALTER TABLE `tenant` ADD COLUMN `typed_only` bool NULL;

