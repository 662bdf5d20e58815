-- +goose Up
-- modify "subscription" table
ALTER TABLE "subscription" ADD COLUMN "payload_format" smallint NULL;

