-- +goose Up
-- modify "subscription" table
ALTER TABLE "subscription" ADD COLUMN "hold" bytea NULL;

