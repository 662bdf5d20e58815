package rpc_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/server/grpctest"
)

// freedWithin bounds how long the server may hold on to a stream whose client has left: at once, and what a busy machine
// adds. Without being told it would find out by a heartbeat, after 15 s, or a ping, after 30 s.
const freedWithin = 10 * time.Second

// TestGRPCGoLeaves looks that a stream is gone from the server when its client is, however it left and whatever the
// server was doing, and that nobody is woken up over it.
func TestGRPCGoLeaves(t *testing.T) {
	t.Parallel()
	deadline := func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, 10*time.Second) // The stream has to be open by then.
	}
	tests := []struct {
		name string
		// limit gives the call its context.
		limit func(context.Context) (context.Context, context.CancelFunc)
		// stuck streams have more to send than the client takes.
		stuck bool
		leave func(cancel context.CancelFunc, connection *grpc.ClientConn)
		want  codes.Code
	}{
		{"by its deadline", deadline, false, nil, codes.DeadlineExceeded},
		{"by its deadline, stuck", deadline, true, nil, codes.DeadlineExceeded},
		{"by a cancellation", context.WithCancel, false, byCancel, codes.Canceled},
		{"by a cancellation, stuck", context.WithCancel, true, byCancel, codes.Canceled},
		{"by closing its connection", context.WithCancel, false, byClose, codes.Canceled},
		{"by closing its connection, stuck", context.WithCancel, true, byClose, codes.Canceled},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			connection := w.dialGRPC()
			request := &postriderv1.SubscribeRequest{}
			if test.stuck {
				w.publishMuch()
				request.Start = "earliest"
			}
			ctx, cancel := test.limit(metadata.AppendToOutgoingContext(soon(t), "authorization", "Bearer "+adminKey))
			defer cancel()
			stream, err := grpctest.Events{Connection: connection}.Subscribe(ctx, request)
			if err != nil {
				t.Fatal(err)
			}
			if first, err := stream.Recv(); err != nil || first.GetBegin() == nil {
				t.Fatalf("the first message is %v (%v), want begin", first, err)
			}
			w.waitForStreams("", 1)
			if test.leave != nil {
				test.leave(cancel, connection)
			} else {
				<-ctx.Done()
			}
			left := time.Now()
			w.waitForStreams("", 0)
			if took := time.Since(left); took > freedWithin {
				t.Errorf("the server freed the stream after %v", took)
			}
			if err := drain(stream); status.Code(err) != test.want {
				t.Errorf("the client is told %v, want %v", err, test.want)
			}
			if err := w.stop(); err != nil || strings.Contains(w.logs.String(), "level=ERROR") {
				t.Errorf("stopped with %v, logged:\n%s", err, w.logs)
			}
		})
	}
}

func byCancel(cancel context.CancelFunc, _ *grpc.ClientConn) { cancel() }

func byClose(_ context.CancelFunc, connection *grpc.ClientConn) { _ = connection.Close() }

func (w *world) dialGRPC() *grpc.ClientConn {
	w.t.Helper()
	connection, err := grpc.NewClient(strings.TrimPrefix(w.url, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = connection.Close() })
	return connection
}

// publishMuch publishes more than a connection holds that nobody reads from.
func (w *world) publishMuch() {
	w.t.Helper()
	data := `{"text":"` + strings.Repeat("x", 64<<10) + `"}`
	batch := &postriderv1.PublishBatchRequest{}
	for range 32 {
		batch.Events = append(batch.Events, publishRequest("order.created", data).Msg.GetEvent())
	}
	if _, err := w.admin().events.PublishBatch(w.t.Context(), connect.NewRequest(batch)); err != nil {
		w.t.Fatal(err)
	}
}

// waitForStreams asks the server until a tenant has as many open streams.
func (w *world) waitForStreams(tenant string, want int32) {
	w.t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	ctx := soon(w.t)
	for {
		got := w.admin().listStreams(w.t, &postriderv1.ListStreamsRequest{Tenant: tenant}).GetTotal()
		if got == want {
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			w.t.Fatalf("the server has %d streams, want %d", got, want)
		}
	}
}

// drain reads a stream to its end, and returns how it ended.
func drain(stream grpc.ServerStreamingClient[postriderv1.SubscribeResponse]) error {
	for {
		if _, err := stream.Recv(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
