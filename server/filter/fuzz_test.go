package filter_test

import (
	"testing"
	"unicode/utf8"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
)

// FuzzExpression compiles whatever is written, runs it and explains the outcome: no crash, and the three agree.
func FuzzExpression(f *testing.F) {
	for _, seed := range []string{
		`event.data.total > 100 && event.subject == "x"`, `event.data.lines.exists(l, l.sku == "A")`, `event.data.totl`,
		"event.data.labels[\"é\"]\n == 'x'", `has(event.data.ship_to) ? event.data.ship_to.city : "x"`, `event.data.?x.orValue(1) == 1`,
		`[1, 2.0, "x"].map(x, x)[0] == dyn(event.data)`, `event`, `!`, `shop.Order{total: 1} == event.data`, `type(event) == int`,
		`event.time.getFullYear("Nowhere/Land") == 1`, `optional.of(event.data).total`, `event.data[event.id]`,
	} {
		f.Add(seed)
	}
	r := newRegistry(f)
	order := event(f, "shop.Order", r.add("shop.Order", orderV1), orderData)
	untyped := event(f, "order.created", nil, `{"total":5,"lines":[{"sku":"A"}]}`)
	c := filter.NewCompiler(r.schemas)
	f.Fuzz(func(t *testing.T, text string) {
		for _, e := range []*gateway.Event{order, untyped} {
			report := c.Check(gateway.Filter{Types: []string{e.Type}, Expression: text})
			verdict := match(c, text, e)
			matched, reason := c.Expression(text).Explain(c.Subject(e))
			if report.Refused && verdict.Matched || matched != verdict.Matched || matched != (reason == "") {
				t.Errorf("refused: %t, %+v, explained: %t %q", report.Refused, verdict, matched, reason)
			}
			if utf8.ValidString(text) && !utf8.ValidString(reason) {
				t.Errorf("the reason is no text: %q", reason)
			}
			for _, p := range report.Problems {
				if p.Line < 1 || p.Column < 1 || p.Message == "" {
					t.Errorf("problem %+v", p)
				}
			}
		}
	})
}
