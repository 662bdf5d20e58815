package store

import (
	"context"
	"fmt"
	"time"

	"github.com/postrider-dev/postrider/ent"
	"github.com/postrider-dev/postrider/ent/statsinterval"
	"github.com/postrider-dev/postrider/server/gateway"
)

// StatsInterval holds a tenant's statistics of one interval, as server/stats encodes them.
type StatsInterval struct {
	Tenant     gateway.TenantID
	Resolution time.Duration
	Start      time.Time
	// Position is the position of the newest event, of any tenant, that was counted when the interval was stored.
	Position gateway.Position
	Data     []byte
}

// saveStatsStep is the number of intervals that one statement writes.
const saveStatsStep = 500

// SaveStats stores intervals in one transaction and replaces stored ones. It calls intervals on the writer's goroutine,
// after the callbacks of all earlier commits. Without intervals it writes nothing.
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
	for of, tenants := range tenantsByInterval(intervals) {
		_, err := tx.StatsInterval.Delete().Where(statsinterval.TenantIDIn(tenants...),
			statsinterval.Resolution(of.resolution), statsinterval.StartTime(of.start)).Exec(ctx)
		if err != nil {
			return err
		}
	}
	rows := make([]*ent.StatsIntervalCreate, len(intervals))
	for i, one := range intervals {
		rows[i] = tx.StatsInterval.Create().SetTenantID(int64(one.Tenant)).SetResolution(seconds(one.Resolution)).
			SetStartTime(micros(one.Start)).SetPosition(int64(one.Position)).SetData(one.Data)
	}
	return tx.StatsInterval.CreateBulk(rows...).Exec(ctx)
}

// intervalTime is what the intervals of all tenants that are saved at one time have in common.
type intervalTime struct {
	resolution int32
	start      int64
}

// tenantsByInterval returns the tenants by the time of their intervals: few times, with many tenants each.
func tenantsByInterval(intervals []StatsInterval) map[intervalTime][]int64 {
	tenants := map[intervalTime][]int64{}
	for _, one := range intervals {
		of := intervalTime{seconds(one.Resolution), micros(one.Start)}
		tenants[of] = append(tenants[of], int64(one.Tenant))
	}
	return tenants
}

func seconds(d time.Duration) int32 { return int32(d / time.Second) }

// Stats returns the intervals of a tenant that begin in [from, before), oldest first. Before them comes the newest earlier
// interval, if there is one.
func (s *Store) Stats(ctx context.Context, tenant gateway.TenantID, resolution time.Duration, from, before time.Time) ([]StatsInterval, error) {
	query := s.read.StatsInterval.Query().
		Where(statsinterval.TenantID(int64(tenant)), statsinterval.Resolution(seconds(resolution)))
	earlier, err := query.Clone().Where(statsinterval.StartTimeLT(micros(from))).
		Order(ent.Desc(statsinterval.FieldStartTime)).Limit(1).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read statistics: %w", err)
	}
	rows, err := query.Where(statsinterval.StartTimeGTE(micros(from)), statsinterval.StartTimeLT(micros(before))).
		Order(ent.Asc(statsinterval.FieldStartTime)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read statistics: %w", err)
	}
	return mapped(append(earlier, rows...), statsIntervalFrom), nil
}

// StatsOfAll returns the intervals of all tenants that begin in [from, before), by tenant and oldest first.
func (s *Store) StatsOfAll(ctx context.Context, resolution time.Duration, from, before time.Time) ([]StatsInterval, error) {
	rows, err := s.read.StatsInterval.Query().Where(statsinterval.Resolution(seconds(resolution)),
		statsinterval.StartTimeGTE(micros(from)), statsinterval.StartTimeLT(micros(before))).
		Order(ent.Asc(statsinterval.FieldTenantID, statsinterval.FieldStartTime)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read statistics: %w", err)
	}
	return mapped(rows, statsIntervalFrom), nil
}

func statsIntervalFrom(row *ent.StatsInterval) StatsInterval {
	return StatsInterval{
		Tenant: gateway.TenantID(row.TenantID), Resolution: time.Duration(row.Resolution) * time.Second,
		Start: fromMicros(row.StartTime), Position: gateway.Position(row.Position), Data: row.Data,
	}
}

// NewestStats returns the start of the newest interval of any tenant that begins at upTo or earlier, and the newest event
// that was counted when it was stored. ok is false when there is no such interval.
func (s *Store) NewestStats(ctx context.Context, resolution time.Duration, upTo time.Time) (start time.Time, counted gateway.Position, ok bool, err error) {
	row, err := s.read.StatsInterval.Query().
		Where(statsinterval.Resolution(seconds(resolution)), statsinterval.StartTimeLTE(micros(upTo))).
		Order(ent.Desc(statsinterval.FieldStartTime, statsinterval.FieldPosition)).First(ctx)
	if ent.IsNotFound(err) {
		return start, 0, false, nil
	}
	if err != nil {
		return start, 0, false, fmt.Errorf("read statistics: %w", err)
	}
	return fromMicros(row.StartTime), gateway.Position(row.Position), true, nil
}

// RemoveStats removes the intervals that begin before a time. If there are none, it writes nothing.
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
