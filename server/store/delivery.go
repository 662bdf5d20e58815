package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/postrider-dev/postrider/ent"
	"github.com/postrider-dev/postrider/ent/attempt"
	"github.com/postrider-dev/postrider/ent/delivery"
	"github.com/postrider-dev/postrider/ent/event"
	"github.com/postrider-dev/postrider/server/gateway"
)

var openStates = []int8{int8(gateway.DeliveryPending), int8(gateway.DeliveryRetrying)}

func deliveryFrom(row *ent.Delivery) *gateway.Delivery {
	d := &gateway.Delivery{
		DeliveryKey: gateway.DeliveryKey{
			Subscription: gateway.SubscriptionID(row.SubscriptionID), Position: gateway.Position(row.Position), Run: gateway.Run(row.Run),
		},
		Tenant: gateway.TenantID(row.TenantID), State: gateway.DeliveryState(row.State),
		Attempts: int(row.Attempts), Step: int(row.Step), Probes: int(row.Probes), Manual: row.Manual,
		Due: optionalMicros(row.DueTime), CreateTime: fromMicros(row.CreateTime), UpdateTime: fromMicros(row.UpdateTime),
	}
	if row.Outcome != nil {
		d.Last = &gateway.Attempt{
			Number: d.Attempts, Cause: gateway.AttemptCause(value(row.Cause)), Start: optionalMicros(row.StartTime),
			Outcome: gateway.Outcome{
				Kind: gateway.OutcomeKind(*row.Outcome), Status: int(value(row.Status)), Error: value(row.Error), Address: value(row.Address),
				Timings:     timings(row.DNS, row.Connect, row.TLS, row.FirstByte, row.Duration),
				ContentType: value(row.ContentType), Response: value(row.Response), Truncated: value(row.Truncated),
				Sent: sentFrom(row.Sent),
			},
		}
	}
	return d
}

func attemptFrom(row *ent.Attempt) gateway.Attempt {
	return gateway.Attempt{
		Number: int(row.Number), Cause: gateway.AttemptCause(value(row.Cause)), Start: optionalMicros(row.StartTime),
		Outcome: gateway.Outcome{
			Kind: gateway.OutcomeKind(value(row.Outcome)), Status: int(value(row.Status)), Error: value(row.Error), Address: value(row.Address),
			Timings:     timings(row.DNS, row.Connect, row.TLS, row.FirstByte, row.Duration),
			ContentType: value(row.ContentType), Response: value(row.Response), Truncated: value(row.Truncated),
			Sent: sentFrom(row.Sent),
		},
	}
}

// value returns the value of a nullable column, the zero value for null.
func value[T any](v *T) T {
	if v == nil {
		var zero T
		return zero
	}
	return *v
}

func timings(dns, connect, tls, firstByte, total *int64) gateway.Timings {
	us := func(v *int64) time.Duration { return time.Duration(value(v)) * time.Microsecond }
	return gateway.Timings{DNS: us(dns), Connect: us(connect), TLS: us(tls), FirstByte: us(firstByte), Total: us(total)}
}

// OpenDeliveries returns pending and retrying deliveries of a subscription that are due by dueBy, ordered by due time and
// position. Deliveries without a due time may be attempted as soon as the subscription allows it; they come first.
func (s *Store) OpenDeliveries(ctx context.Context, sub gateway.SubscriptionID, dueBy time.Time, limit int) ([]*gateway.Delivery, error) {
	rows, err := s.read.Delivery.Query().
		Where(delivery.SubscriptionID(int64(sub)), delivery.StateIn(openStates...), inOpenIndex,
			delivery.Or(delivery.DueTimeIsNil(), delivery.DueTimeLTE(micros(dueBy)))).
		Order(delivery.ByDueTime(entsql.OrderNullsFirst()), sortedByPosition("")).Limit(limit).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read open deliveries: %w", err)
	}
	return mapped(rows, deliveryFrom), nil
}

// OpenSubscriptions returns the subscriptions that have open deliveries, each with its earliest due time. The time is zero
// when a delivery is due at once.
func (s *Store) OpenSubscriptions(ctx context.Context) (map[gateway.SubscriptionID]time.Time, error) {
	var rows []struct {
		ID  gateway.SubscriptionID `json:"subscription_id"`
		Due int64                  `json:"due"`
	}
	earliest := func(*entsql.Selector) string { return "min(coalesce(due_time, 0))" }
	err := s.read.Delivery.Query().Where(delivery.StateIn(openStates...), inOpenIndex).
		GroupBy(delivery.FieldSubscriptionID).Aggregate(ent.As(earliest, "due")).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("read open deliveries: %w", err)
	}
	open := make(map[gateway.SubscriptionID]time.Time, len(rows))
	for _, row := range rows {
		open[row.ID] = fromMicros(row.Due)
	}
	return open, nil
}

