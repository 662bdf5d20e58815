package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"connectrpc.com/connect"

	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
	"github.com/postrider-dev/postrider/client/gen/postrider/v1/postriderv1connect"
)

// noop is a bare Connect handler with the library's own codec, no interceptor and a constant response. Its rate is no limit
// for Postrider. It shows how fast this machine is for a server of this kind, and so what the figures in microseconds would
// be on the machine of the budget.
type noop struct {
	postriderv1connect.UnimplementedEventServiceHandler
}

func (noop) Publish(
	context.Context, *connect.Request[postriderv1.PublishRequest],
) (*connect.Response[postriderv1.PublishResponse], error) {
	return connect.NewResponse(&postriderv1.PublishResponse{Id: "evt_0", Cursor: "0"}), nil
}

// noopMain is the bare handler as a process of its own: bench noop ADDRESS.
func noopMain(address string) int {
	mux := http.NewServeMux()
	mux.Handle(postriderv1connect.NewEventServiceHandler(noop{}))
	server := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// noopRate measures the bare handler with as many clients as publish.
func noopRate(d time.Duration) (rate float64, cpu time.Duration, err error) {
	address, err := freeAddress()
	if err != nil {
		return 0, 0, err
	}
	server, err := start(address, nil, "noop", address)
	if err != nil {
		return 0, 0, err
	}
	defer server.stop()
	loads := make([]publishLoad, publishers)
	request := appendPost(nil, publishPath, address, "", []byte(`{"event":{"type":"a","jsonData":"{}"}}`))
	for i := range loads {
		conn, err := dialRaw(address)
		if err != nil {
			return 0, 0, err
		}
		defer conn.close()
		loads[i] = func(context.Context) error {
			status, answer, err := conn.do(request)
			if err == nil && status != http.StatusOK {
				err = fmt.Errorf("no-op: %d %s", status, answer)
			}
			return err
		}
	}
	return loopRate(server, loads, d)
}
