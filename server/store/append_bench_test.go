package store_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
)

// These benchmarks compare the append path with its limit: prepared statements alone that write the rows of the same events
// into the same tables and indexes, 100 events to a transaction. Run both and divide:
//
// go test ./server/store -run '^$' -bench 'Append|Inserts|Results' -benchtime 200000x
const benchCallers = 100

// benchEvent is an event of about 300 bytes with a time-sortable id.
func benchEvent(tenant gateway.TenantID, n int64) store.NewEvent {
	data := fmt.Appendf(nil, `{"orderId":"%012d","total":1999,"note":"%s"}`, n, strings.Repeat("x", 220))
	e := &gateway.Event{
		Tenant: tenant, ID: fmt.Sprintf("evt_%020d", n), Type: "order.created", Source: "shop", Data: data, Time: time.Unix(1_700_000_000, n),
	}
	sum := sha256.Sum256(data)
	return store.NewEvent{Event: e, Hash: gateway.ContentHash(sum[:16]), ClientID: true}
}

func BenchmarkAppendSQLite(b *testing.B) { benchmarkAppend(b, benchSQLite(b)) }

func BenchmarkAppendPostgres(b *testing.B) { benchmarkAppend(b, benchPostgres(b)) }

func benchmarkAppend(b *testing.B, cfg store.Config) {
	w := serve(b, cfg)
	tenant := w.tenant().ID
	events := make([]store.NewEvent, b.N)
	for i := range events {
		events[i] = benchEvent(tenant, int64(i))
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	stop := measured(b)
	for range benchCallers {
		wg.Go(func() {
			for {
				i := next.Add(1) - 1
				if i >= int64(b.N) {
					return
				}
				if _, err := w.Append(context.Background(), 0, events[i:i+1]); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	stop()
}

// measured starts the clock. The function that it returns stops the clock and reports rows per second and CPU time per row.
// CPU time is the better figure on a machine that runs other programs as well.
func measured(b *testing.B) (stop func()) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	before := processTime(b)
	return func() {
		b.StopTimer()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		b.ReportMetric(float64((processTime(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/row")
	}
}

func processTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func BenchmarkInsertsSQLite(b *testing.B) { benchmarkInserts(b, benchSQLite(b)) }

func BenchmarkInsertsPostgres(b *testing.B) { benchmarkInserts(b, benchPostgres(b)) }

// benchmarkInserts writes only the rows that an append has to write.
func benchmarkInserts(b *testing.B, cfg store.Config) {
	serve(b, cfg).stop() // creates the tables
	db := rawWriter(b, cfg)
	statements := prepareBare(b, db, strings.HasPrefix(cfg.Data, "postgres"))
	events := make([]store.NewEvent, b.N)
	for i := range events {
		events[i] = benchEvent(1, int64(i))
	}
	stop := measured(b)
	for from := 0; from < b.N; from += benchCallers {
		insertBare(b, db, statements, events[from:min(b.N, from+benchCallers)], int64(from))
	}
	stop()
}

func rawWriter(b *testing.B, cfg store.Config) *sql.DB {
	b.Helper()
	driver, name := "pgx", cfg.Data
	if !strings.HasPrefix(cfg.Data, "postgres") {
		driver = "sqlite3"
		name = "file:" + filepath.Join(cfg.Data, "postrider.db") + "?_synchronous=FULL&_txlock=immediate&_cache_size=-65536"
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	b.Cleanup(func() { _ = db.Close() })
	return db
}

func prepareBare(b *testing.B, db *sql.DB, dollars bool) (statements []*sql.Stmt) {
	b.Helper()
	for _, insert := range []string{
		`insert into event_id (position, tenant_id, event_id, hash, schema_id) values (?, ?, ?, ?, ?)`,
		`insert into event (position, tenant_id, event_id, type, source, subject, time_seconds, time_nanos, accept_time, schema_id)
			values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		`insert into event_payload (position, data) values (?, ?)`,
	} {
		for n := 1; dollars && strings.Contains(insert, "?"); n++ {
			insert = strings.Replace(insert, "?", fmt.Sprint("$", n), 1)
		}
		statement, err := db.PrepareContext(context.Background(), insert)
		if err != nil {
			b.Fatal(err)
		}
		statements = append(statements, statement)
	}
	return statements
}

func insertBare(b *testing.B, db *sql.DB, statements []*sql.Stmt, events []store.NewEvent, after int64) {
	tx, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	insert := func(i int, args ...any) {
		if _, err := tx.StmtContext(context.Background(), statements[i]).ExecContext(context.Background(), args...); err != nil {
			b.Fatal(err)
		}
	}
	for i, n := range events {
		e, position := n.Event, after+int64(i)+1
		insert(0, position, int64(e.Tenant), e.ID, n.Hash[:], nil)
		insert(1, position, int64(e.Tenant), e.ID, e.Type, e.Source, nil, e.Time.Unix(), e.Time.Nanosecond(), e.Time.UnixMicro(), nil)
		insert(2, position, e.Data)
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkResultsSQLite(b *testing.B) { benchmarkResults(b, benchSQLite(b)) }

func BenchmarkResultsPostgres(b *testing.B) { benchmarkResults(b, benchPostgres(b)) }

// benchmarkResults records successful first attempts of four subscriptions, each with 256 attempts under way.
func benchmarkResults(b *testing.B, cfg store.Config) {
	w := serve(b, cfg)
	const subscriptions, slots = 4, 256
	free := make(chan struct{}, subscriptions*slots)
	for range cap(free) {
		free <- struct{}{}
	}
	release := func() { free <- struct{}{} }
	sent := sentTo(b, "https://127.0.0.1:9900/hook")
	sent.Signature = "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="
	results := make([]store.Result, b.N)
	for i := range results {
		results[i] = benchResult(w.tenant().ID, int64(i), subscriptions, sent)
		results[i].Committed = release
	}
	stop := measured(b)
	for i := range results {
		<-free
		w.Record(results[i])
	}
	for range cap(free) {
		<-free
	}
	stop()
}

func benchResult(tenant gateway.TenantID, n, subscriptions int64, sent gateway.Sent) store.Result {
	at := time.Unix(1_700_000_000, n*1000)
	return store.Result{Revision: 1, Delivery: &gateway.Delivery{
		DeliveryKey: gateway.DeliveryKey{Subscription: gateway.SubscriptionID(n%subscriptions + 1), Position: gateway.Position(n/subscriptions + 1)},
		Tenant:      tenant, State: gateway.DeliveryDelivered, Attempts: 1, CreateTime: at, UpdateTime: at,
		Last: &gateway.Attempt{Number: 1, Cause: gateway.CauseFirst, Start: at, Outcome: gateway.Outcome{
			Kind: gateway.OutcomeDelivered, Status: 200, Address: "127.0.0.1:9900", ContentType: "application/json", Response: []byte(`{"ok":true}`),
			Timings: gateway.Timings{FirstByte: time.Millisecond, Total: time.Millisecond}, Sent: sent,
		}},
	}}
}

func benchSQLite(b *testing.B) store.Config {
	return store.Config{Data: b.TempDir(), Keyring: keyring(b)}
}

func benchPostgres(b *testing.B) store.Config {
	return store.Config{Data: postgresDatabase(b, ""), Keyring: keyring(b)}
}
