-- +goose Up
-- modify "subscription" table
ALTER TABLE "subscription" ADD COLUMN "group_id" bigint NOT NULL DEFAULT 0;
-- modify "subscription_group" table
ALTER TABLE "subscription_group" ADD COLUMN "mark" bigint NOT NULL DEFAULT 0;
-- all subscriptions are in one group, which starts where the log's mark stood
INSERT INTO "subscription_group" ("id", "mark") SELECT 0, "mark" FROM "log";
-- modify "log" table
ALTER TABLE "log" DROP COLUMN "mark";
