package filter_test

import (
	"fmt"
	"testing"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
)

// BenchmarkMatch evaluates an expression on an event that nobody has looked at, its payload read included; "again" is
// what the next one with the same expression pays.
func BenchmarkMatch(b *testing.B) {
	r := newRegistry(b)
	order := event(b, "shop.Order", r.add("shop.Order", orderV1), orderData)
	untyped := event(b, "order.created", nil, `{"total":250,"customer":{"tier":"gold"},"items":[{"sku":"A"},{"sku":"B"}],"note":"nothing special"}`)
	for _, bench := range []struct {
		name, expression string
		event            *gateway.Event
	}{
		{"attribute", `event.subject == "order-7"`, order},
		{"typed", `event.data.total > 100 && event.data.ship_to.city == "Lund"`, order},
		{"typed list", `event.data.lines.exists(l, l.sku == "B")`, order},
		{"untyped", `event.data.total > 100 && event.data.customer.tier == "gold"`, untyped},
		{"untyped list", `event.data.items.exists(i, i.sku == "B")`, untyped},
	} {
		b.Run(bench.name, func(b *testing.B) {
			c := filter.NewCompiler(r.schemas)
			x := c.Expression(bench.expression)
			b.ReportAllocs()
			for b.Loop() {
				if v := x.Match(c.Subject(bench.event)); !v.Matched {
					b.Fatal(v)
				}
			}
		})
	}
	b.Run("again", func(b *testing.B) {
		c := filter.NewCompiler(r.schemas)
		x := c.Expression(`event.data.total > 100`)
		seen := c.Subject(order)
		b.ReportAllocs()
		for b.Loop() {
			if v := x.Match(seen); !v.Matched {
				b.Fatal(v)
			}
		}
	})
}

// BenchmarkCompile is what the first event of a schema version pays.
func BenchmarkCompile(b *testing.B) {
	r := newRegistry(b)
	order := event(b, "shop.Order", r.add("shop.Order", orderV1), orderData)
	b.ReportAllocs()
	c := filter.NewCompiler(r.schemas)
	c.Expression(`true`).Match(c.Subject(order))
	for i := 0; b.Loop(); i++ {
		x := c.Expression(fmt.Sprintf(`event.data.total > 100 && event.data.order_id != "%d"`, i))
		if v := x.Match(c.Subject(order)); !v.Matched {
			b.Fatal(v)
		}
	}
}
