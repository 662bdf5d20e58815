package server_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/postrider-dev/postrider/server"
)

func TestATakenAddressIsExplained(t *testing.T) {
	t.Parallel()
	neighbour, stop := run(t, config(t))
	t.Cleanup(stop)
	site := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(site.Close)
	silent, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	for _, test := range []struct{ address, who string }{
		{strings.TrimPrefix(neighbour.URL(), "http://"), "another Postrider"},
		{site.Listener.Addr().String(), "another program"},
		{silent.Addr().String(), "another program"},
	} {
		c := config(t)
		c.Listen = test.address
		want := test.address + " is in use by " + test.who + ": set --listen or POSTRIDER_LISTEN to another address"
		if _, err := server.New(t.Context(), c, io.Discard); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