// RetryingDeliveries returns the number of deliveries that failed and wait for their next attempt, for each subscription
// that has any.
func (s *Store) RetryingDeliveries(ctx context.Context) (map[gateway.SubscriptionID]int64, error) {
	var rows []struct {
		ID    gateway.SubscriptionID `json:"subscription_id"`
		Count int64                  `json:"count"`
	}
	err := s.read.Delivery.Query().Where(delivery.State(int8(gateway.DeliveryRetrying)), inOpenIndex).
		GroupBy(delivery.FieldSubscriptionID).Aggregate(ent.Count()).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	counts := make(map[gateway.SubscriptionID]int64, len(rows))
	for _, row := range rows {
		counts[row.ID] = row.Count
	}
	return counts, nil
}

// SettledAbove returns the positions in (after, upTo] for which a subscription already has a delivery of the live run.
func (s *Store) SettledAbove(ctx context.Context, sub gateway.SubscriptionID, after, upTo gateway.Position) (positions []gateway.Position, err error) {
	err = s.read.Delivery.Query().Where(delivery.SubscriptionID(int64(sub)), delivery.PositionGT(int64(after)),
		delivery.PositionLTE(int64(upTo)), delivery.Run(0)).Order(ent.Asc(delivery.FieldPosition)).
		Select(delivery.FieldPosition).Scan(ctx, &positions)
	if err != nil {
		return nil, fmt.Errorf("read settled positions: %w", err)
	}
	return positions, nil
}

// Delivery returns one delivery of a tenant, with the id and type of its event. The error is not found.
func (s *Store) Delivery(ctx context.Context, tenant gateway.TenantID, key gateway.DeliveryKey) (*gateway.Delivery, error) {
	row, err := s.read.Delivery.Query().Where(delivery.SubscriptionID(int64(key.Subscription)),
		delivery.Position(int64(key.Position)), delivery.Run(int32(key.Run)), delivery.TenantID(int64(tenant))).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, gateway.NotFound("delivery", key.ID())
	}
	if err != nil {
		return nil, fmt.Errorf("read delivery: %w", err)
	}
	d := deliveryFrom(row)
	return d, s.nameEvents(ctx, []*gateway.Delivery{d})
}

// nameEvents sets what deliveries show of their events.
func (s *Store) nameEvents(ctx context.Context, deliveries []*gateway.Delivery) error {
	positions := mapped(deliveries, func(d *gateway.Delivery) gateway.Position { return d.Position })
	names := make(map[int64]*ent.Event, len(positions))
	for chunk := range slices.Chunk(positions, 500) {
		rows, err := s.read.Event.Query().Where(event.IDIn(int64s(chunk)...)).
			Select(event.FieldID, event.FieldEventID, event.FieldType, event.FieldSubject, event.FieldAcceptTime).All(ctx)
		if err != nil {
			return fmt.Errorf("read names of events: %w", err)
		}
		for _, row := range rows {
			names[row.ID] = row
		}
	}
	for _, d := range deliveries {
		if e := names[int64(d.Position)]; e != nil {
			d.EventID, d.EventType, d.EventSubject, d.EventAcceptTime = e.EventID, e.Type, value(e.Subject), fromMicros(e.AcceptTime)
		}
	}
	return nil
}

func int64s(positions []gateway.Position) []int64 {
	return mapped(positions, func(p gateway.Position) int64 { return int64(p) })
}

// Attempts returns the ended attempts of a delivery that are kept, with what they sent: those with numbers above after,
// oldest first, at most limit.
func (s *Store) Attempts(ctx context.Context, d *gateway.Delivery, after, limit int) ([]gateway.Attempt, error) {
	rows, err := s.read.Attempt.Query().Where(attempt.SubscriptionID(int64(d.Subscription)),
		attempt.Position(int64(d.Position)), attempt.Run(int32(d.Run)), attempt.NumberGT(int32(after)),
		// Earlier versions kept all attempts.
		attempt.Or(attempt.NumberLTE(gateway.FirstAttemptsKept), attempt.NumberGT(int32(d.Attempts-gateway.LastAttemptsKept))),
	).Order(ent.Asc(attempt.FieldNumber)).Limit(limit).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read attempts: %w", err)
	}
	attempts := mapped(rows, attemptFrom)
	if d.Last != nil && d.Last.Number > after && len(attempts) < limit {
		attempts = append(attempts, *d.Last)
	}
	return attempts, s.addForms(ctx, d.Subscription, attempts)
}

