package rpc

import (
	"context"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/gateway"
)

// maxWatched is the number of streams that a watch shows: the oldest ones. When one ends, the next one is added.
const maxWatched = 1000

func (s *streamService) WatchStreams(
	ctx context.Context, request *connect.Request[postriderv1.WatchStreamsRequest],
	to *connect.ServerStream[postriderv1.WatchStreamsResponse],
) error {
	tenant, err := s.resolve(ctx, request.Msg.GetTenant())
	if err != nil {
		return err
	}
	opened := openStreamOf(ctx)
	if err := s.live.Watch(opened); err != nil {
		return err
	}
	defer s.live.EndWatch(opened)
	w := &streamWatch{service: s, tenant: tenant.ID, to: to, shown: map[string]*postriderv1.LiveStream{}}
	if err := w.snapshot(); err != nil {
		return err
	}
	return w.follow(ctx)
}

// streamWatch is one watch of the streams of a tenant.
type streamWatch struct {
	service *streamService
	tenant  gateway.TenantID
	to      *connect.ServerStream[postriderv1.WatchStreamsResponse]
	// shown are the streams as they were last sent.
	shown map[string]*postriderv1.LiveStream
	sent  time.Time
}

func (w *streamWatch) snapshot() error {
	open := w.service.live.Streams(w.tenant)
	for _, one := range open[:min(len(open), maxWatched)] {
		shown := showStream(one, w.service.store)
		w.shown[shown.GetId()] = shown
		err := w.send(&postriderv1.WatchStreamsResponse{Message: &postriderv1.WatchStreamsResponse_Snapshot{Snapshot: shown}})
		if err != nil {
			return err
		}
	}
	return w.send(&postriderv1.WatchStreamsResponse{Message: &postriderv1.WatchStreamsResponse_SnapshotEnd{
		SnapshotEnd: &postriderv1.StreamSnapshotEnd{Total: int32(len(open))},
	}})
}

func (w *streamWatch) follow(ctx context.Context) error {
	pace := time.NewTimer(w.service.live.WatchPace())
	defer pace.Stop()
	for {
		select {
		case <-pace.C:
			pace.Reset(w.service.live.WatchPace())
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-w.service.stopping:
			return errWatchStopping()
		}
		if err := w.update(); err != nil {
			return err
		}
	}
}

// update sends the changes since the last update, or a heartbeat after a long silence.
func (w *streamWatch) update() error {
	open := w.service.live.Streams(w.tenant)
	open = open[:min(len(open), maxWatched)]
	still := make(map[string]bool, len(open))
	for _, one := range open {
		still[one.ID] = true
		now := showStream(one, w.service.store)
		if proto.Equal(w.shown[one.ID], now) {
			continue
		}
		w.shown[one.ID] = now
		err := w.send(&postriderv1.WatchStreamsResponse{Message: &postriderv1.WatchStreamsResponse_Change{Change: now}})
		if err != nil {
			return err
		}
	}
	for id := range w.shown {
		if still[id] {
			continue
		}
		delete(w.shown, id)
		if err := w.send(&postriderv1.WatchStreamsResponse{Message: &postriderv1.WatchStreamsResponse_Ended{Ended: id}}); err != nil {
			return err
		}
	}
	if time.Since(w.sent) < watchHeartbeat {
		return nil
	}
	return w.send(&postriderv1.WatchStreamsResponse{
		Message: &postriderv1.WatchStreamsResponse_Heartbeat{Heartbeat: &postriderv1.Heartbeat{}},
	})
}

func (w *streamWatch) send(message *postriderv1.WatchStreamsResponse) error {
	w.sent = time.Now()
	return w.to.Send(message)
}
