package deliver_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/meter/metertest"
)

// Limits for an event of 600 kB, from its publish until a subscription with a costly expression has passed it. The router
// tries the expression, the lane evaluates it, and another subscription delivers the event.
const (
	maxMemory    = 96 << 20
	maxProcessor = 2 * time.Second
)

// No expression of a subscription takes more than the budget of an event, blocks its lane, or keeps the event from other
// subscriptions.
func TestCostlyExpressionsOfSubscriptionsAreBounded(t *testing.T) {
	payload := string(metertest.Payload())
	inWorld(t, func(w *world) {
		_, beside := w.subscribeTo("beside", gateway.StartNow, gateway.Policy{}, gateway.Filter{Expression: `event.id != ""`})
		over := 0
		for i, row := range metertest.Expressions() {
			if row.Filter == "" {
				continue
			}
			sub, e := w.subscribeTo(fmt.Sprint("costly ", i), gateway.StartNow, gateway.Policy{}, gateway.Filter{Expression: row.Filter})
			t.Log(row.Name)
			metertest.Bounded(t, maxMemory, maxProcessor, func() {
				w.publishData("costly", payload)
				pass(time.Second)
			})
			health := w.health(sub)
			if int(health.Place) != w.published || health.FilterErrors > 1 || len(e.ids())+int(health.FilterErrors) > 1 {
				t.Errorf("%s: %d received, at %d of %d, %d failures: %s",
					row.Name, len(e.ids()), health.Place, w.published, health.FilterErrors, health.LastFilterError)
			}
			if strings.Contains(health.LastFilterError, "takes too long") {
				over++
			}
			equal(t, row.Name+": received beside it", len(beside.ids()), w.published)
			if err := w.engine.Delete(w.ctx, sub.ID, 0); err != nil {
				t.Fatal(err)
			}
		}
		if over < 50 {
			t.Errorf("only %d went over the budget", over)
		}
	})
}
