package httpserver

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// arrival is how the bytes of a body come in. A client that sends them one by one, or stops, cannot hold a request for
// ever: what has come says until when more must have.
type arrival struct {
	source     io.ReadCloser
	controller *http.ResponseController
	known      func() bool
	quiet      bool

	// began is when the body began, or the message under way; zero between the messages of a quiet body.
	began time.Time
	// came is the number of bytes that have come since.
	came int

	mu sync.Mutex
	// until is the deadline in force; zero for none.
	until time.Time
	// over says that the handler is done. Deadlines are no longer its business then, but what reads may outlive it.
	over bool
}

// begin sets a deadline although nothing is read.
func (a *arrival) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.setDeadline(a.began.Add(unknownTime))
}

// finish says that the handler is done.
func (a *arrival) finish() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
}

// receive reads what comes from the client.
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

// pause says that a quiet body is between two messages.
func (a *arrival) pause() { a.began, a.came = time.Time{}, 0 }

// moveDeadline sets the deadline for the next read, unless the one in force is far enough away.
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

// allowed is how long what has come so far may have taken.
func (a *arrival) allowed() time.Duration {
	if !a.known() {
		return unknownTime
	}
	return knownTime + time.Duration(a.came/knownPace)*time.Second
}

// setDeadline is called with mu held.
func (a *arrival) setDeadline(until time.Time) {
	if a.over {
		return
	}
	a.until = until
	_ = a.controller.SetReadDeadline(until) // A connection without deadlines does without.
}

// end lets the connection be quiet again: on HTTP/1.1 the server goes on reading to notice that the client left.
func (a *arrival) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.until.IsZero() {
		a.setDeadline(time.Time{})
	}
}

// Close implements io.Closer. What is left is given up.
func (a *arrival) Close() error {
	err := a.source.Close()
	if err == nil {
		a.end()
	}
	return err
}
