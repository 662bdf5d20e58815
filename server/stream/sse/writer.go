package sse

import (
	"net/http"

	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/wire"
)

// writer buffers messages until the hub has no more ready, and then writes and flushes them at once.
type writer struct {
	form     form
	encoding *stream.Encoding
	to       http.ResponseWriter
	// http1 says that to is a connection of HTTP/1, which the stream has for itself.
	http1 bool
	// begun says that the first message was made, after which the answer cannot become an error.
	begun bool
	// pending is what is not written yet.
	pending stream.Buffer
	// err is why nothing more can be written.
	err error
}

// event buffers the message of an event.
func (w *writer) event(message *stream.Message) error {
	frame, err := message.Frame(w.encoding)
	if err != nil {
		return err
	}
	w.pending.Set(w.form.event(w.pending.Extend(len(frame)), message.Cursor, frame, message.Filters))
	return w.writeFull()
}

// append buffers another message.
func (w *writer) append(message func([]byte) ([]byte, error)) error {
	longer, err := message(w.pending.Extend(0))
	if err != nil {
		return err
	}
	w.pending.Set(longer)
	w.begun = true
	return w.writeFull()
}

func (w *writer) writeFull() error {
	if !w.pending.Full() {
		return nil
	}
	return w.write()
}

func (w *writer) write() error {
	if content := w.pending.Bytes(); w.err == nil && len(content) > 0 {
		_, w.err = w.to.Write(content)
	}
	w.pending.Release()
	return w.err
}

func (w *writer) flush() error {
	if err := w.write(); err != nil {
		return err
	}
	// A connection that cannot be flushed fails with the next write, or ends the request's context.
	_ = http.NewResponseController(w.to).Flush()
	return nil
}

// end tells why the stream ends. Who has left does not hear it.
func (w *writer) end(end wire.StreamEnd) {
	w.pending.Set(w.form.end(w.pending.Extend(0), end))
	_ = w.flush()
}
