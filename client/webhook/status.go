package webhook

import (
	"net/http"
	"strconv"
	"time"
)

// StatusError is an error that says how to answer. The server takes 422 as this event's fault, 429 (or 503 with
// RetryAfter) as a request to slow down, 410 as the wish to get nothing more, and any other 5xx as the endpoint's fault.
type StatusError struct {
	// Status is the HTTP status to answer with.
	Status int
	// RetryAfter asks the server to wait; in whole seconds, rounded up. 0 asks nothing.
	RetryAfter time.Duration
	// Text is the body of the answer. The server keeps its first 1 KiB with the delivery.
	Text string
	// Cause is for the log of the receiver and is not sent.
	Cause error
}

func (e *StatusError) Error() string {
	text := "answered " + strconv.Itoa(e.Status) + " " + http.StatusText(e.Status) + ": " + e.Text
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

func (e *StatusError) Unwrap() error { return e.Cause }
