package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// bulkSizes are the numbers of rows for which a statement is prepared, largest first.
var bulkSizes = []int{64, 16, 4, 1}

// bulkInsert inserts many rows of one table with prepared multi-row statements. It is for the hot path only: ent's bulk
// create builds its SQL anew on every call and reaches about half the rows per second (docs/decisions.md).
type bulkInsert struct {
	columns int
	stmts   []*sql.Stmt
	args    []any
}

func (d *database) prepareInsert(ctx context.Context, table string, columns []string, suffix string) (*bulkInsert, error) {
	b := &bulkInsert{columns: len(columns)}
	for _, rows := range bulkSizes {
		stmt, err := d.writer.PrepareContext(ctx, d.insertSQL(table, columns, rows, suffix))
		if err != nil {
			return nil, fmt.Errorf("prepare insert into %s: %w", table, err)
		}
		b.stmts = append(b.stmts, stmt)
	}
	return b, nil
}

func (d *database) insertSQL(table string, columns []string, rows int, suffix string) string {
	var q strings.Builder
	fmt.Fprintf(&q, "insert into %s (%s) values ", table, strings.Join(columns, ", "))
	n := 0
	for row := range rows {
		if row > 0 {
			q.WriteString(", ")
		}
		q.WriteByte('(')
		for column := range columns {
			if column > 0 {
				q.WriteString(", ")
			}
			n++
			q.WriteString(d.placeholder(n))
		}
		q.WriteByte(')')
	}
	q.WriteString(suffix)
	return q.String()
}

// add queues one row. The values must be in the order of the columns.
func (b *bulkInsert) add(values ...any) { b.args = append(b.args, values...) }

// flush inserts the queued rows.
func (b *bulkInsert) flush(ctx context.Context, tx *sql.Tx) error {
	args := b.args
	defer b.reset()
	for i, rows := range bulkSizes {
		width := rows * b.columns
		if len(args) < width {
			continue
		}
		stmt := tx.StmtContext(ctx, b.stmts[i])
		for len(args) >= width {
			if _, err := stmt.ExecContext(ctx, args[:width]...); err != nil {
				return err
			}
			args = args[width:]
		}
	}
	return nil
}

func (b *bulkInsert) reset() {
	clear(b.args)
	b.args = b.args[:0]
}
