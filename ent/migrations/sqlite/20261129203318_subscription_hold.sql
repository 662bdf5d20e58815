-- +goose Up
-- add column "hold" to table: "subscription"
ALTER TABLE `subscription` ADD COLUMN `hold` blob NULL;

