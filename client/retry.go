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

// attemptTimeout ends an attempt that is not answered, so that a connection which died unseen costs one attempt.
const attemptTimeout = time.Minute

// maxKeys is how many keys are tried of a caller who has never been let in.
const maxKeys = 5

// backoff is how long to wait between attempts: uniformly from nothing to a limit that doubles with each failure, so that
// many clients of a server that was away do not come back at once.
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

// pause is a wait that is not shorter than what the server asked for.
func (b backoff) pause(failures int, err error) time.Duration {
	return max(b.wait(failures, rand.Float64()), retryDelay(err))
}

// retry calls until it succeeds, fails for good, or the caller's bound is reached: the attempts it asked for, else the
// deadline of ctx, else DefaultAttempts. The error is the last one.
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
		c.logger.WarnContext(ctx, "publishing again", "attempt", attempt, "wait", wait, "error", err)
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

// passing reports whether an error may be gone the next time. Final are a mistake of the caller and what the server itself
// refuses. Every other answer is that of something on the way, whatever its status says, and the server's comes after it. The
// caller's context has not ended, so a deadline that passed was the attempt's own, and a cancellation came from elsewhere.
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

// worthwhile reports whether a stream is to connect again; begun, whether it ever was connected, and failures, how often in
// a row it was not.
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

// mayRenew reports whether the key was refused, by the attempt of this number, and the next one may not be.
func (c *Client) mayRenew(err error, attempt int) bool {
	return c.renewable && attempt <= maxKeys && fromServer(err) && connect.CodeOf(err) == connect.CodeUnauthenticated
}

// brokenOff reports whether a connection ended in the middle of an answer, which has no code of its own.
func brokenOff(err error) bool {
	var network net.Error
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network)
}

// sleep waits, or answers the error of ctx.
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
