package httpserver

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// arrival reads a body from the client and sets its deadlines. The deadline depends on the bytes that have arrived, so a client that
// sends them one by one, or stops, cannot hold a request forever.
type arrival struct {
	source     io.ReadCloser
	controller *http.ResponseController
	known      func() bool
	streaming  bool

	// began is when the body or the current message began; zero between the messages of a streaming body.
	began time.Time
	// came is the number of bytes that have arrived since.
	came int

	mu sync.Mutex
	// until is the current deadline; zero for none.
	until time.Time
	// over means that the handler has returned. A reader may outlive the handler, but must no longer set deadlines.
	over bool
}

// begin sets a deadline before anything is read.
func (a *arrival) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.setDeadline(a.began.Add(unknownTime))
}

// finish records that the handler has returned.
func (a *arrival) finish() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
}

// receive reads from the client.
func (a *arrival) receive(p []byte) (int, error) {
	a.moveDeadline()
	n, err := a.source.Read(p)
	a.came += n
	if n > 0 && a.began.IsZero() {
		a.began = time.Now()
	}
	if errors.Is(err, io.EOF) {
		a.end() // After any other error net/http goes on reading, and the deadline is to stay.
	}
	return n, err
}

// pause records that a streaming body is between two messages.
func (a *arrival) pause() { a.began, a.came = time.Time{}, 0 }

// moveDeadline sets the deadline for the next read, unless the current one is far enough away.
func (a *arrival) moveDeadline() {
	if a.began.IsZero() {
		a.end()
		return
	}
	due := a.began.Add(a.allowed())
	a.mu.Lock()
	defer a.mu.Unlock()
	early, near := due.Before(a.until), time.Until(a.until) < knownTime/2
	if early || near && due.After(a.until) {
		a.setDeadline(due)
	}
}

// allowed returns the time that the bytes that have arrived may have taken.
func (a *arrival) allowed() time.Duration {
	if !a.known() {
		return unknownTime
	}
	return knownTime + time.Duration(a.came/knownPace)*time.Second
}

// setDeadline sets the read deadline. The caller holds mu.
func (a *arrival) setDeadline(until time.Time) {
	if a.over {
		return
	}
	a.until = until
	_ = a.controller.SetReadDeadline(until) // Some connections have no deadlines.
}

// end removes the deadline: on HTTP/1.1 the server continues to read, to notice when the client disconnects.
func (a *arrival) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.until.IsZero() {
		a.setDeadline(time.Time{})
	}
}

// Close implements io.Closer. It discards the rest of the body.
func (a *arrival) Close() error {
	err := a.source.Close()
	if err == nil {
		a.end()
	}
	return err
}
