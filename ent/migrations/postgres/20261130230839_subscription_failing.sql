-- +goose Up
-- modify "subscription" table
ALTER TABLE "subscription" ADD COLUMN "failing" bytea NULL;

