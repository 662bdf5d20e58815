package websocket_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/limit"
	"github.com/postrider-dev/postrider/server/stream/websocket"
)

// echoServer sends every message back. Our own protocol has no echo, so the cases of the Autobahn list run against the
// same Accept, Read, Append and Close that the protocol stands on, with this in place of it.
func echoServer(t *testing.T, options websocket.Options) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, options)
		if err != nil {
			return
		}
		echo(conn)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/"
}

func echo(conn *websocket.Conn) {
	defer conn.Release()
	for {
		text, message, err := conn.Read()
		var tooLarge *gateway.Error
		if errors.As(err, &tooLarge) {
			conn.Close(websocket.CloseTooLarge, "")
		}
		if err != nil {
			return
		}
		err = conn.Append(text, func(dst []byte) ([]byte, error) { return append(dst, message...), nil })
		if err != nil || conn.Flush() != nil {
			return
		}
	}
}

const maxMessage = 16 << 20

// bounded is the call of a client whose messages may have at most this many bytes.
func bounded(most int) *limit.Call {
	call := limit.CallOf(context.Background())
	call.Confine(most)
	return call
}

// protocolCase is one of the Autobahn list.
type protocolCase struct {
	name string
	send []frame
	// pieces is how many bytes are written at a time; 0 for all at once.
	pieces int
	want   []frame
	// code is that of the close frame with which the server must fail the connection; 0 for a connection that stays good.
	code int
}

// run sends the case and compares what comes back. A connection that is still good is closed in the regular way.
func (tt protocolCase) run(t *testing.T, url string, header ...string) {
	t.Helper()
	c := dialRaw(t, url, header...)
	go func() {
		c.send(tt.pieces, tt.send...)
		if tt.code == 0 {
			c.send(0, closing(1000, ""))
		}
	}()
	for i, want := range tt.want {
		if got := c.next(); got != want {
			t.Fatalf("answer %d is %v, want %v", i, got, want)
		}
	}
	if tt.code != 0 {
		c.expectClose(tt.code)
		return
	}
	c.expectClose(1000)
}

func runCases(t *testing.T, cases []protocolCase) {
	t.Helper()
	url := echoServer(t, websocket.Options{Call: bounded(maxMessage)})
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.run(t, url)
		})
	}
}

func text(payload string) frame { return frame{op: opText, payload: payload} }
func data(payload string) frame { return frame{op: opBinary, payload: payload} }
func ping(payload string) frame { return frame{op: opPing, payload: payload} }
func pong(payload string) frame { return frame{op: opPong, payload: payload} }

// fragments cuts a message into so many bytes each, the last one whatever is left.
func fragments(op byte, payload string, size int) []frame {
	var cut []frame
	for {
		n := min(size, len(payload))
		cut = append(cut, frame{op: op, payload: payload[:n], open: true})
		if payload = payload[n:]; payload == "" {
			cut[len(cut)-1].open = false
			return cut
		}
		op = opContinuation
	}
}
