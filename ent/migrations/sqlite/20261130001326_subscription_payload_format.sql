-- +goose Up
-- add column "payload_format" to table: "subscription"
ALTER TABLE `subscription` ADD COLUMN `payload_format` integer NULL;

