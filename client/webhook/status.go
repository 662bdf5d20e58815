package webhook

import (
	"errors"
	"net/http"
	"strconv"
	"time"
)

// StatusError is an error with the response to send. The server treats 422 as a failure of this event, 429 (or 503 with
// RetryAfter) as a request to slow down, 410 as a request to send no more events, and any other 5xx as a failure of the
// endpoint.
type StatusError struct {
	// Status is the HTTP status of the response, 400 to 599. Any other value is replaced by 500.
	Status int
	// RetryAfter asks the server to wait, in whole seconds, rounded up; 0 asks for nothing.
	RetryAfter time.Duration
	// Text is the body of the response. The server keeps its first 1 KiB with the delivery.
	Text string
	// Cause is logged by the receiver and not sent.
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

// answerOf returns the response for an error.
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
