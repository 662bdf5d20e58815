package sse

import (
	"net/http"

	"github.com/postrider-dev/postrider/server/wire"
)

const (
	// writeBytes is how much is put by before it is written, more or less: what comes in a burst goes out in few writes.
	writeBytes = 32 << 10
	// keepBytes bounds the memory that a stream holds on to while it waits.
	keepBytes = 4 << 10
)

// writer puts messages by until the hub has no more ready, and then writes and flushes them at once.
type writer struct {
	form form
	to   http.ResponseWriter
	// begun says that the first message was made, after which the answer cannot become an error.
	begun bool
	// put holds what is not written yet.
	put []byte
	// err is why nothing more can be written.
	err error
}

func (w *writer) append(message func([]byte) ([]byte, error)) error {
	before := len(w.put)
	put, err := message(w.put)
	if err != nil {
		w.put = w.put[:before]
		return err
	}
	w.put, w.begun = put, true
	if len(w.put) < writeBytes {
		return nil
	}
	return w.write()
}

func (w *writer) write() error {
	if w.err == nil && len(w.put) > 0 {
		_, w.err = w.to.Write(w.put)
	}
	w.put = w.put[:0]
	return w.err
}

func (w *writer) flush() error {
	err := w.write()
	if cap(w.put) > keepBytes {
		w.put = nil
	}
	if err != nil {
		return err
	}
	// A connection that cannot be flushed fails with the next write, or ends the request's context.
	_ = http.NewResponseController(w.to).Flush()
	return nil
}

// end tells why the stream ends. Who has left does not hear it.
func (w *writer) end(end wire.StreamEnd) {
	w.put = w.form.end(w.put, end)
	_ = w.flush()
}
