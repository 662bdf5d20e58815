-- +goose Up
-- add column "failing" to table: "subscription"
ALTER TABLE `subscription` ADD COLUMN `failing` blob NULL;

