package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/postrider-dev/postrider/server/gateway"
)

// connectTimeout bounds a connection attempt where the URL sets no connect_timeout. commitTimeout bounds the transaction of
// one group. Without it a dead connection would hold the transaction until TCP gives up, which takes a quarter of an hour.
const (
	connectTimeout = 5 * time.Second
	commitTimeout  = 30 * time.Second
)

// openPool opens a pool of connections to PostgreSQL. Errors that mean that the database is unavailable are converted (see
// unavailable), for reads and writes alike. greet prepares each new connection; it may be nil.
func openPool(address string, greet func(context.Context, *pgx.Conn) error) (*sql.DB, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, errors.New("open PostgreSQL: the URL is not valid")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	var options []stdlib.OptionOpenDB
	if greet != nil {
		options = append(options, stdlib.OptionAfterConnect(greet))
	}
	return sql.OpenDB(pgConnector{stdlib.GetConnector(*config, options...)}), nil
}

// unavailable returns the error for a database that is unavailable for now. Whether a commit under way was made is unknown then.
func unavailable(cause error) *gateway.Error {
	e := gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonStorageUnavailable, "the database does not respond; try again with the same event ids")
	e.Cause, e.RetryAfter = cause, time.Second
	return e
}

// temporary reports whether a PostgreSQL error means that the server is unavailable for now. Classes and codes are those of
// appendix A of the PostgreSQL manual.
func temporary(pg *pgconn.PgError) bool {
	switch pg.Code {
	case "57P01", // admin_shutdown
		"57P02", // crash_shutdown
		"57P03", // cannot_connect_now
		"53300": // too_many_connections
		return true
	default:
		return len(pg.Code) == 5 && pg.Code[:2] == "08" // connection_exception
	}
}

type pgConnector struct{ driver.Connector }

func (c pgConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, connectFault(ctx, err)
	}
	own, ok := conn.(*stdlib.Conn)
	if !ok {
		_ = conn.Close()
		return nil, fmt.Errorf("connect to PostgreSQL: the driver made a %T", conn)
	}
	return &pgConn{own}, nil
}

// connectFault converts a connection error to unavailable, unless PostgreSQL refused the connection for a permanent reason.
func connectFault(ctx context.Context, err error) error {
	var pg *pgconn.PgError
	var unreachable *pgconn.ConnectError
	switch {
	case ctx.Err() != nil:
		return err
	case errors.As(err, &pg):
		if temporary(pg) {
			return unavailable(err)
		}
		return err
	case errors.As(err, &unreachable):
		return unavailable(err)
	default:
		return err
	}
}

// pgConn is a connection that converts the errors of an unavailable database to unavailable.
type pgConn struct{ *stdlib.Conn }

// fault converts an error to unavailable when PostgreSQL reports that it is unavailable, or when the connection broke although
// the caller did not cancel. The cause is wrapped, so that database/sql recognises it.
func (c *pgConn) fault(ctx context.Context, err error) error {
	if err == nil || err == io.EOF { // database/sql compares io.EOF, the end of the rows, without unwrapping
		return err
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		if temporary(pg) {
			return unavailable(err)
		}
		return err
	}
	if ctx.Err() == nil && c.Conn.Conn().IsClosed() {
		return unavailable(err)
	}
	return err
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *pgConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	statement, err := c.Conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, c.fault(ctx, err)
	}
	return &pgStatement{statement.(*stdlib.Stmt), c}, nil
}

// BeginTx implements driver.ConnBeginTx.
func (c *pgConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	tx, err := c.Conn.BeginTx(ctx, options)
	if err != nil {
		return nil, c.fault(ctx, err)
	}
	return &pgTx{tx, c}, nil
}

// ExecContext implements driver.ExecerContext.
func (c *pgConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	result, err := c.Conn.ExecContext(ctx, query, args)
	return result, c.fault(ctx, err)
}

// QueryContext implements driver.QueryerContext.
func (c *pgConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.Conn.QueryContext(ctx, query, args)
	return c.rows(ctx, rows, err)
}

func (c *pgConn) rows(ctx context.Context, rows driver.Rows, err error) (driver.Rows, error) {
	if err != nil {
		return nil, c.fault(ctx, err)
	}
	return &pgRows{rows.(*stdlib.Rows), ctx, c}, nil
}

type pgStatement struct {
	*stdlib.Stmt
	conn *pgConn
}

// ExecContext implements driver.StmtExecContext.
func (s *pgStatement) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	result, err := s.Stmt.ExecContext(ctx, args)
	return result, s.conn.fault(ctx, err)
}

// QueryContext implements driver.StmtQueryContext.
func (s *pgStatement) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := s.Stmt.QueryContext(ctx, args)
	return s.conn.rows(ctx, rows, err)
}

type pgRows struct {
	*stdlib.Rows
	ctx  context.Context // of the query that returned the rows
	conn *pgConn
}

// Next implements driver.Rows.
func (r *pgRows) Next(into []driver.Value) error { return r.conn.fault(r.ctx, r.Rows.Next(into)) }

type pgTx struct {
	driver.Tx
	conn *pgConn
}

// Commit implements driver.Tx.
func (t *pgTx) Commit() error { return t.conn.fault(context.Background(), t.Tx.Commit()) }
