package httpserver_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/postrider-dev/postrider/server/httpserver"
)

// A client that opens calls only to give them up (CVE-2023-44487) loses its connection, and the others do not notice.
func TestAConnectionThatGivesUpCallAfterCallIsClosed(t *testing.T) {
	t.Parallel()
	url := start(t, httpserver.Config{API: func(mux *http.ServeMux) {
		mux.HandleFunc("/wait", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	}})
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	go func() { _, _ = io.Copy(io.Discard, conn) }()
	_, _ = io.WriteString(conn, http2.ClientPreface)
	framer := http2.NewFramer(conn, nil)
	err = framer.WriteSettings()
	calls := 0
	for until := time.Now().Add(time.Minute); err == nil && time.Now().Before(until); calls++ {
		err = giveUp(framer, uint32(2*calls+1))
	}
	if err == nil {
		t.Errorf("%d calls were given up, and the connection is still open", calls)
	}
	if response, body := get(t, url+"/healthz"); response.StatusCode != http.StatusOK {
		t.Errorf("another client gets %d %q", response.StatusCode, body)
	}
}

// giveUp opens a call and gives it up at once.
func giveUp(framer *http2.Framer, id uint32) error {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "x"}, {":path", "/wait"}} {
		_ = encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1], Sensitive: true})
	}
	err := framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: id, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true,
	})
	if err != nil {
		return err
	}
	return framer.WriteRSTStream(id, http2.ErrCodeCancel)
}

// Calls that are given up now and then, as by a deadline, cost nobody a connection.
func TestAConnectionThatGivesUpSomeCallsStaysOpen(t *testing.T) {
	t.Parallel()
	url := start(t, httpserver.Config{API: func(mux *http.ServeMux) {
		mux.HandleFunc("/wait", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	}})
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, http2.ClientPreface)
	framer := http2.NewFramer(conn, conn)
	err = framer.WriteSettings()
	for i := range 500 {
		if err == nil {
			err = giveUp(framer, uint32(2*i+1))
		}
	}
	if err == nil {
		err = framer.WritePing(false, [8]byte{1})
	}
	for err == nil {
		var frame http2.Frame
		if frame, err = framer.ReadFrame(); err == nil && frame.Header().Type == http2.FramePing {
			return
		}
	}
	t.Errorf("the connection ended: %v", err)
}
