-- +goose Up
-- drop index "delivery_position" from table: "delivery"
DROP INDEX `delivery_position`;
-- create index "delivery_tenant_id_position" to table: "delivery"
CREATE INDEX `delivery_tenant_id_position` ON `delivery` (`tenant_id`, `position`);
-- create index "delivery_tenant_id_state_position" to table: "delivery"
CREATE INDEX `delivery_tenant_id_state_position` ON `delivery` (`tenant_id`, `state`, `position`) WHERE state in (1, 2, 4, 5);

