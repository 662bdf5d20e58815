-- +goose Up
-- add column "sent" to table: "attempt"
ALTER TABLE `attempt` ADD COLUMN `sent` blob NULL;
-- add column "sent" to table: "delivery"
ALTER TABLE `delivery` ADD COLUMN `sent` blob NULL;
-- create "request_form" table
CREATE TABLE `request_form` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `tenant_id` integer NOT NULL, `subscription_id` integer NOT NULL, `digest` blob NOT NULL, `revision` integer NOT NULL, `content` blob NOT NULL);
-- create index "requestform_subscription_id_digest" to table: "request_form"
CREATE UNIQUE INDEX `requestform_subscription_id_digest` ON `request_form` (`subscription_id`, `digest`);

