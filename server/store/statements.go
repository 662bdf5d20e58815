package store

import (
	"context"
	"database/sql"
)

// statements are the writer's prepared statements.
type statements struct {
	event, payload, identity, delivery, attempt                                                     *bulkInsert
	trimAttempts, advance, setMark, setCursor, setHold, setFailing, waitAnew, upsertForm, trimForms *sql.Stmt
}

func (d *database) prepareStatements(ctx context.Context) (_ statements, err error) {
	prepare := func(query string) *sql.Stmt {
		if err != nil {
			return nil
		}
		var stmt *sql.Stmt
		stmt, err = d.writer.PrepareContext(ctx, d.bind(query))
		return stmt
	}
	insert := func(table string, columns []string, suffix string) *bulkInsert {
		if err != nil {
			return nil
		}
		var b *bulkInsert
		b, err = d.prepareInsert(ctx, table, columns, suffix)
		return b
	}
	prepared := statements{
		event:    insert("event", eventColumns, ""),
		payload:  insert("event_payload", payloadColumns, ""),
		identity: insert("event_id", identityColumns, ""),
		delivery: insert("delivery", deliveryColumns, upsertDelivery()),
		attempt:  insert("attempt", attemptColumns, " on conflict (subscription_id, position, run, number) do nothing"),

		advance:   prepare(`update log set head = head + ?, accept_time = ? where shard = ? returning head, registry_revision`),
		setMark:   prepare(`update subscription_group set mark = ? where id = ? and mark < ?`),
		setCursor: prepare(`update subscription set cursor_position = ? where id = ?`),
		trimAttempts: prepare(`delete from attempt
			where subscription_id = ? and position = ? and run = ? and number > ? and number <= ?`),
		setHold:    prepare(`update subscription set hold = ? where id = ?`),
		setFailing: prepare(`update subscription set failing = ? where id = ?`),
		waitAnew:   prepare(waitAnew),
		upsertForm: prepare(upsertRequestForm),
		trimForms:  prepare(trimRequestForms),
	}
	return prepared, err
}
