package gateway_test

import (
	"errors"
	"math"
	"testing"

	"github.com/postrider-dev/postrider/server/gateway"
)

func TestDeliveryID(t *testing.T) {
	for _, k := range []gateway.DeliveryKey{
		{}, {Subscription: 1, Position: 2, Run: 3}, {Subscription: math.MaxInt64, Position: math.MaxInt64, Run: math.MaxInt32},
	} {
		id := k.ID()
		if len(id) != len("dlv_")+32 {
			t.Errorf("%q has %d characters", id, len(id))
		}
		if back, err := gateway.ParseDeliveryID(id); err != nil || back != k {
			t.Errorf("%q was read as %+v, %v", id, back, err)
		}
	}
}

func TestBadDeliveryIDs(t *testing.T) {
	good := gateway.DeliveryKey{Subscription: 1}.ID()
	for _, id := range []string{"", "dlv_", good[4:], good[:35], good + "0", "evt_" + good[4:], good[:35] + "w"} {
		if k, err := gateway.ParseDeliveryID(id); !errors.Is(err, gateway.ErrBadDeliveryID) {
			t.Errorf("%q was read as %+v, %v", id, k, err)
		}
	}
}

func FuzzParseDeliveryID(f *testing.F) {
	f.Add(gateway.DeliveryKey{Subscription: 1, Position: 2}.ID())
	f.Fuzz(func(t *testing.T, id string) {
		if k, err := gateway.ParseDeliveryID(id); err == nil && k.ID() != id {
			t.Errorf("%q is spelled %q", id, k.ID())
		}
	})
}
