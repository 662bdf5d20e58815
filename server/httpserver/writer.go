package httpserver

import (
	"bufio"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/postrider-dev/postrider/server/limit"
)

// writeTimeout bounds how long one write may wait for a client that does not read. A stream may be quiet for as long as
// it likes: the clock runs only while something is being written, which http.Server.WriteTimeout cannot express.
const writeTimeout = 30 * time.Second

// boundedWriter bounds each write. A connection of HTTP/1.1 gets a deadline, which says nothing while it is quiet: it is
// only moved when a write begins. On HTTP/2 a deadline that passes resets the stream even when nothing is being written, and
// setting one is a message to the goroutine that serves the connection; there a timer of our own sets it, when a write
// has taken too long.
type boundedWriter struct {
	http.ResponseWriter
	controller *http.ResponseController
	call       *limit.Call
	http2      bool
	// hijacked says that the connection is the handler's, which has to keep deadlines of its own.
	hijacked bool
	// until is the deadline in force on HTTP/1.1.
	until time.Time

	// overdue fires on HTTP/2 unless the write is over in time.
	overdue *time.Timer
	mu      sync.Mutex
	done    bool
}

func (b *boundedWriter) Write(p []byte) (int, error) {
	b.begin()
	return b.ResponseWriter.Write(p)
}

// Flush is where a stream waits for its client. Afterwards the stream may be quiet.
func (b *boundedWriter) Flush() {
	b.begin()
	_ = b.controller.Flush() // A failed flush shows in the next write.
	if b.overdue != nil {
		b.overdue.Stop()
	}
}

// Hijack hands the connection over for good.
func (b *boundedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := b.controller.Hijack()
	b.hijacked = err == nil
	return conn, buffered, err
}

// Unwrap lets http.ResponseController reach the connection.
func (b *boundedWriter) Unwrap() http.ResponseWriter { return b.ResponseWriter }

func (b *boundedWriter) begin() {
	b.call.Wait() // What holds a turn must not wait for a client that does not read.
	switch {
	case !b.http2:
		if now := time.Now(); b.until.Sub(now) <= writeTimeout-time.Second {
			b.until = now.Add(writeTimeout)
			_ = b.controller.SetWriteDeadline(b.until) // A connection without deadlines does without.
		}
	case b.overdue == nil:
		b.overdue = time.AfterFunc(writeTimeout, b.cut)
	default:
		b.overdue.Reset(writeTimeout)
	}
}

// cut ends the write under way on HTTP/2.
func (b *boundedWriter) cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.done {
		_ = b.controller.SetWriteDeadline(time.Now())
	}
}

// end leaves a deadline for what is left in the buffer, which is written after the handler has returned.
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
