package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect"

	targetv1 "github.com/postrider-dev/postrider/client/gen/postrider/target/v1"
	postriderv1 "github.com/postrider-dev/postrider/client/gen/postrider/v1"
)

// Three subscriptions of the highest concurrency and endpoints that answer slowly used up every descriptor, and the process
// ended.
func TestSubscriptionsUseUpNoDescriptors(t *testing.T) {
	const events = 800
	s := newServer(t)
	s.limits = []string{"-n 256"}
	life := s.mustStart()
	c := newClient(s)
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	var receivers []*receiver
	for i := range 3 {
		r := newReceiver(t, func() (int, time.Duration) { return http.StatusNoContent, 200 * time.Millisecond })
		receivers = append(receivers, r)
		_, err := c.subscriptions.CreateSubscription(ctx, connect.NewRequest(&postriderv1.CreateSubscriptionRequest{
			Subscription: &postriderv1.Subscription{
				Name: fmt.Sprint("wide", i), Filter: &postriderv1.Filter{Types: []string{"wide"}},
				Target: &postriderv1.Target{Config: &postriderv1.Target_Webhook{Webhook: &targetv1.Webhook{Url: r.url}}},
				Policy: &postriderv1.DeliveryPolicy{Concurrency: 1024},
				Secret: r.secret.Reveal(),
			},
		}))
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range events {
		c.publish(t, &postriderv1.Event{Type: "wide", Id: fmt.Sprint("w", i), Payload: &postriderv1.Event_JsonData{JsonData: "{}"}})
	}
	most := 0
	for _, r := range receivers {
		for arrived(r) < events {
			most = max(most, openFiles(t, s))
			select {
			case <-life.ended:
				t.Fatalf("the process ended: %v\n%s", life.cmd.ProcessState, life.log)
			case <-ctx.Done():
				t.Fatalf("%d of %d events arrived\n%s", arrived(r), events, life.log)
			case <-time.After(pollEvery):
			}
		}
	}
	if most > 240 {
		t.Errorf("%d descriptors were in use", most)
	}
	t.Logf("%d descriptors in use at most", most)
	// What has arrived is not recorded yet.
	eventually(t, patience, "every attempt is recorded, and none has failed", func() bool {
		list, err := c.subscriptions.ListSubscriptions(ctx, connect.NewRequest(&postriderv1.ListSubscriptionsRequest{}))
		if err != nil {
			t.Fatal(err)
		}
		for _, sub := range list.Msg.GetSubscriptions() {
			h := sub.GetHealth()
			if h.GetSuccessRate() < 1 && h.GetAttempts() > 0 || h.GetAttempts() > events {
				t.Fatalf("%s: %d attempts, rate %v, %s", sub.GetName(), h.GetAttempts(), h.GetSuccessRate(), h.GetLastError())
			}
			if h.GetAttempts() < events {
				return false
			}
		}
		return true
	})
}

func arrived(r *receiver) int {
	events, _ := r.ledger.size()
	return events
}
