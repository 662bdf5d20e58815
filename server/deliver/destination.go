package deliver

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/target"
)

// destination is the target of one revision of a subscription. The lane holds it until the revision ends, and each attempt
// holds it until its request has ended. The last holder closes the target.
type destination struct {
	// made means that target, or err, is set. retired means that the lane no longer holds the destination. The lane's lock
	// guards both.
	made, retired bool

	target target.Target
	err    error
	// batches is nil for a target that takes one event at a time.
	batches *batches
	holders atomic.Int32
}

// newDestination makes a destination that the lane holds.
func newDestination() *destination {
	d := &destination{}
	d.holders.Store(1)
	return d
}

// join makes an attempt a holder. The first one creates the target. The caller holds the lane's lock, so tickets are in the
// order in which attempts begin.
func (d *destination) join(e *Engine, sub *gateway.Subscription) *ticket {
	d.holders.Add(1)
	if !d.made {
		d.made = true
		d.target, d.err = e.targets.New(sub.TargetType, specOf(sub))
		if batcher, ok := d.target.(target.Batcher); ok {
			d.batches = newBatches(batcher)
		}
	}
	if d.batches == nil {
		return nil
	}
	return d.batches.join(time.Now().Add(sub.Policy.AttemptTimeout()))
}

// send makes an attempt with the ticket that join returned. It also returns the time that the request has: at, or a later one if the
// event had to wait for a connection.
func (d *destination) send(ctx context.Context, t *ticket, m *target.Message, at time.Time) (gateway.Outcome, time.Time) {
	if d.batches == nil {
		return d.target.Send(ctx, m, at), at
	}
	return d.batches.send(ctx, t, target.Item{Message: m, At: at})
}

// skip gives up the place of an attempt in the batches.
func (d *destination) skip(ctx context.Context, t *ticket) {
	if d.batches != nil {
		d.batches.drop(ctx, t)
	}
}

// retire ends the lane's hold. The caller holds the lane's lock.
func (d *destination) retire() {
	if !d.retired {
		d.retired = true
		d.leave()
	}
}

// leave ends a hold.
func (d *destination) leave() {
	if d.holders.Add(-1) == 0 && d.target != nil {
		d.target.Close()
	}
}

func specOf(sub *gateway.Subscription) target.Spec {
	return target.Spec{
		Tenant: sub.Tenant, Config: sub.TargetConfig, Secret: sub.Secret, Timeout: sub.Policy.AttemptTimeout(),
	}
}