// DeliveryQuery selects deliveries of one tenant for a list.
type DeliveryQuery struct {
	Tenant gateway.TenantID
	// Subscription and Position restrict the list; 0 means any.
	Subscription gateway.SubscriptionID
	Position     gateway.Position
	// States restricts the list to these states; empty means all.
	States []gateway.DeliveryState
	// Types restricts the list to events whose type one of the patterns selects; empty means all. The type is not in a
	// delivery's row, so at most typeScan deliveries are examined for a page.
	Types []string
	// Before is the last delivery of the previous page; nil begins with the newest delivery.
	Before *gateway.DeliveryKey
	Limit  int
}

// typeScan is the number of deliveries that are examined for a page of a list with types. They are read by one query: open deliveries
// are sorted for each.
const typeScan = 1000

// ListDeliveries returns deliveries, those of the newest events first. next is the Before of the next page, nil on the last
// page. A page of a list with types can have fewer deliveries than the limit, even none, and still have a next page.
func (s *Store) ListDeliveries(ctx context.Context, q DeliveryQuery) (deliveries []*gateway.Delivery, next *gateway.DeliveryKey, err error) {
	types := gateway.Filter{Types: q.Types}
	if types.MatchesAll() {
		return s.listDeliveries(ctx, q)
	}
	page := q
	page.Limit = typeScan
	examined, more, err := s.listDeliveries(ctx, page)
	if err != nil {
		return nil, nil, err
	}
	for i, d := range examined {
		if !types.Match(d.EventType) {
			continue
		}
		if deliveries = append(deliveries, d); len(deliveries) == q.Limit {
			if more != nil || i < len(examined)-1 {
				next = &d.DeliveryKey
			}
			return deliveries, next, nil
		}
	}
	return deliveries, more, nil
}

// listDeliveries lists without regard to types.
func (s *Store) listDeliveries(ctx context.Context, q DeliveryQuery) (deliveries []*gateway.Delivery, next *gateway.DeliveryKey, err error) {
	page := q
	page.Limit++
	for _, states := range q.readApart() {
		page.States = states
		found, err := s.readDeliveries(ctx, page)
		if err != nil {
			return nil, nil, fmt.Errorf("list deliveries: %w", err)
		}
		deliveries = append(deliveries, found...)
	}
	slices.SortFunc(deliveries, func(a, b *gateway.Delivery) int {
		return cmp.Or(cmp.Compare(b.Position, a.Position), cmp.Compare(b.Subscription, a.Subscription), cmp.Compare(b.Run, a.Run))
	})
	if len(deliveries) > q.Limit {
		deliveries = deliveries[:q.Limit]
		next = &deliveries[q.Limit-1].DeliveryKey
	}
	return deliveries, next, s.nameEvents(ctx, deliveries)
}

// isOpen reports whether the list is of open deliveries alone, for which there are partial indexes.
func (q *DeliveryQuery) isOpen() bool {
	return len(q.States) > 0 && !slices.Contains(q.States, gateway.DeliveryDelivered)
}

// readApart returns the states of each query that the list needs. The open deliveries of a tenant are indexed by state: a query of one
// state reads a page of the index, one of several would sort all that the tenant has.
func (q *DeliveryQuery) readApart() [][]gateway.DeliveryState {
	if q.isOpen() && q.Subscription == 0 && q.Position == 0 {
		return slices.Collect(slices.Chunk(q.States, 1))
	}
	return [][]gateway.DeliveryState{q.States}
}

// readDeliveries reads a page with one query.
func (s *Store) readDeliveries(ctx context.Context, q DeliveryQuery) ([]*gateway.Delivery, error) {
	query := s.read.Delivery.Query().Where(delivery.TenantID(int64(q.Tenant)))
	if q.Subscription != 0 {
		query = query.Where(delivery.SubscriptionID(int64(q.Subscription)))
	}
	if q.Position != 0 {
		query = query.Where(delivery.Position(int64(q.Position)))
	}
	if len(q.States) > 0 {
		query = query.Where(delivery.StateIn(mapped(q.States, func(st gateway.DeliveryState) int8 { return int8(st) })...))
	}
	if q.Before != nil {
		query = query.Where(func(sel *entsql.Selector) {
			sel.Where(entsql.CompositeLT([]string{
				sel.C(delivery.FieldPosition), sel.C(delivery.FieldSubscriptionID), sel.C(delivery.FieldRun),
			}, int64(q.Before.Position), int64(q.Before.Subscription), int32(q.Before.Run)))
		})
	}
	newestFirst := delivery.OrderOption(ent.Desc(delivery.FieldPosition))
	if q.isOpen() {
		query = query.Where(inOpenIndex)
		if q.Subscription != 0 {
			newestFirst = sortedByPosition(" desc")
		}
	}
	rows, err := query.Order(newestFirst, ent.Desc(delivery.FieldSubscriptionID, delivery.FieldRun)).Limit(q.Limit).All(ctx)
	if err != nil {
		return nil, err
	}
	return mapped(rows, deliveryFrom), nil
}

