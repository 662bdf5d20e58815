-- +goose Up
-- add column "group_id" to table: "subscription"
ALTER TABLE `subscription` ADD COLUMN `group_id` integer NOT NULL DEFAULT (0);
-- add column "mark" to table: "subscription_group"
ALTER TABLE `subscription_group` ADD COLUMN `mark` integer NOT NULL DEFAULT (0);
-- all subscriptions are in one group, which starts where the log's mark stood
INSERT INTO `subscription_group` (`id`, `mark`) SELECT 0, `mark` FROM `log`;
-- drop column "mark" from table: "log"
ALTER TABLE `log` DROP COLUMN `mark`;
