package wire

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

// defaultStatsSpan is the default span of a watch of statistics.
const defaultStatsSpan = 5 * time.Minute

// StatsSpan returns the span of a watch.
func StatsSpan(request *postriderv1.StatsServiceWatchRequest) time.Duration {
	if request.GetSpan() == nil {
		return defaultStatsSpan
	}
	return request.GetSpan().AsDuration()
}

// StatsSnapshot returns the first message of a watch of statistics.
func StatsSnapshot(
	resolution time.Duration, points []*postriderv1.StatsPoint, tables *postriderv1.StatsTables,
) *postriderv1.StatsServiceWatchResponse {
	return &postriderv1.StatsServiceWatchResponse{Message: &postriderv1.StatsServiceWatchResponse_Snapshot{
		Snapshot: &postriderv1.StatsSnapshot{Resolution: durationpb.New(resolution), Points: points, Tables: tables},
	}}
}

// StatsSnapshotEnd marks the end of the snapshot.
func StatsSnapshotEnd() *postriderv1.StatsServiceWatchResponse {
	return &postriderv1.StatsServiceWatchResponse{
		Message: &postriderv1.StatsServiceWatchResponse_SnapshotEnd{SnapshotEnd: &postriderv1.SnapshotEnd{}},
	}
}

// StatsChange returns the changes; tables is nil if they did not change.
func StatsChange(points []*postriderv1.StatsPoint, tables *postriderv1.StatsTables) *postriderv1.StatsServiceWatchResponse {
	return &postriderv1.StatsServiceWatchResponse{
		Message: &postriderv1.StatsServiceWatchResponse_Change{Change: &postriderv1.StatsChange{Points: points, Tables: tables}},
	}
}

// StatsHeartbeat returns a heartbeat of a watch without changes.
func StatsHeartbeat() *postriderv1.StatsServiceWatchResponse {
	return &postriderv1.StatsServiceWatchResponse{
		Message: &postriderv1.StatsServiceWatchResponse_Heartbeat{Heartbeat: &postriderv1.WatchHeartbeat{}},
	}
}

// StatsPoints converts intervals.
func StatsPoints(points []gateway.StatsPoint) []*postriderv1.StatsPoint {
	shown := make([]*postriderv1.StatsPoint, len(points))
	for i := range points {
		shown[i] = statsPoint(&points[i])
	}
	return shown
}

func statsPoint(p *gateway.StatsPoint) *postriderv1.StatsPoint {
	shown := &postriderv1.StatsPoint{
		StartTime: timestamppb.New(p.Start),
		Published: p.Published, Delivered: p.Delivered, Failed: p.Failed, Dead: p.Dead, Latency: statsLatency(&p.Latency),
	}
	if p.Gauges.Known {
		shown.Backlog, shown.Retrying, shown.Streams = &p.Gauges.Backlog, &p.Gauges.Retrying, &p.Gauges.Streams
	}
	return shown
}

func statsLatency(l *gateway.Latencies) *postriderv1.StatsLatency {
	count := l.Count()
	if count == 0 {
		return nil
	}
	quantile := func(q float64) *durationpb.Duration { return durationpb.New(l.Quantile(q).Round(time.Microsecond)) }
	return &postriderv1.StatsLatency{Count: count, P50: quantile(0.50), P95: quantile(0.95), P99: quantile(0.99)}
}

// StatsTotals converts the sums of a span.
func StatsTotals(c *gateway.StatsCounts) *postriderv1.StatsTotals {
	return &postriderv1.StatsTotals{
		Published: c.Published, Delivered: c.Delivered, Failed: c.Failed, Dead: c.Dead, Latency: statsLatency(&c.Latency),
	}
}

// SubscriptionStats converts the statistics of a subscription for a span.
func SubscriptionStats(s *gateway.SubscriptionStats, uid, name string) *postriderv1.SubscriptionStats {
	shown := &postriderv1.SubscriptionStats{
		Id: uid, Name: name, Delivered: s.Delivered, Failed: s.Failed, Dead: s.Dead, Latency: statsLatency(&s.Latency),
		Backlog: s.Backlog.Waiting, Retrying: s.Backlog.Retrying,
	}
	if n := s.Attempts(); n > 0 {
		ratio := float64(s.Delivered) / float64(n)
		shown.SuccessRatio = &ratio
	}
	return shown
}

// EventTypeStats converts the statistics of event types for a span.
func EventTypeStats(types []gateway.EventTypeStats) []*postriderv1.EventTypeStats {
	shown := make([]*postriderv1.EventTypeStats, len(types))
	for i, one := range types {
		shown[i] = &postriderv1.EventTypeStats{Type: one.Type, Published: one.Published}
	}
	return shown
}

// FailureStats converts the failures of a subscription for one reason.
func FailureStats(f *gateway.FailureStats, uid, name string) *postriderv1.FailureStats {
	return &postriderv1.FailureStats{
		SubscriptionId: uid, SubscriptionName: name,
		Kind: failureKinds[f.Reason.Kind], StatusCode: int32(f.Reason.Status), Failed: f.Failed,
	}
}
