package deliver

import (
	"context"

	"github.com/postrider-dev/postrider/server/gateway"
)

// Subscription returns a subscription of any tenant, as the engine has it in memory. It is shared and must not be changed.
func (e *Engine) Subscription(ctx context.Context, id gateway.SubscriptionID) (*gateway.Subscription, error) {
	l, err := e.lane(ctx, id)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sub, nil
}
