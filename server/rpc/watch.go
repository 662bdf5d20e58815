package rpc

import (
	"context"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/deliver"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/store"
	"github.com/postrider-dev/postrider/server/wire"
)

const (
	// watchHeartbeat is the longest silence of a watch.
	watchHeartbeat      = 15 * time.Second
	defaultSnapshotSize = 50
)

// WatchDeliveries registers before it takes the snapshot, so that no change can fall between the two.
func (s *deliveryService) WatchDeliveries(
	ctx context.Context, request *connect.Request[postriderv1.WatchDeliveriesRequest],
	to *connect.ServerStream[postriderv1.WatchDeliveriesResponse],
) error {
	tenant, err := s.resolve(ctx, request.Msg.GetTenant())
	if err != nil {
		return err
	}
	query, err := s.query(ctx, tenant, request.Msg)
	if err != nil {
		return err
	}
	query.Limit = int(request.Msg.GetSnapshotSize())
	if query.Limit == 0 {
		query.Limit = defaultSnapshotSize
	}
	watch := s.engine.Watch(deliver.WatchFilter{Tenant: tenant.ID, Subscription: query.Subscription, Position: query.Position})
	defer watch.Close()
	w := &watcher{viewer: s.viewer(tenant), to: to, stopping: s.stopping}
	if err := w.snapshot(ctx, query); err != nil {
		return err
	}
	return w.follow(ctx, watch.Changes())
}

// watcher is one watch.
type watcher struct {
	viewer   deliveryViewer
	to       *connect.ServerStream[postriderv1.WatchDeliveriesResponse]
	stopping <-chan struct{}
	// shown holds the time of each delivery of the snapshot: earlier changes are left out.
	shown map[gateway.DeliveryKey]time.Time
}

func (w *watcher) snapshot(ctx context.Context, query store.DeliveryQuery) error {
	found, _, err := w.viewer.store.ListDeliveries(ctx, query)
	if err != nil {
		return err
	}
	w.shown = make(map[gateway.DeliveryKey]time.Time, len(found))
	for _, delivery := range found {
		w.shown[delivery.DeliveryKey] = delivery.UpdateTime
		if err := w.to.Send(wire.WatchSnapshot(w.viewer.one(ctx, delivery))); err != nil {
			return err
		}
	}
	return w.to.Send(wire.WatchSnapshotEnd())
}

func (w *watcher) follow(ctx context.Context, changes <-chan *gateway.Delivery) error {
	heartbeat := time.NewTimer(watchHeartbeat)
	defer heartbeat.Stop()
	for {
		var err error
		select {
		case delivery, ok := <-changes:
			if !ok {
				return gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonOverloaded, "the watch fell behind; watch again")
			}
			err = w.change(ctx, delivery)
		case <-heartbeat.C:
			err = w.to.Send(wire.WatchHeartbeat())
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-w.stopping:
			return errWatchStopping()
		}
		if err != nil {
			return err
		}
		heartbeat.Reset(watchHeartbeat)
	}
}

func errWatchStopping() error {
	return gateway.Errorf(gateway.CodeUnavailable, gateway.ReasonShuttingDown, "the server is stopping; connect again")
}

func (w *watcher) change(ctx context.Context, delivery *gateway.Delivery) error {
	if at, ok := w.shown[delivery.DeliveryKey]; ok {
		// Times are stored in microseconds.
		if delivery.UpdateTime.Truncate(time.Microsecond).Before(at) {
			return nil
		}
		delete(w.shown, delivery.DeliveryKey)
	}
	return w.to.Send(wire.WatchChange(w.viewer.one(ctx, delivery)))
}