// DeliveryCount counts a subscription's deliveries that did not succeed.
type DeliveryCount struct{ Retrying, Dead int64 }

// DeliveryCounts returns the count of each of the subscriptions that has such deliveries.
func (s *Store) DeliveryCounts(ctx context.Context, subs []gateway.SubscriptionID) (map[gateway.SubscriptionID]DeliveryCount, error) {
	var rows []struct {
		ID    gateway.SubscriptionID `json:"subscription_id"`
		State gateway.DeliveryState  `json:"state"`
		Count int64                  `json:"count"`
	}
	ids := mapped(subs, func(id gateway.SubscriptionID) int64 { return int64(id) })
	err := s.read.Delivery.Query().Where(delivery.SubscriptionIDIn(ids...),
		delivery.StateIn(int8(gateway.DeliveryRetrying), int8(gateway.DeliveryDead)), inOpenIndex).
		GroupBy(delivery.FieldSubscriptionID, delivery.FieldState).Aggregate(ent.Count()).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	counts := make(map[gateway.SubscriptionID]DeliveryCount, len(rows))
	for _, row := range rows {
		count := counts[row.ID]
		if row.State == gateway.DeliveryDead {
			count.Dead = row.Count
		} else {
			count.Retrying = row.Count
		}
		counts[row.ID] = count
	}
	return counts, nil
}

// NewestDelivery returns a subscription's delivery of the newest event; nil if it has none. The names of the event are not set.
func (s *Store) NewestDelivery(ctx context.Context, sub gateway.SubscriptionID) (*gateway.Delivery, error) {
	row, err := s.read.Delivery.Query().Where(delivery.SubscriptionID(int64(sub))).
		Order(ent.Desc(delivery.FieldPosition, delivery.FieldRun)).First(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read newest delivery: %w", err)
	}
	return deliveryFrom(row), nil
}

// sortedByPosition sorts by position a result that is much smaller than the table. The plus keeps SQLite from reading all
// rows of a subscription in order of position, instead of the few in the partial index.
func sortedByPosition(direction string) delivery.OrderOption {
	return func(sel *entsql.Selector) { sel.OrderExpr(entsql.Expr("+" + delivery.FieldPosition + direction)) }
}

// inOpenIndex repeats the condition of the partial index. The planner uses a partial index only for queries that contain its
// condition.
func inOpenIndex(sel *entsql.Selector) {
	sel.Where(entsql.ExprP("state in (1, 2, 4, 5)"))
}

// RecordTestAttempt stores the attempt of a test delivery. A test event is not in the log, so the negated start time takes
// the place of its position. The newest MaxTestAttempts attempts of a subscription are kept.
func (s *Store) RecordTestAttempt(ctx context.Context, sub *gateway.Subscription, a gateway.Attempt) error {
	return s.onWriter(ctx, func(ctx context.Context, w *writer, tx *ent.Tx) error {
		if w.removed[sub.ID] {
			return nil
		}
		o := a.Outcome
		place := -micros(a.Start)
		// Two tests may begin in the same microsecond: the later one stays.
		_, err := tx.Attempt.Delete().Where(attempt.SubscriptionID(int64(sub.ID)), attempt.Position(place)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("replace test attempt: %w", err)
		}
		err = tx.Attempt.Create().SetTenantID(int64(sub.Tenant)).SetSubscriptionID(int64(sub.ID)).
			SetPosition(place).SetRun(0).SetNumber(1).SetCause(int8(gateway.CauseTest)).SetOutcome(int8(o.Kind)).
			SetStatus(int32(o.Status)).SetStartTime(micros(a.Start)).SetDuration(o.Timings.Total.Microseconds()).
			SetAddress(cleanText(o.Address)).SetError(cleanText(o.Error)).SetContentType(cleanText(o.ContentType)).
			SetResponse(o.Response).SetTruncated(o.Truncated).Exec(ctx)
		if err != nil {
			return fmt.Errorf("keep test attempt: %w", err)
		}
		return trimTestAttempts(ctx, tx, sub.ID)
	})
}
