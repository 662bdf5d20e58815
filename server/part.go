package server

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"
)

// part is a long-running piece of the server.
type part struct {
	stop context.CancelFunc
	done chan struct{}
}

// startPart runs a piece in the group until it is stopped. That it ended because of that is no failure.
func startPart(ctx context.Context, group *errgroup.Group, run func(context.Context) error) *part {
	ctx, cancel := context.WithCancel(ctx)
	p := &part{stop: cancel, done: make(chan struct{})}
	group.Go(func() error {
		defer close(p.done)
		defer cancel()
		if err := run(ctx); ctx.Err() == nil || !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	})
	return p
}

// end asks the piece to end and waits until it has, or until the deadline.
func (p *part) end(deadline context.Context) {
	p.stop()
	select {
	case <-p.done:
	case <-deadline.Done():
	}
}
