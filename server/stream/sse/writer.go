package sse

import (
	"net/http"
	"sync"

	"github.com/postrider-dev/postrider/server/stream"
	"github.com/postrider-dev/postrider/server/wire"
)

// writeBytes is about how much is buffered before it is written: a burst takes few writes.
const writeBytes = 32 << 10

// writer buffers messages until the hub has no more ready, and then writes and flushes them at once.
type writer struct {
	form     form
	encoding *stream.Encoding
	to       http.ResponseWriter
	// http1 says that to is a connection of HTTP/1, which the stream has for itself.
	http1 bool
	// begun says that the first message was made, after which the answer cannot become an error.
	begun bool
	// put holds what is not written yet. It comes from buffers, which streams share: one that waits holds none.
	put     *[]byte
	buffers *sync.Pool
	// err is why nothing more can be written.
	err error
}

// event buffers the message of an event.
func (w *writer) event(message *stream.Message) error {
	frame, err := message.Frame(w.encoding)
	if err != nil {
		return err
	}
	put := w.buffer()
	*put = w.form.event(*put, message.Cursor, frame, message.Filters)
	return w.writeFull()
}

// append buffers another message.
func (w *writer) append(message func([]byte) ([]byte, error)) error {
	put := w.buffer()
	before := len(*put)
	longer, err := message(*put)
	if err != nil {
		*put = (*put)[:before]
		return err
	}
	*put, w.begun = longer, true
	return w.writeFull()
}

func (w *writer) buffer() *[]byte {
	if w.put == nil {
		w.put, _ = w.buffers.Get().(*[]byte)
	}
	return w.put
}

func (w *writer) writeFull() error {
	if len(*w.put) < writeBytes {
		return nil
	}
	return w.write()
}

func (w *writer) write() error {
	if w.put == nil {
		return w.err
	}
	if w.err == nil && len(*w.put) > 0 {
		_, w.err = w.to.Write(*w.put)
	}
	if *w.put = (*w.put)[:0]; cap(*w.put) <= 2*writeBytes {
		w.buffers.Put(w.put)
	}
	w.put = nil
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
	put := w.buffer()
	*put = w.form.end(*put, end)
	_ = w.flush()
}
