package rpcstream_test

import (
	"log/slog"
	"net/http"
	"testing"

	"github.com/postrider-dev/postrider/server/publish"
	"github.com/postrider-dev/postrider/server/rpc"
	"github.com/postrider-dev/postrider/server/stream/rpcstream"
	"github.com/postrider-dev/postrider/server/stream/streamtest"
)

// newAPI returns the services of a world. The transport is behind what they have in front of Subscribe: authentication, the rules of
// the contract and the registry of streams.
func newAPI(t *testing.T, w *streamtest.World) http.Handler {
	t.Helper()
	api, err := rpc.New(rpc.Config{
		Access: w.Access, Live: w.Live, Store: w.Store, Schemas: w.Schemas, Filters: w.Filters,
		Publisher: publish.New(w.Store, w.Schemas), Events: rpcstream.New(w.Hub, w.View),
		MaxRequestBytes: streamtest.MaxRequestBytes, Stopping: w.Stopping, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	api.Mount(mux)
	return mux
}
