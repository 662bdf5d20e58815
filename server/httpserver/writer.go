package httpserver

import (
	"bufio"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/postrider-dev/postrider/server/limit"
)

// writeTimeout limits the time of one write to a client that does not read. A stream may be silent for any time. Only writes are timed,
// which http.Server.WriteTimeout cannot express.
const writeTimeout = 30 * time.Second

// boundedWriter limits the time of each write. On HTTP/1.1 a deadline has no effect between writes, so it is moved when a write begins. On
// HTTP/2 a deadline resets the stream even between writes, and setting one sends a message to the connection's goroutine.
// There, a timer sets the deadline only when a write has taken too long.
type boundedWriter struct {
	http.ResponseWriter
	controller *http.ResponseController
	call       *limit.Call
	http2      bool
	// hijacked means that the handler owns the connection and sets its own deadlines; for a WebSocket, websocket/link.go does.
	hijacked bool
	// until is the current deadline on HTTP/1.1.
	until time.Time

	// overdue fires on HTTP/2 if the write takes too long.
	overdue *time.Timer
	mu      sync.Mutex
	done    bool
}

func (b *boundedWriter) Write(p []byte) (int, error) {
	b.begin()
	return b.ResponseWriter.Write(p)
}

// Flush waits for the client to read. Afterwards the stream may be silent.
func (b *boundedWriter) Flush() {
	b.begin()
	_ = b.controller.Flush() // A failed flush shows in the next write.
	if b.overdue != nil {
		b.overdue.Stop()
	}
}

// Hijack implements http.Hijacker.
func (b *boundedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := b.controller.Hijack()
	b.hijacked = err == nil
	return conn, buffered, err
}

// Unwrap lets http.ResponseController reach the connection.
func (b *boundedWriter) Unwrap() http.ResponseWriter { return b.ResponseWriter }

func (b *boundedWriter) begin() {
	b.call.Wait() // A call must not hold a turn while it waits for its client.
	switch {
	case !b.http2:
		if now := time.Now(); b.until.Sub(now) <= writeTimeout-time.Second {
			b.until = now.Add(writeTimeout)
			_ = b.controller.SetWriteDeadline(b.until) // Some connections have no deadlines.
		}
	case b.overdue == nil:
		b.overdue = time.AfterFunc(writeTimeout, b.cut)
	default:
		b.overdue.Reset(writeTimeout)
	}
}

// cut ends the current write on HTTP/2.
func (b *boundedWriter) cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.done {
		_ = b.controller.SetWriteDeadline(time.Now())
	}
}

// end sets a deadline for the rest of the buffer, which is written after the handler has returned.
func (b *boundedWriter) end() {
	if b.hijacked {
		return
	}
	if !b.http2 {
		b.begin()
		return
	}
	if b.overdue != nil {
		b.overdue.Stop()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done = true
	_ = b.controller.SetWriteDeadline(time.Now().Add(writeTimeout))
}
