package rpc_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

// A client that ended its stream while events were on their way to it was logged as an internal error of the server.
func TestAClientThatGoesIsNoErrorOfTheServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publishMany("order.created", 400)
	body := `{"types":["order.*"],"start":"earliest"}`
	for range 30 {
		conn, err := new(net.Dialer).DialContext(soon(t), "tcp", strings.TrimPrefix(w.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/connect+json\r\n"+
			"Content-Length: %d\r\n\r\n\x00\x00\x00\x00%c%s", livePath, adminKey, len(body)+5, len(body), body)
		if _, err := io.ReadFull(conn, make([]byte, 64)); err != nil {
			t.Fatal(err)
		}
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}
	w.publishMany("order.created", 10)
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(w.logs.String()) {
		if strings.Contains(line, "level=ERROR") {
			t.Errorf("logged %s", line)
		}
	}
}
