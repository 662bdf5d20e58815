package filter_test

import (
	"testing"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	order := event(t, "shop.Order", r.add("shop.Order", orderV1), orderData)
	untyped := event(t, "order.created", nil, `{"total":5,"tags":["a","b"],"note":"a \"quoted\" one"}`)
	c := filter.NewCompiler(r.schemas)
	tests := []struct {
		expression string
		event      *gateway.Event
		reason     string
	}{
		{`event.data.total > 100`, order, ""},
		{`event.data.total > 1000`, order, `event.data.total > 1000 is false: event.data.total is 250`},
		{`event.data.total > 100 && event.subject == "x"`, order, `event.subject == "x" is false: event.subject is "order-7"`},
		{
			`(event.data.total > 1000 || event.data.weight > 2.0) && true`, order,
			`event.data.total > 1000 is false: event.data.total is 250; event.data.weight > 2.0 is false: event.data.weight is 1.5`,
		},
		{`!(event.data.total > 100)`, order, `!(event.data.total > 100) is false: event.data.total > 100 is true`},
		{
			`event.data.lines.exists(l, l.sku == "C")`, order,
			`event.data.lines.exists(l, l.sku == "C") is false: event.data.lines is a list of 2`,
		},
		{`event.subject.startsWith("x")`, order, `event.subject.startsWith("x") is false: event.subject is "order-7"`},
		{
			`event.time > timestamp("2027-01-01T00:00:00Z")`, order,
			`event.time > timestamp("2027-01-01T00:00:00Z") is false: event.time is 2026-03-04T05:06:07Z, timestamp("2027-01-01T00:00:00Z") is 2027-01-01T00:00:00Z`,
		},
		{`has(event.data.coupon)`, untyped, `has(event.data.coupon) is false`},
		{`size(event.data.tags) > 2`, untyped, `size(event.data.tags) > 2 is false: size(event.data.tags) is 2`},
		{`event.data.note == "x"`, untyped, `event.data.note == "x" is false: event.data.note is "a \"quoted\" one"`},
		{`event.type == "order.created" && event.data.total2 > 3`, untyped, `filter error: no such key: total2 in event.data.total2 > 3`},
		{`event.data.coupon == "x"`, order, `filter error: does not compile for shop.Order version 1: 1:12: undefined field 'coupon'`},
		{
			`event.type == "order.created" ? event.data.total > 9 : true`, untyped,
			`(event.type == "order.created") ? (event.data.total > 9) : true is false: event.type == "order.created" is true, event.data.total > 9 is false`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.expression, func(t *testing.T) {
			t.Parallel()
			matched, reason := c.Expression(tt.expression).Explain(c.Subject(tt.event))
			if matched != (tt.reason == "") || reason != tt.reason {
				t.Errorf("matched: %t, reason %q, want %q", matched, reason, tt.reason)
			}
		})
	}
}
