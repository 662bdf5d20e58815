package rpcstream

import (
	"context"
	"net/http"
	"sync"

	"github.com/postrider-dev/postrider/server/wire"
)

// writeBytes is about how much is buffered before it is written: a burst takes few writes.
const writeBytes = 32 << 10

// buffers are shared by streams: one that waits holds none.
type buffers struct{ pool *sync.Pool }

func newBuffers() buffers {
	return buffers{&sync.Pool{New: func() any { return new([]byte) }}}
}

// Coalesce lets next, which calls Subscribe, answer with one write and one flush for all messages that are ready, where
// Connect flushes after each.
func (t *Transport) Coalesce(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &coalescer{ResponseWriter: w, buffers: t.buffers}
		next.ServeHTTP(c, r.WithContext(context.WithValue(r.Context(), coalescerKey{}, c)))
	})
}

type coalescerKey struct{}

// coalescerOf returns the one below a call; nil where there is none.
func coalescerOf(ctx context.Context) *coalescer {
	c, _ := ctx.Value(coalescerKey{}).(*coalescer)
	return c
}

// coalescer is a response that buffers messages while it is held.
type coalescer struct {
	http.ResponseWriter
	buffers buffers
	held    bool
	// put is what is not written yet; nil for nothing.
	put *[]byte
	err error
}

// Unwrap lets http.ResponseController reach the connection.
func (c *coalescer) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *coalescer) Write(p []byte) (int, error) {
	if !c.held {
		return c.ResponseWriter.Write(p)
	}
	if c.put == nil {
		c.put, _ = c.buffers.pool.Get().(*[]byte)
	}
	*c.put = append(*c.put, p...)
	if len(*c.put) >= writeBytes {
		c.write()
	}
	return len(p), c.err
}

// Flush is Connect's, after each message.
func (c *coalescer) Flush() {
	if !c.held {
		_ = http.NewResponseController(c.ResponseWriter).Flush() // A failed flush shows in the next write.
	}
}

func (c *coalescer) hold() { c.held = true }

// flush passes on what is buffered.
func (c *coalescer) flush() error {
	if c.write(); c.err != nil {
		return wire.Unsent(c.err)
	}
	_ = http.NewResponseController(c.ResponseWriter).Flush() // A failed flush shows in the next write.
	return nil
}

// release passes on what is buffered, and everything later at once.
func (c *coalescer) release() {
	c.held = false
	c.write()
}

func (c *coalescer) write() {
	if c.put == nil {
		return
	}
	if c.err == nil {
		_, c.err = c.ResponseWriter.Write(*c.put)
	}
	if *c.put = (*c.put)[:0]; cap(*c.put) <= 2*writeBytes {
		c.buffers.pool.Put(c.put)
	}
	c.put = nil
}
