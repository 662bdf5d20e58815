package clienttest_test

import (
	"fmt"
	"strings"
	"testing"

	shopv1 "github.com/postrider-dev/postrider/client/gen/shop/v1"

	"github.com/postrider-dev/postrider/client"
)

// An event comes once, with the names of the filters that select it. A filter without types has those of the stream.
func TestSeveralFiltersOnOneStream(t *testing.T) {
	t.Parallel()
	c := client.New(newServer(t), client.WithKey(adminKey))
	small, large := paid("small"), paid("large")
	small.Amount.MinorUnits, large.Amount.MinorUnits = 1, 1_000_000
	if _, err := c.PublishBatch(soon(t), event(t, small), event(t, cancelled("gone")), event(t, large)); err != nil {
		t.Fatal(err)
	}
	var seen []string
	for event, err := range client.Subscribe[*shopv1.OrderPaid](soon(t), c, client.Start(client.Earliest),
		client.NamedFilter("any", ""), client.NamedFilter("large", "event.data.amount.minor_units > 1000")) {
		if err != nil {
			t.Fatal(err)
		}
		if seen = append(seen, fmt.Sprint(event.Message.GetOrderId(), event.Filters)); len(seen) == 2 {
			break
		}
	}
	if got := strings.Join(seen, " "); got != "small[any] large[any large]" {
		t.Errorf("got %s", got)
	}
}
