package rpcstream

import (
	"context"
	"net/http"

	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/wire"
)

// Coalesce makes next, which calls Subscribe, respond with one write and one flush for all messages that are ready. Connect
// alone flushes after each message.
func (t *Transport) Coalesce(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &coalescer{ResponseWriter: w}
		next.ServeHTTP(c, r.WithContext(context.WithValue(r.Context(), coalescerKey{}, c)))
	})
}

type coalescerKey struct{}

// coalescerOf returns the coalescer of a call, nil if there is none.
func coalescerOf(ctx context.Context) *coalescer {
	c, _ := ctx.Value(coalescerKey{}).(*coalescer)
	return c
}

// coalescer is a response that buffers messages while it is held.
type coalescer struct {
	http.ResponseWriter
	held bool
	// pending is what is not written yet.
	pending stream.Buffer
	err     error
}

// Unwrap lets http.ResponseController reach the connection.
func (c *coalescer) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *coalescer) Write(p []byte) (int, error) {
	if !c.held {
		return c.ResponseWriter.Write(p)
	}
	c.pending.Set(append(c.pending.Extend(len(p)), p...))
	if c.pending.Full() {
		c.write()
	}
	return len(p), c.err
}

// Flush is called by Connect after each message.
func (c *coalescer) Flush() {
	if !c.held {
		_ = http.NewResponseController(c.ResponseWriter).Flush() // if it fails, the next write fails
	}
}

func (c *coalescer) hold() { c.held = true }

// flush writes what is buffered.
func (c *coalescer) flush() error {
	if c.write(); c.err != nil {
		return wire.Unsent(c.err)
	}
	_ = http.NewResponseController(c.ResponseWriter).Flush() // if it fails, the next write fails
	return nil
}

// release writes what is buffered. Later messages are written at once.
func (c *coalescer) release() {
	c.held = false
	c.write()
}

func (c *coalescer) write() {
	if content := c.pending.Bytes(); c.err == nil && len(content) > 0 {
		_, c.err = c.ResponseWriter.Write(content)
	}
	c.pending.Release()
}
