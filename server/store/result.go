package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// Result is one entry of the queue of results. Those of a subscription become durable in the order of the calls to Record, and a mark
// after all that was recorded before it, so what a later entry relies on is never missing: a cursor or mark that is queued after the rows
// it covers is committed with them or after them.
type Result struct {
	// Delivery is the row as it is to be from now on; nil for an entry that only moves a cursor or the mark.
	Delivery *gateway.Delivery
	// Previous is the attempt that Delivery.Last replaces inline, kept as a row of its own; nil for none.
	Previous *gateway.Attempt
	// Revision is the subscription's under which Delivery.Last was made; 0 for a result that brings no new attempt.
	Revision int64
	// Subscription is set with Cursor, Share, Hold and ClockSet.
	Subscription gateway.SubscriptionID
	// Cursor is the subscription's own place.
	Cursor *gateway.Position
	// Share means that the subscription joins the shared mark: its stored cursor becomes null.
	Share bool
	// Hold is what keeps the subscription from attempts from now on; the zero hold: nothing.
	Hold *gateway.Hold
	// ClockSet is when the clock was set, or found to be behind one that has stored the subscription's deliveries: those that
	// were stored ahead of it wait anew from then. Zero for an entry of any other kind.
	ClockSet time.Time
	// Mark is the place that the caught-up subscriptions of Group share from now on; 0 leaves it. A stored mark never goes back.
	Mark  gateway.Position
	Group gateway.GroupID
	// Committed is called after the commit, from the writer's goroutine. It must not block.
	Committed func()

	// number is the entry's place in the queue. overtakes says that it goes before those of other subscriptions that failed.
	number    uint64
	overtakes bool
}

// delivers reports whether the result is that of a delivery that was made.
func (r *Result) delivers() bool {
	return r.Delivery != nil && r.Delivery.State == gateway.DeliveryDelivered
}

// subscription is whose result it is; 0 for the mark.
func (r *Result) subscription() gateway.SubscriptionID {
	if r.Delivery != nil {
		return r.Delivery.Subscription
	}
	return r.Subscription
}

// Record queues results. It does not wait: a result is never refused or dropped, and what is queued is bounded by the
// attempts under way, whose slots are released by Committed.
func (s *Store) Record(results ...Result) { s.queue.pushResults(results) }

var (
	inlineColumns = []string{
		"cause", "outcome", "status", "start_time", "duration", "dns", "connect", "tls", "first_byte",
		"address", "error", "content_type", "response", "truncated", "sent",
	}
	deliveryColumns = append([]string{
		"tenant_id", "subscription_id", "position", "run", "create_time",
		"state", "attempts", "step", "probes", "manual", "due_time", "update_time",
	}, inlineColumns...)
	attemptColumns = append([]string{"tenant_id", "subscription_id", "position", "run", "number"}, inlineColumns...)
)

// upsertDelivery turns the insert of an existing delivery into an update of all columns but the key and the creation time.
func upsertDelivery() string {
	sets := make([]string, 0, len(deliveryColumns))
	for _, column := range deliveryColumns[5:] {
		sets = append(sets, column+" = excluded."+column)
	}
	return " on conflict (subscription_id, position, run) do update set " + strings.Join(sets, ", ")
}

const (
	// resultStep is the largest number of results that are written at once; stepTime bounds the time for that.
	resultStep = 64
	stepTime   = time.Millisecond
)

// insertResults writes a group's results, as far as their share goes while appends wait: those of the group itself, which
// wait for its commit, or the next ones. The last entry of a delivery, a cursor or the mark wins.
func (w *writer) insertResults(ctx context.Context, tx *sql.Tx, results []Result, appends bool) (written int, err error) {
	waited := appends || w.queue.appendsWait()
	for written < len(results) && (!waited || w.shares.results.open()) {
		began := time.Now()
		next := min(written+w.step, len(results))
		if err := w.insertResultRows(ctx, tx, results[written:next]); err != nil {
			return 0, err
		}
		took := time.Since(began)
		w.step = nextStep(w.step, next-written, took)
		written = next
		if waited = appends || w.queue.appendsWait(); waited {
			w.shares.results.spend(took)
		}
	}
	if written == 0 {
		return 0, nil
	}
	if err := w.setHolds(ctx, tx, results[:written]); err != nil {
		return 0, err
	}
	if err := w.waitAnew(ctx, tx, results[:written]); err != nil {
		return 0, err
	}
	return written, w.moveCursors(ctx, tx, results[:written])
}

// nextStep returns how many results are written next. Results of a busy subscription are adjacent rows and take 20 µs each. Single
// results of a thousand subscriptions take twenty times that, and a publisher would wait for all of them.
func nextStep(step, written int, took time.Duration) int {
	switch {
	case took > stepTime:
		return max(written*int(stepTime)/int(took), 1)
	case written == step:
		return min(2*step, resultStep)
	default:
		return step
	}
}

