package filter_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/postrider-dev/postrider/server/filter"
	"github.com/postrider-dev/postrider/server/gateway"
	"github.com/postrider-dev/postrider/server/meter/metertest"
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
	for _, row := range metertest.Expressions() {
		f.Add(row.Filter)
	}
	for _, pattern := range []string{`^a[0-9]{4}$`, `a{2,}`, `(a{2}){3}`, `(a{1000}){1000}`, `[[:^word:]]{1,9}?`, `(?i)\pL{0}`, `a{1001}`, `(`, `\Q{3}`} {
		f.Add("event.subject.matches(r'" + pattern + "')")
		f.Add("matches(event.data.order_id, r'" + pattern + "') || event.id.matches('' + r'" + pattern + "')")
	}
	r := newRegistry(f)
	order := event(f, "shop.Order", r.add("shop.Order", orderV1), orderData)
	untyped := event(f, "order.created", nil, `{"total":5,"lines":[{"sku":"A"}]}`)
	hostile := event(f, "hostile", nil, string(metertest.Payload()))
	c := filter.NewCompiler(r.schemas)
	large := c.Subject(hostile)
	f.Fuzz(func(t *testing.T, text string) {
		for _, subject := range []*filter.Subject{c.Subject(order), c.Subject(untyped), large} {
			e := subject.Event()
			report := checked(t, c, gateway.Filter{Types: []string{e.Type}, Expression: text})
			x := c.Expression(text)
			verdict := x.Match(subject)
			matched, reason := x.Explain(subject)
			if report.Refused && verdict.Matched || matched != verdict.Matched || matched != (reason == "") {
				t.Errorf("refused: %t, %+v, explained: %t %q", report.Refused, verdict, matched, reason)
			}
			if strings.Contains(reason, "internal error") {
				t.Errorf("it panics: %s", reason)
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
