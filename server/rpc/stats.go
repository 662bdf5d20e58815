package rpc

import (
	"context"
	"slices"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/deliver"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/stats"
	"github.com/postrider-dev/postrider/server/wire"
)

const (
	// statsEvery is how often a watch of statistics looks, just after the second is over.
	statsEvery = time.Second
	// statsTablesEvery is after how many looks the tables are made.
	statsTablesEvery = 5
)

// statsService shows the activity of a tenant.
type statsService struct {
	tenants
	recorder *stats.Recorder
	engine   *deliver.Engine
	stopping <-chan struct{}
}

func (s *statsService) Watch(
	ctx context.Context, request *connect.Request[postriderv1.StatsServiceWatchRequest],
	to *connect.ServerStream[postriderv1.StatsServiceWatchResponse],
) error {
	tenant, err := s.resolve(ctx, request.Msg.GetTenant())
	if err != nil {
		return err
	}
	watch, err := s.recorder.Watch(ctx, tenant.ID, wire.StatsSpan(request.Msg))
	if err != nil {
		return err
	}
	w := &statsWatcher{service: s, watch: watch, to: to}
	if err := w.snapshot(ctx); err != nil {
		return err
	}
	return w.follow(ctx)
}

// statsWatcher is one watch, with what was sent last.
type statsWatcher struct {
	service *statsService
	watch   *stats.Watch
	to      *connect.ServerStream[postriderv1.StatsServiceWatchResponse]

	point  *postriderv1.StatsPoint
	tables *postriderv1.StatsTables
	sent   time.Time
}

func errStatsBehind() error {
	return gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonOverloaded, "the watch fell behind; watch again")
}

func (w *statsWatcher) snapshot(ctx context.Context) error {
	view, ok := w.watch.Look(true)
	if !ok {
		return errStatsBehind()
	}
	points, tables := wire.StatsPoints(view.Points), w.tablesOf(ctx, &view)
	w.point, w.tables = points[len(points)-1], tables
	if err := w.send(wire.StatsSnapshot(w.watch.Resolution(), points, tables)); err != nil {
		return err
	}
	return w.send(wire.StatsSnapshotEnd())
}

func (w *statsWatcher) send(message *postriderv1.StatsServiceWatchResponse) error {
	w.sent = time.Now()
	return w.to.Send(message)
}

func (w *statsWatcher) follow(ctx context.Context) error {
	for looks := 1; ; looks++ {
		now := time.Now()
		select {
		case <-time.After(now.Truncate(statsEvery).Add(statsEvery).Sub(now)):
			if err := w.look(ctx, looks%statsTablesEvery == 0); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-w.service.stopping:
			return gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonShuttingDown, "the server is stopping; connect again")
		}
	}
}

// look sends the changes since the last look.
func (w *statsWatcher) look(ctx context.Context, withTables bool) error {
	view, ok := w.watch.Look(withTables)
	if !ok {
		return errStatsBehind()
	}
	points := wire.StatsPoints(view.Points)
	newest := points[len(points)-1]
	if proto.Equal(points[0], w.point) {
		points = points[1:]
	}
	w.point = newest
	var tables *postriderv1.StatsTables
	if withTables {
		if now := w.tablesOf(ctx, &view); !proto.Equal(now, w.tables) {
			tables, w.tables = now, now
		}
	}
	switch {
	case len(points) > 0 || tables != nil:
		return w.send(wire.StatsChange(points, tables))
	case time.Since(w.sent) >= watchHeartbeat:
		return w.send(wire.StatsHeartbeat())
	default:
		return nil
	}
}

func (w *statsWatcher) tablesOf(ctx context.Context, view *stats.View) *postriderv1.StatsTables {
	engine := w.service.engine
	// A deleted subscription has no name any more.
	isDeleted := func(id gateway.SubscriptionID) bool {
		_, err := engine.Subscription(ctx, id)
		return err != nil
	}
	there := slices.DeleteFunc(view.Subscriptions, func(s gateway.SubscriptionStats) bool { return isDeleted(s.ID) })
	failures := slices.DeleteFunc(view.Failures, func(f gateway.FailureStats) bool { return isDeleted(f.Subscription) })
	tables := &postriderv1.StatsTables{
		Totals: wire.StatsTotals(&view.Totals), EventTypes: wire.EventTypeStats(gateway.TopEventTypes(view.EventTypes)),
	}
	for _, one := range gateway.TopSubscriptions(there) {
		if sub, err := engine.Subscription(ctx, one.ID); err == nil {
			tables.Subscriptions = append(tables.Subscriptions, wire.SubscriptionStats(&one, sub.UID, sub.Name))
		}
	}
	for _, one := range gateway.TopFailures(failures) {
		if sub, err := engine.Subscription(ctx, one.Subscription); err == nil {
			tables.Failures = append(tables.Failures, wire.FailureStats(&one, sub.UID, sub.Name))
		}
	}
	return tables
}