func (w *writer) insertResultRows(ctx context.Context, tx *sql.Tx, results []Result) error {
	w.addResultRows(results)
	if err := w.statements.delivery.flush(ctx, tx); err != nil {
		w.statements.attempt.reset()
		return fmt.Errorf("record deliveries: %w", err)
	}
	if err := w.statements.attempt.flush(ctx, tx); err != nil {
		return fmt.Errorf("record attempts: %w", err)
	}
	if err := w.insertForms(ctx, tx); err != nil {
		return err
	}
	return w.trimAttempts(ctx, tx, results)
}

func (w *writer) addResultRows(results []Result) {
	newest := w.newestRows(results)
	for i := range results {
		r := &results[i]
		if r.Delivery == nil || w.removed[r.Delivery.Subscription] {
			continue
		}
		if r.Previous != nil {
			w.addAttemptRow(r.Delivery, r.Previous)
		}
		if newest[r.Delivery.DeliveryKey] == i {
			w.addDeliveryRow(r.Delivery)
		}
		w.forms.note(r)
	}
}

// newestRows finds the last entry of each delivery of the group: one statement must not touch a row twice.
func (w *writer) newestRows(results []Result) map[gateway.DeliveryKey]int {
	if w.newest == nil {
		w.newest = make(map[gateway.DeliveryKey]int, len(results))
	}
	clear(w.newest)
	for i := range results {
		if d := results[i].Delivery; d != nil {
			w.newest[d.DeliveryKey] = i
		}
	}
	return w.newest
}

// trimAttempts removes, of deliveries with many attempts, those between the first and the last that are kept. There is one
// to remove with each further attempt, or many that a version before this has kept.
func (w *writer) trimAttempts(ctx context.Context, tx *sql.Tx, results []Result) error {
	for i := range results {
		d := results[i].Delivery
		if d == nil || results[i].Previous == nil || d.AttemptsLeftOut() == 0 {
			continue
		}
		_, err := tx.StmtContext(ctx, w.statements.trimAttempts).ExecContext(ctx, int64(d.Subscription), int64(d.Position),
			int64(d.Run), gateway.FirstAttemptsKept, d.Attempts-gateway.LastAttemptsKept)
		if err != nil {
			return fmt.Errorf("trim attempts: %w", err)
		}
	}
	return nil
}

func (w *writer) addDeliveryRow(d *gateway.Delivery) {
	b := w.statements.delivery
	b.add(int64(d.Tenant), int64(d.Subscription), int64(d.Position), int64(d.Run), micros(d.CreateTime),
		int64(d.State), int64(d.Attempts), int64(d.Step), int64(d.Probes), d.Manual, nullTime(d.Due), micros(d.UpdateTime))
	addInline(b, d.Last)
}

func (w *writer) addAttemptRow(d *gateway.Delivery, a *gateway.Attempt) {
	w.statements.attempt.add(int64(d.Tenant), int64(d.Subscription), int64(d.Position), int64(d.Run), int64(a.Number))
	addInline(w.statements.attempt, a)
}

func addInline(b *bulkInsert, a *gateway.Attempt) {
	if a == nil {
		b.add(nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil)
		return
	}
	o := &a.Outcome
	b.add(int64(a.Cause), int64(o.Kind), nullInt(int64(o.Status)), micros(a.Start), o.Timings.Total.Microseconds(),
		nullInt(o.Timings.DNS.Microseconds()), nullInt(o.Timings.Connect.Microseconds()),
		nullInt(o.Timings.TLS.Microseconds()), nullInt(o.Timings.FirstByte.Microseconds()),
		nullText(cleanText(o.Address)), nullText(cleanText(o.Error)), nullText(cleanText(o.ContentType)), nullBytes(o.Response),
		nullBool(o.Truncated), sentBytes(&o.Sent))
}

func nullTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return micros(t)
}

func nullBytes(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

func nullBool(v bool) any {
	if !v {
		return nil
	}
	return true
}

func (w *writer) moveCursors(ctx context.Context, tx *sql.Tx, results []Result) error {
	cursors := map[gateway.SubscriptionID]any{}
	marks := map[gateway.GroupID]int64{}
	for i := range results {
		r := &results[i]
		if r.Mark > 0 {
			marks[r.Group] = max(marks[r.Group], int64(r.Mark))
		}
		if r.Share {
			cursors[r.Subscription] = nil
		} else if r.Cursor != nil {
			cursors[r.Subscription] = int64(*r.Cursor)
		}
	}
	for id, position := range cursors {
		if _, err := tx.StmtContext(ctx, w.statements.setCursor).ExecContext(ctx, position, int64(id)); err != nil {
			return fmt.Errorf("store cursor: %w", err)
		}
	}
	for group, mark := range marks {
		if _, err := tx.StmtContext(ctx, w.statements.setMark).ExecContext(ctx, mark, int64(group), mark); err != nil {
			return fmt.Errorf("store mark: %w", err)
		}
	}
	return nil
}
