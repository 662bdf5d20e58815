-- +goose Up
-- modify "event_type" table
ALTER TABLE "event_type" ADD COLUMN "deprecated" boolean NULL, ADD COLUMN "deprecation_note" character varying NULL;
-- modify "event_type_version" table
ALTER TABLE "event_type_version" ADD COLUMN "description" character varying NULL, ADD COLUMN "ordering_key" character varying NULL, ADD COLUMN "subject" character varying NULL;
-- modify "tenant" table
ALTER TABLE "tenant" ADD COLUMN "typed_only" boolean NULL;

