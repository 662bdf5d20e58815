package sse

import (
	"net/http"

	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/wire"
)

// writer buffers messages until the hub has no more of them ready, and then writes and flushes them together.
type writer struct {
	form     form
	encoding *stream.Encoding
	to       http.ResponseWriter
	// http1 means that to is an HTTP/1 connection, which belongs to the stream alone.
	http1 bool
	// begun means that the first message was written, so the response cannot become an error any more.
	begun bool
	// pending is what is not written yet.
	pending stream.Buffer
	// err is the reason why nothing more can be written.
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
	// If flushing fails, the next write fails or the request's context ends.
	_ = http.NewResponseController(w.to).Flush()
	return nil
}

// end sends the reason why the stream ends, unless the client has left.
func (w *writer) end(end wire.StreamEnd) {
	w.pending.Set(w.form.end(w.pending.Extend(0), end))
	_ = w.flush()
}
