-- +goose Up
-- add column "unknown_fields" to table: "event_type"
ALTER TABLE `event_type` ADD COLUMN `unknown_fields` integer NULL;

