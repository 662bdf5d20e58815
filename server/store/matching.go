package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

const (
	// maxTypesByIndex is the number of event types up to which a filter is read type by type through the index. For more
	// types the log is scanned.
	maxTypesByIndex = 200
	// scanWindow is the number of positions that a scan covers in one read.
	scanWindow = 5_000
)

// The store selects events by the patterns of a filter. It does not know payloads, so its callers evaluate the filter's
// expression.

// ReadMatching returns up to limit events of one tenant in (after, upTo] that the filter's patterns select, in order, with a
// total size of about maxBytes. scanned is the last position that was examined; the next read continues after it. Through
// the index of types one event among ten million is found at once.
func (s *Store) ReadMatching(ctx context.Context, tenant gateway.TenantID, f gateway.Filter, after, upTo gateway.Position, limit, maxBytes int) (events []*gateway.Event, scanned gateway.Position, err error) {
	if upTo = min(upTo, s.Head()); upTo <= after {
		return nil, after, nil
	}
	types, byIndex, err := s.filterTypes(ctx, tenant, f)
	if err != nil {
		return nil, after, err
	}
	if !byIndex {
		return s.scanMatching(ctx, tenant, f, after, upTo, limit, maxBytes)
	}
	span := positionSpan{after: after, upTo: upTo}
	positions, err := s.positionsByType(ctx, tenant, types, span, limit)
	if err != nil {
		return nil, after, err
	}
	if len(positions) == 0 {
		return nil, upTo, nil
	}
	events, cut, err := s.events(ctx, maxBytes, selectEvents+`where e.position in (`+parameters(len(positions))+`) order by e.position`, anys(positions)...)
	if err != nil {
		return nil, after, err
	}
	switch {
	case cut:
		return events, events[len(events)-1].Position, nil
	case len(positions) == limit:
		return events, positions[limit-1], nil
	default:
		return events, upTo, nil
	}
}

// scannedTenant is the condition on the tenant when the log is read by position. The plus keeps SQLite from reading all
// events of the tenant through the index of types and then sorting them.
const scannedTenant = `+tenant_id = ?`

func (s *Store) scanMatching(ctx context.Context, tenant gateway.TenantID, f gateway.Filter, after, upTo gateway.Position, limit, maxBytes int) ([]*gateway.Event, gateway.Position, error) {
	window := min(upTo, after+scanWindow)
	where, args := patternCondition(f)
	args = append([]any{int64(after), int64(window), int64(tenant)}, args...)
	events, cut, err := s.events(ctx, maxBytes, selectEvents+`where e.position > ? and e.position <= ? and `+scannedTenant+where+
		` order by e.position limit ?`, append(args, limit)...)
	if err != nil {
		return nil, after, err
	}
	if cut || len(events) == limit {
		return events, events[len(events)-1].Position, nil
	}
	return events, window, nil
}

// positionSpan is the part of the log that a read covers, and the end at which it begins.
type positionSpan struct {
	after, upTo gateway.Position
	newest      bool
}

func (p positionSpan) order() string {
	if p.newest {
		return "desc"
	}
	return "asc"
}

// positionsByType merges the first positions of each type and returns at most limit of them.
func (s *Store) positionsByType(ctx context.Context, tenant gateway.TenantID, types []string, span positionSpan, limit int) ([]gateway.Position, error) {
	query := `select position from event where tenant_id = ? and type = ? and position > ? and position <= ? order by position ` +
		span.order() + ` limit ?`
	var merged []gateway.Position
	for _, t := range types {
		found, err := s.positions(ctx, query, int64(tenant), t, int64(span.after), int64(span.upTo), limit)
		if err != nil {
			return nil, err
		}
		merged = append(merged, found...)
	}
	slices.Sort(merged)
	if span.newest {
		slices.Reverse(merged)
	}
	return merged[:min(len(merged), limit)], nil
}

