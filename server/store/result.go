package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

// Result is one entry of the result queue. The entries of a subscription become durable in the order in which they were
// recorded. A mark becomes durable after everything that was recorded before it. So a cursor or mark is committed with the
// rows that it covers or after them, never before.
type Result struct {
	// Delivery is the new content of the delivery's row; nil for an entry that only moves a cursor or the mark.
	Delivery *gateway.Delivery
	// Previous is the attempt that Delivery.Last replaces in the delivery's row. It gets a row of its own; nil for none.
	Previous *gateway.Attempt
	// Revision is the subscription's revision under which Delivery.Last was made; 0 for a result without a new attempt.
	Revision int64
	// Subscription is set with Cursor, Share, Hold and ClockSet, and with Failing if there is no Delivery.
	Subscription gateway.SubscriptionID
	// Cursor is the subscription's own position.
	Cursor *gateway.Position
	// Share means that the subscription follows the shared mark from now on: its stored cursor becomes null.
	Share bool
	// Hold is the new hold of the subscription; the zero value ends the hold.
	Hold *gateway.Hold
	// Failing is the new state of the subscription's failures; the zero value means that the newest attempt succeeded.
	Failing *gateway.Failing
	// ClockSet is the time at which the clock was set, or was found to be behind the clock that stored the subscription's
	// deliveries. Deliveries that were stored ahead of it wait again from then. It is zero for all other entries.
	ClockSet time.Time
	// Mark is the new shared position of the caught-up subscriptions of Group; 0 leaves the mark unchanged. A stored mark
	// never goes back.
	Mark  gateway.Position
	Group gateway.GroupID
	// Committed is called after the commit, on the writer's goroutine. It must not block.
	Committed func()

	// number is the entry's sequence number in the queue. overtakes means that the entry goes before failures of other
	// subscriptions.
	number    uint64
	overtakes bool
}

// delivers reports whether the result is a successful delivery.
func (r *Result) delivers() bool {
	return r.Delivery != nil && r.Delivery.State == gateway.DeliveryDelivered
}

// subscription returns the subscription of the result; 0 for the mark.
func (r *Result) subscription() gateway.SubscriptionID {
	if r.Delivery != nil {
		return r.Delivery.Subscription
	}
	return r.Subscription
}

// Record queues results and does not wait. No result is refused or dropped. The queue is bounded by the attempts under way,
// because Committed releases their slots.
func (s *Store) Record(results ...Result) { s.queue.pushResults(results) }

// The columns of the rows of deliveries and attempts. Values are matched with columns by position: addDeliveryRow, addAttemptRow and
// addInline must add them in the order of these lists.
var (
	keyColumns = []string{"tenant_id", "subscription_id", "position", "run"}
	// inlineColumns hold an attempt. A delivery's row has its last attempt; earlier attempts have rows of their own.
	inlineColumns = []string{
		"cause", "outcome", "status", "start_time", "duration", "dns", "connect", "tls", "first_byte",
		"address", "error", "content_type", "response", "truncated", "sent",
	}
	updatedColumns = slices.Concat([]string{
		"state", "attempts", "step", "probes", "manual", "due_time", "update_time",
	}, inlineColumns)
	deliveryColumns = slices.Concat(keyColumns, []string{"create_time"}, updatedColumns)
	attemptColumns  = slices.Concat(keyColumns, []string{"number"}, inlineColumns)
)

// upsertDelivery makes the insert of an existing delivery update all columns except the key and the creation time.
func upsertDelivery() string {
	sets := make([]string, len(updatedColumns))
	for i, column := range updatedColumns {
		sets[i] = column + " = excluded." + column
	}
	return " on conflict (subscription_id, position, run) do update set " + strings.Join(sets, ", ")
}

const (
	// resultStep is the largest number of results that are written at once. stepTime bounds the time of one such step.
	resultStep = 64
	stepTime   = time.Millisecond
)

// insertResults writes the results of a group. While appends wait, of this group or of the next, results are written only as
// far as their share of the time allows. Of several entries for one delivery, cursor or mark the last one counts.
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
	if err := w.setFailing(ctx, tx, results[:written]); err != nil {
		return 0, err
	}
	if err := w.waitAnew(ctx, tx, results[:written]); err != nil {
		return 0, err
	}
	return written, w.moveCursors(ctx, tx, results[:written])
}

// nextStep returns the number of results to write next. Results of one busy subscription are adjacent rows and take 20 µs
// each. Single results of a thousand subscriptions take twenty times as long, and a publisher would wait for all of them.
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
		w.forms.add(r)
	}
}

// newestRows returns the index of the last entry of each delivery, because one statement must not touch a row twice.
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

// trimAttempts removes the attempts between the first and the last ones that are kept, of deliveries with many attempts.
// Each further attempt makes one to remove; an earlier version may have kept many.
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

// addInline adds the values of inlineColumns, in their order. They are null for a delivery without an attempt.
func addInline(b *bulkInsert, a *gateway.Attempt) {
	if a == nil {
		for range inlineColumns {
			b.add(nil)
		}
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
