package meter_test

import (
	"testing"

	"github.com/postrider-dev/postrider/server/meter"
)

// An expression that used up exactly what may not wait made the router of all tenants wait for its tenant's turn.
func TestWhatMayNotWaitIsUsedUpWithoutATurn(t *testing.T) {
	t.Parallel()
	for name, charges := range map[string][]uint64{
		"at once":        {meter.Quick},
		"step by step":   {meter.Quick - 1, 1, 0},
		"and a bit more": {meter.Quick, 1},
	} {
		m := meter.New(0, false)
		m.Within(meter.Quick)
		m.Costly = func() { t.Errorf("%s: it waits for a turn", name) }
		func() {
			defer func() { _ = recover() }() // What goes over the budget ends so.
			for _, units := range charges {
				m.Charge(units)
			}
		}()
	}
	m, waited := meter.New(0, false), 0
	m.Costly = func() { waited++ }
	for range 5 {
		m.Charge(meter.Quick)
	}
	if waited != 1 {
		t.Errorf("a costly evaluation waits %d times", waited)
	}
}
