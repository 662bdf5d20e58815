package gateway_test

import (
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
)

func TestPolicyDefaults(t *testing.T) {
	var zero gateway.Policy
	if len(zero.Schedule()) != 9 || zero.Slots() != 32 || zero.AttemptTimeout() != 15*time.Second {
		t.Errorf("defaults: %v, %d, %v", zero.Schedule(), zero.Slots(), zero.AttemptTimeout())
	}
	set := gateway.Policy{RetrySchedule: []time.Duration{1}, Concurrency: 5000, Timeout: time.Second}
	if len(set.Schedule()) != 1 || set.Slots() != gateway.MaxConcurrency || set.AttemptTimeout() != time.Second {
		t.Errorf("set: %v, %d, %v", set.Schedule(), set.Slots(), set.AttemptTimeout())
	}
}

func TestNextRetry(t *testing.T) {
	p := gateway.Policy{RetrySchedule: []time.Duration{10 * time.Second, time.Minute}}
	for _, c := range []struct {
		step   int
		random float64
		want   time.Duration
		ok     bool
	}{
		{0, 0, 8 * time.Second, true},
		{0, 0.5, 10 * time.Second, true},
		{0, 1, 12 * time.Second, true},
		{1, 0.5, time.Minute, true},
		{2, 0.5, 0, false},
	} {
		got, ok := p.NextRetry(c.step, c.random)
		if got.Round(time.Millisecond) != c.want || ok != c.ok {
			t.Errorf("NextRetry(%d, %v) = %v, %v, want %v, %v", c.step, c.random, got, ok, c.want, c.ok)
		}
	}
}

// Tests every outcome, for each state of the breaker after it, with and without a probe.
func TestSettle(t *testing.T) {
	policy := gateway.Policy{RetrySchedule: []time.Duration{10 * time.Second, time.Minute}}
	const (
		delivered = gateway.OutcomeDelivered
		event     = gateway.OutcomeEventFailure
		endpoint  = gateway.OutcomeEndpointFailure
		slow      = gateway.OutcomeSlowDown
		gone      = gateway.OutcomeGone
	)
	type row struct {
		state        gateway.DeliveryState
		step, probes int
		due          time.Duration // -1: none
	}
	retrying := func(step, probes int, due time.Duration) row {
		return row{gateway.DeliveryRetrying, step, probes, due}
	}
	for _, c := range []struct {
		name        string
		before      row
		kind        gateway.OutcomeKind
		probe, held bool
		want        row
	}{
		{"first success", row{}, delivered, false, false, row{gateway.DeliveryDelivered, 0, 0, -1}},
		{"late success", retrying(2, 1, 0), delivered, true, false, row{gateway.DeliveryDelivered, 2, 1, -1}},
		{"first refusal", row{}, event, false, false, retrying(1, 0, 10*time.Second)},
		{"first failure", row{}, endpoint, false, false, retrying(1, 0, 10*time.Second)},
		{"second failure", retrying(1, 0, 0), endpoint, false, false, retrying(2, 0, time.Minute)},
		{"schedule over", retrying(2, 0, 0), event, false, false, row{gateway.DeliveryDead, 2, 0, -1}},
		{"slow down", row{}, slow, false, true, retrying(0, 1, -1)},
		{"slow down of a retry", retrying(1, 0, 0), slow, false, true, retrying(1, 1, -1)},
		{"third slow down, so the next event's turn", retrying(0, 2, 0), slow, true, true, retrying(0, 3, 10*time.Second)},
		{"fourth slow down", retrying(0, 3, 0), slow, true, true, retrying(0, 4, time.Minute)},
		{"hundredth slow down, never dead", retrying(2, 99, 0), slow, false, true, retrying(2, 100, time.Minute)},
		{"gone", retrying(1, 0, 0), gone, false, false, retrying(1, 0, -1)},
		{"the failure that opens, or under way", row{}, endpoint, false, true, retrying(0, 0, -1)},
		{"refusal while open", retrying(2, 0, 0), event, false, true, retrying(2, 0, -1)},
		{"first probe", row{}, endpoint, true, true, retrying(0, 1, -1)},
		{"second probe", retrying(1, 1, 0), endpoint, true, true, retrying(1, 2, -1)},
		{"third probe", retrying(0, 2, 0), endpoint, true, true, retrying(1, 3, 10*time.Second)},
		{"third probe, schedule over", retrying(2, 2, 0), endpoint, true, true, row{gateway.DeliveryDead, 2, 3, -1}},
		{"probe of last resort", retrying(1, 3, 0), endpoint, true, true, retrying(1, 4, 10*time.Second)},
		{"probe of last resort at the end", retrying(2, 5, 0), endpoint, true, true, retrying(2, 6, time.Minute)},
		{"refused probe that closes", retrying(0, 1, 0), event, true, false, retrying(1, 1, 10*time.Second)},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := &gateway.Delivery{State: c.before.state, Step: c.before.step, Probes: c.before.probes, Manual: true, Due: noon}
			policy.Settle(d, gateway.Ended{Kind: c.kind, Probe: c.probe, Held: c.held, At: noon}, 0.5)
			due := time.Duration(-1)
			if !d.Due.IsZero() {
				due = d.Due.Sub(noon)
			}
			if got := (row{d.State, d.Step, d.Probes, due}); got != c.want || d.Manual {
				t.Errorf("got %+v (manual: %v), want %+v", got, d.Manual, c.want)
			}
		})
	}
}

func TestGiveBackAndRevive(t *testing.T) {
	d := gateway.Delivery{State: gateway.DeliveryRetrying, Step: 3, Probes: 2, Due: noon}
	if d.GiveBack(); d.Step != 2 || d.Probes != 0 || !d.Due.IsZero() || d.State != gateway.DeliveryRetrying {
		t.Errorf("given back: %+v", d)
	}
	d = gateway.Delivery{State: gateway.DeliveryDead, Step: 9}
	if d.GiveBack(); d.Step != 9 || d.State != gateway.DeliveryRetrying {
		t.Errorf("given back to a dead one: %+v", d)
	}
	d = gateway.Delivery{State: gateway.DeliveryDead, Step: 9, Probes: 3}
	if d.Revive(noon); d.Step != 0 || d.Probes != 0 || d.Due != noon || !d.Manual || d.State != gateway.DeliveryRetrying {
		t.Errorf("revived dead one: %+v", d)
	}
	d = gateway.Delivery{State: gateway.DeliveryRetrying, Step: 4, Due: noon.Add(time.Hour)}
	if d.Revive(noon); d.Step != 4 || d.Due != noon {
		t.Errorf("revived waiting one: %+v", d)
	}
}