func (s *Store) positions(ctx context.Context, query string, args ...any) ([]gateway.Position, error) {
	rows, err := s.db.reader.QueryContext(ctx, s.db.bind(query), args...)
	if err != nil {
		return nil, fmt.Errorf("read positions: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var found []gateway.Position
	for rows.Next() {
		var p gateway.Position
		if err := rows.Scan(&p); err != nil {
			return nil, fmt.Errorf("read positions: %w", err)
		}
		found = append(found, p)
	}
	return found, rows.Err()
}

// filterTypes returns the event types of the tenant that the filter selects. It skips from type to type through the index.
// byIndex is false when scanning the log is faster.
func (s *Store) filterTypes(ctx context.Context, tenant gateway.TenantID, f gateway.Filter) (types []string, byIndex bool, err error) {
	if f.MatchesAll() && s.onlyTenant() {
		return nil, false, nil
	}
	patterns := f.Types
	if f.MatchesAll() {
		patterns = []string{"*"}
	}
	seen := map[string]bool{}
	for _, pattern := range patterns {
		prefix, open := strings.CutSuffix(pattern, "*")
		if !open {
			seen[pattern] = true
			continue
		}
		if !s.db.byteOrder {
			return nil, false, nil
		}
		if err := s.typesWithPrefix(ctx, tenant, prefix, seen); err != nil {
			return nil, false, err
		}
	}
	if len(seen) > maxTypesByIndex {
		return nil, false, nil
	}
	for t := range seen {
		types = append(types, t)
	}
	slices.Sort(types)
	return types, true, nil
}

// hopTypes selects the distinct types of a range by skipping from type to type through the index.
const hopTypes = `with recursive hop(type) as (
		select min(type) from event where tenant_id = ? and type > ? and type < ?
		union all
		select (select min(e.type) from event e where e.tenant_id = ? and e.type > hop.type and e.type < ?) from hop where hop.type is not null
	) select type from hop where type is not null limit ?`

// typesWithPrefix adds the types that begin with prefix, at most one more than maxTypesByIndex.
func (s *Store) typesWithPrefix(ctx context.Context, tenant gateway.TenantID, prefix string, seen map[string]bool) error {
	// "~" sorts after every character that a type can contain.
	rows, err := s.db.reader.QueryContext(ctx, s.db.bind(hopTypes),
		int64(tenant), prefix, prefix+"~", int64(tenant), prefix+"~", maxTypesByIndex+1)
	if err != nil {
		return fmt.Errorf("read event types: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return fmt.Errorf("read event types: %w", err)
		}
		seen[name] = true
	}
	return rows.Err()
}

// CountMatching counts the events that ReadMatching would read, up to limit. A scan covers only the first 10 × limit
// positions.
func (s *Store) CountMatching(ctx context.Context, tenant gateway.TenantID, f gateway.Filter, after, upTo gateway.Position, limit int) (int, error) {
	if upTo <= after {
		return 0, nil
	}
	types, byIndex, err := s.filterTypes(ctx, tenant, f)
	if err != nil {
		return 0, err
	}
	if !byIndex {
		return s.countScan(ctx, tenant, f, after, upTo, limit)
	}
	count := 0
	query := s.db.bind(`select count(*) from (select 1 from event where tenant_id = ? and type = ? and position > ? and position <= ? limit ?) counted`)
	for _, t := range types {
		var n int
		if err := s.db.reader.QueryRowContext(ctx, query, int64(tenant), t, int64(after), int64(upTo), limit-count).Scan(&n); err != nil {
			return 0, fmt.Errorf("count events: %w", err)
		}
		if count += n; count >= limit {
			return limit, nil
		}
	}
	return count, nil
}

// countScan counts with a scan of at most 10 × limit positions. That is enough, because a filter that selects too many types
// for the index selects nearly all events.
func (s *Store) countScan(ctx context.Context, tenant gateway.TenantID, f gateway.Filter, after, upTo gateway.Position, limit int) (int, error) {
	where, args := patternCondition(f)
	query := s.db.bind(`select count(*) from (select 1 from event where ` + scannedTenant + ` and position > ? and position <= ?` + where + ` limit ?) counted`)
	window := min(upTo, after+gateway.Position(10*limit))
	args = append([]any{int64(tenant), int64(after), int64(window)}, args...)
	var n int
	if err := s.db.reader.QueryRowContext(ctx, query, append(args, limit)...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count events: %w", err)
	}
	return n, nil
}

// CountByType counts a tenant's events in (after, upTo] by type. It reads every position in between, so callers bound the part.
func (s *Store) CountByType(ctx context.Context, tenant gateway.TenantID, after, upTo gateway.Position) (map[string]int, error) {
	query := s.db.bind(`select type, count(*) from event where ` + scannedTenant + ` and position > ? and position <= ? group by type`)
	rows, err := s.db.reader.QueryContext(ctx, query, int64(tenant), int64(after), int64(upTo))
	if err != nil {
		return nil, fmt.Errorf("count events by type: %w", err)
	}
	defer func() { _ = rows.Close() }()
	counts := map[string]int{}
	for rows.Next() {
		var name string
		var n int
		if err := rows.Scan(&name, &n); err != nil {
			return nil, fmt.Errorf("count events by type: %w", err)
		}
		counts[name] = n
	}
	return counts, rows.Err()
}

// patternCondition returns the SQL condition of a filter's patterns.
func patternCondition(f gateway.Filter) (where string, args []any) {
	if f.MatchesAll() {
		return "", nil
	}
	conditions := make([]string, 0, len(f.Types))
	for _, pattern := range f.Types {
		if prefix, open := strings.CutSuffix(pattern, "*"); open {
			conditions = append(conditions, "substr(type, 1, ?) = ?")
			args = append(args, len(prefix), prefix)
			continue
		}
		conditions = append(conditions, "type = ?")
		args = append(args, pattern)
	}
	return " and (" + strings.Join(conditions, " or ") + ")", args
}

// EventQuery selects events of one tenant for a list.
type EventQuery struct {
	Tenant  gateway.TenantID
	Filter  gateway.Filter
	Subject string
	// From and To bound the accept time: From <= t < To; nil for no bound.
	From, To *time.Time
	// Before is the position below which the page begins; 0 begins at the head.
	Before gateway.Position
	Limit  int
}

// ListEvents returns events, newest first. next is the Before of the next page, 0 when there is none. A page with fewer
// events than Limit may still have a next page, because one read covers a bounded part of the log.
func (s *Store) ListEvents(ctx context.Context, q EventQuery) (events []*gateway.Event, next gateway.Position, err error) {
	span, err := s.querySpan(ctx, q)
	if err != nil || span.upTo <= span.after {
		return nil, 0, err
	}
	positions, bottom, err := s.listPositions(ctx, q, span)
	if err != nil {
		return nil, 0, err
	}
	events, cut, err := s.newestFirst(ctx, positions)
	if err != nil {
		return nil, 0, err
	}
	if cut {
		bottom = events[len(events)-1].Position
	}
	if bottom > span.after+1 {
		next = bottom
	}
	return slices.DeleteFunc(events, func(e *gateway.Event) bool { return !q.Filter.Match(e.Type) }), next, nil
}

// maxListBytes bounds the size of a page.
const maxListBytes = 4 << 20

// newestFirst reads the events at these positions, up to about maxListBytes.
func (s *Store) newestFirst(ctx context.Context, positions []gateway.Position) (events []*gateway.Event, cut bool, err error) {
	if len(positions) == 0 {
		return nil, false, nil
	}
	return s.events(ctx, maxListBytes, selectEvents+`where e.position in (`+parameters(len(positions))+`) order by e.position desc`, anys(positions)...)
}

func (s *Store) querySpan(ctx context.Context, q EventQuery) (positionSpan, error) {
	span := positionSpan{upTo: s.Head(), newest: true}
	if q.Before > 0 {
		span.upTo = min(span.upTo, q.Before-1)
	}
	if q.From != nil {
		from, err := s.PositionBefore(ctx, *q.From)
		if err != nil {
			return span, err
		}
		span.after = from
	}
	if q.To != nil {
		to, err := s.PositionBefore(ctx, *q.To)
		if err != nil {
			return span, err
		}
		span.upTo = min(span.upTo, to)
	}
	return span, nil
}

// listPositions returns candidates, newest first, and the lowest position that was examined.
func (s *Store) listPositions(ctx context.Context, q EventQuery, span positionSpan) ([]gateway.Position, gateway.Position, error) {
	if q.Subject != "" {
		return s.positionsBySubject(ctx, q, span)
	}
	types, byIndex, err := s.filterTypes(ctx, q.Tenant, q.Filter)
	if err != nil {
		return nil, 0, err
	}
	if byIndex {
		positions, err := s.positionsByType(ctx, q.Tenant, types, span, q.Limit)
		return positions, bottomOf(positions, q.Limit, span.after+1), err
	}
	where, args := patternCondition(q.Filter)
	bottom := max(span.after, span.upTo-20*scanWindow)
	args = append([]any{int64(q.Tenant), int64(bottom), int64(span.upTo)}, args...)
	positions, err := s.positions(ctx, `select position from event where `+scannedTenant+` and position > ? and position <= ?`+where+
		` order by position desc limit ?`, append(args, q.Limit)...)
	return positions, bottomOf(positions, q.Limit, bottom+1), err
}

// bottomOf returns the lowest position that was examined: the last position found when the page is full, otherwise the given
// one.
func bottomOf(positions []gateway.Position, limit int, otherwise gateway.Position) gateway.Position {
	if len(positions) >= limit {
		return positions[len(positions)-1]
	}
	return otherwise
}
