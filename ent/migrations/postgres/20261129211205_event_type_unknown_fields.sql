-- +goose Up
-- modify "event_type" table
ALTER TABLE "event_type" ADD COLUMN "unknown_fields" smallint NULL;

