package webhook

import (
	"errors"
	"net/http"
	"strconv"
	"time"
)

// StatusError is an error that says how to answer. The server takes 422 as this event's fault, 429 (or 503 with
// RetryAfter) as a request to slow down, 410 as the wish to get nothing more, and any other 5xx as the endpoint's fault.
type StatusError struct {
	// Status is the HTTP status to answer with, 400 to 599. Any other one is no error, and is answered by 500.
	Status int
	// RetryAfter asks the server to wait; in whole seconds, rounded up. 0 asks nothing.
	RetryAfter time.Duration
	// Text is the body of the answer. The server keeps its first 1 KiB with the delivery.
	Text string
	// Cause is for the log of the receiver and is not sent.
	Cause error
}

func (e *StatusError) Error() string {
	if e == nil {
		return "a *StatusError that is nil"
	}
	text := "answered " + strconv.Itoa(e.Status) + " " + http.StatusText(e.Status) + ": " + e.Text
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

func (e *StatusError) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Cause
}

// answerOf is how to answer an error.
func answerOf(err error) StatusError {
	answer := StatusError{Status: http.StatusInternalServerError, Text: "the event could not be handled"}
	var asked *StatusError
	if !errors.As(err, &asked) || asked == nil {
		return answer
	}
	if asked.Status < 400 || asked.Status > 599 {
		answer.Text = asked.Text
		return answer
	}
	return *asked
}
