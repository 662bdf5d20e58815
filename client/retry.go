package client

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"connectrpc.com/connect"
)

// attemptTimeout ends an attempt without a response, so an unnoticed dead connection costs one attempt.
const attemptTimeout = time.Minute

// maxKeys is the number of keys that are tried for a caller that was never authenticated.
const maxKeys = 5

// backoff is the wait between attempts. It is uniformly random between zero and a limit that doubles with each failure, so
// that many clients of a restarted server do not reconnect at once.
type backoff struct{ first, limit time.Duration }

var (
	publishBackoff   = backoff{first: 100 * time.Millisecond, limit: 5 * time.Second}
	reconnectBackoff = backoff{first: 250 * time.Millisecond, limit: 30 * time.Second}
)

// wait returns the pause after the given number of failures in a row. random is uniform in [0, 1).
func (b backoff) wait(failures int, random float64) time.Duration {
	ceiling := b.first
	for range failures - 1 {
		if ceiling *= 2; ceiling >= b.limit {
			ceiling = b.limit
			break
		}
	}
	return time.Duration(random * float64(ceiling))
}

// pause returns a wait that is not shorter than the delay that the server asked for.
func (b backoff) pause(failures int, err error) time.Duration {
	return max(b.wait(failures, rand.Float64()), retryDelay(err))
}

// retry calls until it succeeds, fails for good, or reaches the caller's limit: its number of attempts, or the deadline of
// ctx, or DefaultAttempts. It returns the last error.
func retry[T any](ctx context.Context, c *Client, call func(context.Context) (T, error)) (T, error) {
	deadline, hasDeadline := ctx.Deadline()
	attempts := c.attempts
	if attempts == 0 && !hasDeadline {
		attempts = DefaultAttempts
	}
	for attempt := 1; ; attempt++ {
		answer, err := limited(ctx, call)
		if err == nil || ctx.Err() != nil || attempt == attempts || !passing(err) && !c.mayRenew(err, attempt) {
			return answer, err
		}
		wait := publishBackoff.pause(attempt, err)
		if hasDeadline && time.Until(deadline) < wait {
			return answer, err
		}
		c.logger.WarnContext(ctx, "calling again", "attempt", attempt, "wait", wait, "error", err)
		if sleep(ctx, wait) != nil {
			return answer, err
		}
	}
}

func limited[T any](ctx context.Context, call func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	return call(ctx)
}

// passing reports whether an error may be transient. Mistakes of the caller and refusals by the server itself are final.
// Every other response comes from a proxy, whatever its status, and the server's will come later. The caller's context has
// not ended, so an expired deadline was that of the attempt, and a cancellation came from elsewhere.
func passing(err error) bool {
	var coded *connect.Error
	var key *keyError
	switch {
	case errors.Is(err, errMistake):
		return false
	case errors.As(err, &key), !errors.As(err, &coded): // of a function of the caller's
		return passingCode(connect.CodeOf(err)) || brokenOff(err)
	default:
		return !fromServer(err) || passingCode(coded.Code())
	}
}

func passingCode(code connect.Code) bool {
	switch code {
	case connect.CodeUnavailable, connect.CodeResourceExhausted, connect.CodeDeadlineExceeded, connect.CodeCanceled:
		return true
	default:
		return false
	}
}

// worthwhile reports whether a stream should reconnect. begun means that it was ever connected, and failures is the number of
// consecutive failures.
func (c *Client) worthwhile(err error, begun bool, failures int) bool {
	if passing(err) {
		return true
	}
	switch connect.CodeOf(err) {
	case connect.CodeUnknown, connect.CodeInternal, connect.CodeAborted, connect.CodeDataLoss:
		return begun && fromServer(err)
	default:
		return c.mayRenew(err, failures+1) || begun && c.mayRenew(err, 1)
	}
}

// mayRenew reports whether the key was refused by the attempt of this number, and the next key may be accepted.
func (c *Client) mayRenew(err error, attempt int) bool {
	return c.renewable && attempt <= maxKeys && fromServer(err) && connect.CodeOf(err) == connect.CodeUnauthenticated
}

// brokenOff reports whether a connection ended in the middle of a response, which has no code of its own.
func brokenOff(err error) bool {
	var network net.Error
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network)
}

// sleep waits, or returns the error of ctx.
func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
