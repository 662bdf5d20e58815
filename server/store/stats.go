package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/postrider-dev/postrider/ent"
	"github.com/postrider-dev/postrider/ent/statsinterval"
	"github.com/postrider-dev/postrider/server/gateway"
)

// StatsInterval is what a tenant's statistics of one interval were, as server/stats encodes them.
type StatsInterval struct {
	Tenant     gateway.TenantID
	Resolution time.Duration
	Start      time.Time
	// Position is that of the newest event, whosever it was, that was counted in what was stored by then.
	Position gateway.Position
	Data     []byte
}

// saveStatsStep is how many intervals are written with one statement.
const saveStatsStep = 500

// SaveStats writes intervals in one transaction, in the place of those stored before. It asks for them on the writer's
// goroutine, where every commit up to then has been told of. Without any it writes nothing.
func (s *Store) SaveStats(ctx context.Context, intervals func() []StatsInterval) error {
	return s.change(ctx, func(ctx context.Context, tx *ent.Tx) error {
		for rest := intervals(); len(rest) > 0; {
			n := min(len(rest), saveStatsStep)
			if err := saveStats(ctx, tx, rest[:n]); err != nil {
				return fmt.Errorf("save statistics: %w", err)
			}
			rest = rest[n:]
		}
		return nil
	})
}

func saveStats(ctx context.Context, tx *ent.Tx, intervals []StatsInterval) error {
	rows := make([]*ent.StatsIntervalCreate, len(intervals))
	for i, one := range intervals {
		rows[i] = tx.StatsInterval.Create().SetTenantID(int64(one.Tenant)).SetResolution(seconds(one.Resolution)).
			SetStartTime(micros(one.Start)).SetPosition(int64(one.Position)).SetData(one.Data)
	}
	return tx.StatsInterval.CreateBulk(rows...).
		OnConflictColumns(statsinterval.FieldTenantID, statsinterval.FieldResolution, statsinterval.FieldStartTime).
		Update(func(u *ent.StatsIntervalUpsert) { u.UpdatePosition().UpdateData() }).Exec(ctx)
}

func seconds(d time.Duration) int32 { return int32(d / time.Second) }

// Stats returns the intervals of a tenant that begin from one time on and before another, oldest first, and in front of
// them the newest one from before.
func (s *Store) Stats(ctx context.Context, tenant gateway.TenantID, resolution time.Duration, from, before time.Time) ([]StatsInterval, error) {
	return s.statsIntervals(ctx, `select tenant_id, resolution, start_time, position, data from stats_interval
		where tenant_id = ? and resolution = ? and start_time < ? and start_time >= coalesce((select max(start_time) from stats_interval
			where tenant_id = ? and resolution = ? and start_time < ?), ?) order by start_time`,
		int64(tenant), seconds(resolution), micros(before), int64(tenant), seconds(resolution), micros(from), micros(from))
}

// StatsOfAll returns the intervals of all tenants that begin from one time on and before another, by tenant and oldest
// first.
func (s *Store) StatsOfAll(ctx context.Context, resolution time.Duration, from, before time.Time) ([]StatsInterval, error) {
	return s.statsIntervals(ctx, `select tenant_id, resolution, start_time, position, data from stats_interval
		where resolution = ? and start_time >= ? and start_time < ? order by tenant_id, start_time`,
		seconds(resolution), micros(from), micros(before))
}

func (s *Store) statsIntervals(ctx context.Context, query string, args ...any) ([]StatsInterval, error) {
	rows, err := s.db.reader.QueryContext(ctx, s.db.bind(query), args...)
	if err != nil {
		return nil, fmt.Errorf("read statistics: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var intervals []StatsInterval
	for rows.Next() {
		var one StatsInterval
		var length, start int64
		if err := rows.Scan(&one.Tenant, &length, &start, &one.Position, &one.Data); err != nil {
			return nil, fmt.Errorf("read statistics: %w", err)
		}
		one.Resolution, one.Start = time.Duration(length)*time.Second, fromMicros(start)
		intervals = append(intervals, one)
	}
	return intervals, rows.Err()
}

// NewestStats returns the start of the newest interval of any tenant that does not begin after a time, and the newest event
// that was counted when it was written. ok is false when there is none.
func (s *Store) NewestStats(ctx context.Context, resolution time.Duration, upTo time.Time) (start time.Time, counted gateway.Position, ok bool, err error) {
	var at int64
	err = s.db.reader.QueryRowContext(ctx, s.db.bind(`select start_time, max(position) from stats_interval where resolution = ? and start_time =
		(select max(start_time) from stats_interval where resolution = ? and start_time <= ?) group by start_time`),
		seconds(resolution), seconds(resolution), micros(upTo)).
		Scan(&at, &counted)
	if errors.Is(err, sql.ErrNoRows) {
		return start, 0, false, nil
	}
	if err != nil {
		return start, 0, false, fmt.Errorf("read statistics: %w", err)
	}
	return fromMicros(at), counted, true, nil
}

// RemoveStats removes the intervals that began before a time. Without any it writes nothing.
func (s *Store) RemoveStats(ctx context.Context, resolution time.Duration, before time.Time) error {
	query := s.read.StatsInterval.Query().
		Where(statsinterval.Resolution(seconds(resolution)), statsinterval.StartTimeLT(micros(before))).Limit(deleteStep)
	for {
		ids, err := query.Clone().IDs(ctx)
		if err != nil || len(ids) == 0 {
			return err
		}
		err = s.change(ctx, func(ctx context.Context, tx *ent.Tx) error {
			_, err := tx.StatsInterval.Delete().Where(statsinterval.IDIn(ids...)).Exec(ctx)
			return err
		})
		if err != nil {
			return fmt.Errorf("remove statistics: %w", err)
		}
	}
}

// PublishedCount is how many events of a type a tenant published in an interval.
type PublishedCount struct {
	Tenant gateway.TenantID
	Type   string
	Start  time.Time
	Events int64
}

// Published counts the events after one position and up to another, by intervals of their time of acceptance.
func (s *Store) Published(ctx context.Context, after, upTo gateway.Position, interval time.Duration) ([]PublishedCount, error) {
	rows, err := s.db.reader.QueryContext(ctx, s.db.bind(`select tenant_id, type, accept_time / ?, count(*) from event
		where position > ? and position <= ? group by 1, 2, 3`), interval.Microseconds(), int64(after), int64(upTo))
	if err != nil {
		return nil, fmt.Errorf("count events: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var counts []PublishedCount
	for rows.Next() {
		var one PublishedCount
		var number int64
		if err := rows.Scan(&one.Tenant, &one.Type, &number, &one.Events); err != nil {
			return nil, fmt.Errorf("count events: %w", err)
		}
		one.Start = fromMicros(number * interval.Microseconds())
		counts = append(counts, one)
	}
	return counts, rows.Err()
}

// RetryingDeliveries returns how many deliveries failed and wait for their next attempt, of each subscription that has
// some.
func (s *Store) RetryingDeliveries(ctx context.Context) (map[gateway.SubscriptionID]int64, error) {
	rows, err := s.db.reader.QueryContext(ctx, `select subscription_id, count(*) from delivery
		where state = 2 and state in (1, 2, 4, 5) group by subscription_id`)
	if err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	defer func() { _ = rows.Close() }()
	counts := map[gateway.SubscriptionID]int64{}
	for rows.Next() {
		var id gateway.SubscriptionID
		var n int64
		if err := rows.Scan(&id, &n); err != nil {
			return nil, fmt.Errorf("count deliveries: %w", err)
		}
		counts[id] = n
	}
	return counts, rows.Err()
}
